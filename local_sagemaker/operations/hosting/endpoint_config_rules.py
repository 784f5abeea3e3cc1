"""What CreateEndpointConfig takes: each member honoured, without effect here, or refused with what to do instead."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from diagnostics.instances import UnknownInstanceType, instance_type
from local_sagemaker.errors import ValidationException
from local_sagemaker.operations.coverage import Structure
from local_sagemaker.operations.unsupported import refuse

MEMORY_SIZES_MB = (1024, 2048, 3072, 4096, 5120, 6144)
ROUTING_STRATEGIES = ("LEAST_OUTSTANDING_REQUESTS", "RANDOM")

_NO_KEY = "nothing is encrypted here; leave it out"
_ON_THIS_MACHINE = "models run on this machine; leave it out"

CONFIG = Structure(
    "CreateEndpointConfigInput",
    honoured=("EndpointConfigName", "ProductionVariants", "DataCaptureConfig", "Tags", "AsyncInferenceConfig"),
    without_effect={"ExecutionRoleArn": "no role is assumed on this machine"},
    refused={
        "KmsKeyId": _NO_KEY,
        "ExplainerConfig": "there is no Clarify here; explain predictions in the model's own code",
        "ShadowProductionVariants": "create a second endpoint and send it the same requests",
        "VpcConfig": _ON_THIS_MACHINE,
        "EnableNetworkIsolation": "models run as processes of this machine; leave it out",
        "MetricsConfig": "there are no metrics of endpoints here; leave it out",
        "CrossRegionTrafficConfig": "there is one machine; leave it out",
    },
)
VARIANT = Structure(
    "ProductionVariant",
    honoured=(
        "VariantName",
        "ModelName",
        "InitialInstanceCount",
        "InstanceType",
        "InitialVariantWeight",
        "ServerlessConfig",
        "VolumeSizeInGB",
        "ModelDataDownloadTimeoutInSeconds",
        "ContainerStartupHealthCheckTimeoutInSeconds",
        "RoutingConfig",
    ),
    refused={
        "InstancePools": "give one InstanceType",
        "VariantInstanceProvisionTimeoutInSeconds": "it belongs to InstancePools; leave it out",
        "AcceleratorType": "there is no Elastic Inference here; leave it out",
        "CoreDumpConfig": "look at the model server's log group instead; leave it out",
        "EnableSSMAccess": "models run on this machine; look at their processes directly",
        "ManagedInstanceScaling": "give InitialInstanceCount, and change it by UpdateEndpointWeightsAndCapacities",
        "InferenceAmiVersion": _ON_THIS_MACHINE,
        "CapacityReservationConfig": "there is nothing to reserve on one machine; leave it out",
        "AcceleratorPartitionLayouts": "accelerators are not partitioned here; leave it out",
    },
)
SERVERLESS = Structure(
    "ProductionVariantServerlessConfig", honoured=("MemorySizeInMB", "MaxConcurrency", "ProvisionedConcurrency")
)
ROUTING = Structure(
    "ProductionVariantRoutingConfig",
    honoured=("RoutingStrategy",),
    refused={"PrefixAwareRoutingConfig": f"use RoutingStrategy {' or '.join(ROUTING_STRATEGIES)}"},
)
ASYNC = Structure("AsyncInferenceConfig", honoured=("ClientConfig", "OutputConfig"))
ASYNC_CLIENT = Structure("AsyncInferenceClientConfig", honoured=("MaxConcurrentInvocationsPerInstance",))
ASYNC_OUTPUT = Structure(
    "AsyncInferenceOutputConfig",
    honoured=("S3OutputPath", "S3FailurePath"),
    refused={
        "KmsKeyId": _NO_KEY,
        "NotificationConfig": "there is no SNS here; look for the object at OutputLocation or FailureLocation",
    },
)
DATA_CAPTURE = Structure(
    "DataCaptureConfig",
    honoured=(
        "EnableCapture",
        "InitialSamplingPercentage",
        "DestinationS3Uri",
        "CaptureOptions",
        "CaptureContentTypeHeader",
    ),
    refused={"KmsKeyId": _NO_KEY},
)

STRUCTURES = (CONFIG, VARIANT, SERVERLESS, ROUTING, ASYNC, ASYNC_CLIENT, ASYNC_OUTPUT, DATA_CAPTURE)


def check_config(members: Mapping[str, Any]) -> None:
    """Raise ValidationException for what cannot be served, or contradicts itself."""
    CONFIG.check(members)
    variants = members["ProductionVariants"]
    _check_names(variants)
    for variant in variants:
        _check_variant(variant)
    if not sum(variant.get("InitialVariantWeight", 1.0) for variant in variants):
        raise ValidationException("At least one production variant needs an InitialVariantWeight above 0")
    if "AsyncInferenceConfig" in members:
        _check_async(members["AsyncInferenceConfig"])
    if "DataCaptureConfig" in members:
        _check_data_capture(members["DataCaptureConfig"])
    if any(variant.get("ServerlessConfig") for variant in variants):
        _check_serverless_alone(members)


def _check_names(variants: Sequence[Mapping[str, Any]]) -> None:
    twice = [name for name, count in Counter(variant["VariantName"] for variant in variants).items() if count > 1]
    if twice:
        raise ValidationException(f"Production variant names must be unique; used twice: {', '.join(twice)}")


def _check_variant(variant: Mapping[str, Any]) -> None:
    where = f"Production variant {variant['VariantName']}"
    VARIANT.check(variant, f"{where}: ")
    serverless = variant.get("ServerlessConfig")
    needed = ("ModelName",) if serverless else ("ModelName", "InstanceType", "InitialInstanceCount")
    for name in needed:
        if not variant.get(name):
            hint = "" if name == "ModelName" else " (or ServerlessConfig)"
            raise ValidationException(f"{where} needs {name}{hint}")
    if serverless:
        _check_serverless(variant, serverless, where)
    else:
        try:
            instance_type(variant["InstanceType"])
        except UnknownInstanceType as error:
            raise ValidationException(f"{where}: InstanceType {error}") from error
    routing = variant.get("RoutingConfig", {})
    ROUTING.check(routing, f"{where}: RoutingConfig.")
    strategy = routing.get("RoutingStrategy", ROUTING_STRATEGIES[0])
    if strategy not in ROUTING_STRATEGIES:
        refuse(f"{where}: RoutingStrategy {strategy}", f"use one of {', '.join(ROUTING_STRATEGIES)}")


def _check_serverless(variant: Mapping[str, Any], serverless: Mapping[str, int], where: str) -> None:
    SERVERLESS.check(serverless, f"{where}: ServerlessConfig.")
    for name in ("InstanceType", "InitialInstanceCount", "VolumeSizeInGB", "RoutingConfig"):
        if variant.get(name):
            raise ValidationException(f"{where}: {name} and ServerlessConfig exclude each other; leave one of them out")
    if serverless["MemorySizeInMB"] not in MEMORY_SIZES_MB:
        sizes = ", ".join(map(str, MEMORY_SIZES_MB))
        raise ValidationException(f"{where}: ServerlessConfig.MemorySizeInMB must be one of {sizes}")
    check_concurrency(serverless, where)


def check_concurrency(serverless: Mapping[str, int], where: str) -> None:
    """Raise ValidationException when more capacity is provisioned than may be used."""
    if serverless.get("ProvisionedConcurrency", 0) > serverless["MaxConcurrency"]:
        raise ValidationException(
            f"{where}: ProvisionedConcurrency must be less than or equal to MaxConcurrency,"
            f" {serverless['MaxConcurrency']}"
        )


def _check_serverless_alone(members: Mapping[str, Any]) -> None:
    """A serverless endpoint has one variant and neither data capture nor asynchronous invocations, as on AWS."""
    if len(members["ProductionVariants"]) > 1:
        raise ValidationException("A serverless endpoint has one production variant; give no other variants")
    if "AsyncInferenceConfig" in members:
        raise ValidationException("AsyncInferenceConfig and ServerlessConfig exclude each other; leave one of them out")
    if members.get("DataCaptureConfig", {}).get("EnableCapture"):
        raise ValidationException("A serverless endpoint cannot capture data; set EnableCapture to false")


def _check_async(config: Mapping[str, Any]) -> None:
    ASYNC.check(config, "AsyncInferenceConfig.")
    ASYNC_CLIENT.check(config.get("ClientConfig", {}), "AsyncInferenceConfig.ClientConfig.")
    output = config["OutputConfig"]
    ASYNC_OUTPUT.check(output, "AsyncInferenceConfig.OutputConfig.")
    if not output.get("S3OutputPath"):
        raise ValidationException("AsyncInferenceConfig.OutputConfig needs S3OutputPath, an s3://bucket/prefix URI")
    for name in ("S3OutputPath", "S3FailurePath"):
        _check_s3_uri(output.get(name, ""), f"AsyncInferenceConfig.OutputConfig.{name}")


def _check_data_capture(config: Mapping[str, Any]) -> None:
    DATA_CAPTURE.check(config, "DataCaptureConfig.")
    _check_s3_uri(config["DestinationS3Uri"], "DataCaptureConfig.DestinationS3Uri")
    modes = [option["CaptureMode"] for option in config["CaptureOptions"]]
    if len(modes) != len(set(modes)):
        raise ValidationException("DataCaptureConfig.CaptureOptions: each CaptureMode may be given once")


def _check_s3_uri(uri: str, where: str) -> None:
    if uri and not (uri.startswith("s3://") and uri.removeprefix("s3://").partition("/")[0]):
        raise ValidationException(f"{where} {uri} must be an s3://bucket/prefix URI")
