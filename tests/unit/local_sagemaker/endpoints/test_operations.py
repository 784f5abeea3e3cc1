"""Operations on models, endpoint configurations and endpoints: what they answer, keep and refuse. No engine runs."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import aiohttp
import pytest

from local_sagemaker.errors import ValidationException
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.hosting import endpoint_configs, endpoints, models
from local_sagemaker.settings import Settings
from local_sagemaker.store import deployments, tags
from local_sagemaker.store import endpoints as store
from local_sagemaker.store.database import Database

ARN = "arn:aws:sagemaker:us-east-1:123456789012"
CONTAINER = {"Image": "image:1", "ModelDataUrl": "s3://bucket/model.tar.gz", "Environment": {"A": "b"}}
VARIANT = {"VariantName": "AllTraffic", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
SERVERLESS = {"MemorySizeInMB": 1024, "MaxConcurrency": 5}
ASYNC = {"OutputConfig": {"S3OutputPath": "s3://bucket/out", "S3FailurePath": "s3://bucket/failed", "KmsKeyId": ""}}
CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 50,
    "DestinationS3Uri": "s3://bucket/captured",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
}


def serverless(**members: int) -> dict[str, Any]:
    return {"VariantName": "v", "ModelName": "m", "ServerlessConfig": {**SERVERLESS, **members}}


@pytest.fixture
def context(tmp_path: Path) -> Iterator[Context]:
    settings = Settings(state_dir=tmp_path)
    database = Database(settings.database_path)
    yield Context(settings, database, threading.Event(), Mock(spec=aiohttp.ClientSession), "us-east-1")
    database.connection.close()


@pytest.fixture
def deployed(context: Context) -> Context:
    """With model m, configuration c, and endpoint Dogs in Creating."""
    create_model(context)
    create_config(context)
    endpoints.create_endpoint(context, {"EndpointName": "Dogs", "EndpointConfigName": "c"})
    return context


def create_model(context: Context, name: str = "m", **container: Any) -> dict[str, Any]:
    return models.create_model(context, {"ModelName": name, "PrimaryContainer": {**CONTAINER, **container}})


def create_config(context: Context, name: str = "c", **variant: Any) -> dict[str, Any]:
    return endpoint_configs.create_endpoint_config(
        context, {"EndpointConfigName": name, "ProductionVariants": [{**VARIANT, **variant}]}
    )


def refused(operation: Any, context: Context, members: dict[str, Any]) -> str:
    with pytest.raises(ValidationException) as raised:
        operation(context, members)
    return raised.value.message


def test_a_model_is_described_as_it_was_created(context: Context) -> None:
    role = "arn:aws:iam::123456789012:role/r"
    made = models.create_model(
        context,
        {
            "ModelName": "Dogs",
            "PrimaryContainer": CONTAINER,
            "ExecutionRoleArn": role,
            "Tags": [{"Key": "k", "Value": "v"}],
        },
    )
    assert made == {"ModelArn": f"{ARN}:model/dogs"}
    described = models.describe_model(context, {"ModelName": "Dogs"})
    assert described.pop("CreationTime") > 0
    assert described == {
        "ModelName": "Dogs",
        "ModelArn": f"{ARN}:model/dogs",
        "PrimaryContainer": {"Mode": "SingleModel", **CONTAINER},
        "ExecutionRoleArn": role,
        "EnableNetworkIsolation": False,
    }
    assert tags.tags_of(context.database, made["ModelArn"]) == [{"Key": "k", "Value": "v"}]
    assert models.delete_model(context, {"ModelName": "Dogs"}) == {}
    assert tags.tags_of(context.database, made["ModelArn"]) == []


def test_model_names_are_taken_whatever_their_case(context: Context) -> None:
    create_model(context, "Dogs")
    assert (
        refused(models.create_model, context, {"ModelName": "dogs", "PrimaryContainer": CONTAINER})
        == f'Cannot create already existing model "{ARN}:model/dogs".'
    )


@pytest.mark.parametrize("operation", [models.describe_model, models.delete_model])
def test_an_unknown_model_is_not_found(context: Context, operation: Any) -> None:
    assert refused(operation, context, {"ModelName": "x"}) == f'Could not find model "{ARN}:model/x".'


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"Containers": [CONTAINER, CONTAINER]}, "Containers"),
        ({"Containers": [CONTAINER], "PrimaryContainer": CONTAINER}, "exclude each other"),
        ({"Containers": [CONTAINER], "InferenceExecutionConfig": {"Mode": "Serial"}}, "InferenceExecutionConfig"),
        ({"PrimaryContainer": CONTAINER, "VpcConfig": {"Subnets": ["s"]}}, "VpcConfig"),
        ({"PrimaryContainer": CONTAINER, "EnableNetworkIsolation": True}, "EnableNetworkIsolation"),
        ({"PrimaryContainer": {**CONTAINER, "Mode": "MultiModel"}}, "MultiModel"),
        ({"PrimaryContainer": {**CONTAINER, "ModelPackageName": "p"}}, "ModelPackageName"),
        ({"PrimaryContainer": {**CONTAINER, "ContainerMetricsConfig": {"MetricsEndpoints": [1]}}}, "MetricsConfig"),
        ({"PrimaryContainer": {**CONTAINER, "ModelDataUrl": "https://host/m.tar.gz"}}, "https://host"),
        ({"PrimaryContainer": {"Image": "i"}}, "ModelDataUrl"),
        ({"PrimaryContainer": {"ModelDataUrl": "s3://b/k"}}, "Image"),
        ({}, "PrimaryContainer"),
        (
            {"PrimaryContainer": {**CONTAINER, "Environment": {"SAGEMAKER_SUBMIT_DIRECTORY": "/opt/code"}}},
            "SAGEMAKER_SUBMIT_DIRECTORY",
        ),
    ],
)
def test_what_cannot_be_served_is_refused_by_name(context: Context, members: dict[str, Any], named: str) -> None:
    assert named in refused(models.create_model, context, {"ModelName": "m", **members})
    assert models.list_models(context, {}) == {"Models": []}


def test_a_model_data_source_that_means_a_model_data_url_is_taken(context: Context) -> None:
    source = {"S3DataSource": {"S3Uri": "s3://b/k", "S3DataType": "S3Object", "CompressionType": "Gzip"}}
    models.create_model(context, {"ModelName": "m", "PrimaryContainer": {"Image": "i", "ModelDataSource": source}})
    create_config(context)
    endpoints.create_endpoint(context, {"EndpointName": "e", "EndpointConfigName": "c"})
    found = deployments.of_endpoint(context.database, "e")[0]
    assert found.variants[0].model_data_url == "s3://b/k"


@pytest.mark.parametrize(
    ("uri", "kind", "compression", "message"),
    [
        ("s3://b/k/", "S3Prefix", "None", ""),
        ("s3://b/k", "S3Prefix", "None", "must end with a forward slash"),
        ("s3://b/k/", "S3Prefix", "Gzip", "needs S3DataType S3Object"),
        ("s3://b/k.pt", "S3Object", "None", ""),
        ("s3://b/k/", "S3Object", "Gzip", "must not end with a forward slash"),
    ],
)
def test_model_data_sources_are_archives_or_plain_files(
    context: Context, uri: str, kind: str, compression: str, message: str
) -> None:
    source = {"S3DataSource": {"S3Uri": uri, "S3DataType": kind, "CompressionType": compression}}
    members = {"ModelName": "m", "PrimaryContainer": {"Image": "i", "ModelDataSource": source}}
    if message:
        assert message in refused(models.create_model, context, members)
        return
    models.create_model(context, members)
    create_config(context)
    endpoints.create_endpoint(context, {"EndpointName": "e", "EndpointConfigName": "c"})
    variant = deployments.of_endpoint(context.database, "e")[0].variants[0]
    assert (variant.model_data_url, variant.model_data_compressed) == (uri, False)


def test_one_container_in_a_list_is_the_primary_container(context: Context) -> None:
    models.create_model(context, {"ModelName": "m", "Containers": [CONTAINER]})
    described = models.describe_model(context, {"ModelName": "m"})
    assert described["Containers"] == [{"Mode": "SingleModel", **CONTAINER}]
    assert "PrimaryContainer" not in described
    create_config(context)
    endpoints.create_endpoint(context, {"EndpointName": "e", "EndpointConfigName": "c"})
    assert deployments.of_endpoint(context.database, "e")[0].variants[0].image == "image:1"


def test_a_configuration_is_described_as_it_was_created(context: Context) -> None:
    create_model(context)
    assert create_config(context) == {"EndpointConfigArn": f"{ARN}:endpoint-config/c"}
    described = endpoint_configs.describe_endpoint_config(context, {"EndpointConfigName": "c"})
    assert described["ProductionVariants"] == [{"InitialVariantWeight": 1.0, **VARIANT}]
    listed = endpoint_configs.list_endpoint_configs(context, {})["EndpointConfigs"]
    assert [item["EndpointConfigName"] for item in listed] == ["c"]
    endpoint_configs.delete_endpoint_config(context, {"EndpointConfigName": "c"})
    for operation in (endpoint_configs.describe_endpoint_config, endpoint_configs.delete_endpoint_config):
        message = refused(operation, context, {"EndpointConfigName": "c"})
        assert message == f'Could not find endpoint configuration "{ARN}:endpoint-config/c".'


def test_a_configuration_cannot_be_created_twice(context: Context) -> None:
    create_model(context)
    create_config(context)
    members = {"EndpointConfigName": "c", "ProductionVariants": [VARIANT]}
    message = refused(endpoint_configs.create_endpoint_config, context, members)
    assert message == f'Cannot create already existing endpoint configuration "{ARN}:endpoint-config/c".'


@pytest.mark.parametrize(
    ("members", "variants", "named"),
    [
        ({}, [{**VARIANT, "ModelName": "other"}], f'Could not find model "{ARN}:model/other".'),
        ({}, [{**VARIANT, "InstanceType": "ml.m5.huge"}], "ml.m5.huge"),
        ({}, [{"VariantName": "v", "ModelName": "m"}], "needs InstanceType"),
        ({}, [VARIANT, VARIANT], "unique"),
        ({}, [{**VARIANT, "InitialVariantWeight": 0}], "above 0"),
        ({}, [{**VARIANT, "ServerlessConfig": SERVERLESS}], "InstanceType and ServerlessConfig exclude each other"),
        ({}, [serverless(MemorySizeInMB=1500)], "1024, 2048"),
        ({}, [serverless(ProvisionedConcurrency=6)], "less than or equal to MaxConcurrency, 5"),
        ({}, [serverless(), {**VARIANT, "VariantName": "w"}], "one production variant"),
        ({"AsyncInferenceConfig": ASYNC}, [serverless()], "exclude each other"),
        ({"DataCaptureConfig": CAPTURE}, [serverless()], "cannot capture data"),
        ({}, [{**VARIANT, "RoutingConfig": {"RoutingStrategy": "PREFIX_AWARE"}}], "PREFIX_AWARE"),
        ({}, [{**VARIANT, "CoreDumpConfig": {"DestinationS3Uri": "s3://b"}}], "CoreDumpConfig"),
        ({"AsyncInferenceConfig": {"OutputConfig": {}}}, [VARIANT], "needs S3OutputPath"),
        ({"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "https://b/k"}}}, [VARIANT], "s3://bucket/prefix"),
        (
            {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://b", "NotificationConfig": {"a": "b"}}}},
            [VARIANT],
            "NotificationConfig: there is no SNS here",
        ),
        (
            {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://b", "KmsKeyId": "k"}}},
            [VARIANT],
            "KmsKeyId",
        ),
        ({"DataCaptureConfig": {**CAPTURE, "KmsKeyId": "k"}}, [VARIANT], "KmsKeyId"),
        ({"DataCaptureConfig": {**CAPTURE, "DestinationS3Uri": "https://b/k"}}, [VARIANT], "s3://bucket/prefix"),
        (
            {"DataCaptureConfig": {**CAPTURE, "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Input"}]}},
            [VARIANT],
            "may be given once",
        ),
        ({"ShadowProductionVariants": [VARIANT]}, [VARIANT], "ShadowProductionVariants"),
        ({"ExplainerConfig": {"ClarifyExplainerConfig": {}}}, [VARIANT], "ExplainerConfig"),
    ],
)
def test_a_configuration_that_cannot_run_is_refused_by_name(
    context: Context, members: dict[str, Any], variants: list[dict[str, Any]], named: str
) -> None:
    create_model(context)
    request = {"EndpointConfigName": "c", "ProductionVariants": variants, **members}
    assert named in refused(endpoint_configs.create_endpoint_config, context, request)
    assert endpoint_configs.list_endpoint_configs(context, {}) == {"EndpointConfigs": []}


def test_a_new_endpoint_is_creating_and_the_engine_is_woken(deployed: Context) -> None:
    described = endpoints.describe_endpoint(deployed, {"EndpointName": "Dogs"})
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("Creating", "c")
    assert described["EndpointArn"] == f"{ARN}:endpoint/dogs"
    variant = described["ProductionVariants"][0]
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (0, 1)
    assert deployed.wake_engine.is_set()
    listed = endpoints.list_endpoints(deployed, {"StatusEquals": "Creating"})["Endpoints"]
    assert [item["EndpointName"] for item in listed] == ["Dogs"]
    assert endpoints.list_endpoints(deployed, {"StatusEquals": "Failed"}) == {"Endpoints": []}


def test_an_endpoint_in_progress_is_neither_updated_nor_deleted(deployed: Context) -> None:
    message = f'Cannot update in-progress endpoint "{ARN}:endpoint/dogs".'
    assert refused(endpoints.delete_endpoint, deployed, {"EndpointName": "Dogs"}) == message
    members = {"EndpointName": "Dogs", "EndpointConfigName": "c"}
    assert refused(endpoints.update_endpoint, deployed, members) == message
    assert len(deployments.of_endpoint(deployed.database, "Dogs")) == 1


def test_a_failed_endpoint_is_deleted_and_not_updated(deployed: Context) -> None:
    store.fail(deployed.database, "Dogs", "because", 1.0)
    described = endpoints.describe_endpoint(deployed, {"EndpointName": "Dogs"})
    assert (described["EndpointStatus"], described["FailureReason"]) == ("Failed", "because")
    assert described["EndpointConfigName"] == "c"
    members = {"EndpointName": "Dogs", "EndpointConfigName": "c"}
    assert "in status Failed" in refused(endpoints.update_endpoint, deployed, members)
    endpoints.delete_endpoint(deployed, {"EndpointName": "Dogs"})
    assert endpoints.describe_endpoint(deployed, {"EndpointName": "Dogs"})["EndpointStatus"] == "Deleting"


def test_unknown_endpoints_configurations_and_taken_names(deployed: Context) -> None:
    missing = f'Could not find endpoint "{ARN}:endpoint/x".'
    assert refused(endpoints.describe_endpoint, deployed, {"EndpointName": "x"}) == missing
    assert refused(endpoints.delete_endpoint, deployed, {"EndpointName": "x"}) == missing
    update = {"EndpointName": "x", "EndpointConfigName": "c"}
    assert refused(endpoints.update_endpoint, deployed, update) == missing
    create = {"EndpointName": "y", "EndpointConfigName": "z"}
    config = f'Could not find endpoint configuration "{ARN}:endpoint-config/z".'
    assert refused(endpoints.create_endpoint, deployed, create) == config
    again = {"EndpointName": "dogs", "EndpointConfigName": "c"}
    taken = f'Cannot create already existing endpoint "{ARN}:endpoint/dogs".'
    assert refused(endpoints.create_endpoint, deployed, again) == taken


def test_an_update_retains_weights_and_counts_where_asked(deployed: Context) -> None:
    store.put_in_service(deployed.database, "Dogs", 1.0)
    create_config(deployed, "d", InitialInstanceCount=2, InitialVariantWeight=5.0)
    endpoints.update_endpoint(
        deployed,
        {
            "EndpointName": "Dogs",
            "EndpointConfigName": "d",
            "RetainAllVariantProperties": True,
            "ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DesiredWeight"}],
        },
    )
    described = endpoints.describe_endpoint(deployed, {"EndpointName": "Dogs"})
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("Updating", "c")
    pending = described["PendingDeploymentSummary"]
    assert pending["EndpointConfigName"] == "d"
    assert pending["ProductionVariants"][0]["DesiredInstanceCount"] == 1
    assert pending["ProductionVariants"][0]["DesiredWeight"] == 5.0


def create_endpoint(context: Context, config: dict[str, Any]) -> dict[str, Any]:
    """An endpoint in service over a configuration of these members; its description."""
    create_model(context)
    endpoint_configs.create_endpoint_config(context, {"EndpointConfigName": "c", **config})
    endpoints.create_endpoint(context, {"EndpointName": "e", "EndpointConfigName": "c"})
    store.put_in_service(context.database, "e", 1.0)
    return endpoints.describe_endpoint(context, {"EndpointName": "e"})


def test_asynchronous_inference_and_data_capture_are_described(context: Context) -> None:
    config = {"ProductionVariants": [VARIANT], "AsyncInferenceConfig": ASYNC, "DataCaptureConfig": CAPTURE}
    described = create_endpoint(context, config)
    assert described["AsyncInferenceConfig"] == ASYNC
    assert described["DataCaptureConfig"] == {
        "EnableCapture": True,
        "CaptureStatus": "Started",
        "CurrentSamplingPercentage": 50,
        "DestinationS3Uri": "s3://bucket/captured",
        "KmsKeyId": "",
    }
    config_described = endpoint_configs.describe_endpoint_config(context, {"EndpointConfigName": "c"})
    assert (config_described["AsyncInferenceConfig"], config_described["DataCaptureConfig"]) == (ASYNC, CAPTURE)


def test_data_capture_that_is_not_enabled_captures_nothing(context: Context) -> None:
    off = {**CAPTURE, "EnableCapture": False}
    described = create_endpoint(context, {"ProductionVariants": [VARIANT], "DataCaptureConfig": off})
    assert "DataCaptureConfig" not in described
    assert deployments.of_endpoint(context.database, "e")[0].data_capture is None


def test_an_update_retains_data_capture_unless_excluded(context: Context) -> None:
    create_endpoint(context, {"ProductionVariants": [VARIANT], "DataCaptureConfig": CAPTURE})
    create_config(context, "plain")
    update = {"EndpointName": "e", "EndpointConfigName": "plain", "RetainAllVariantProperties": True}
    endpoints.update_endpoint(context, update)
    pending = store.find(context.database, "e").pending_id  # type: ignore[union-attr]
    assert deployments.find(context.database, pending or "").data_capture == CAPTURE  # type: ignore[union-attr]
    store.put_in_service(context.database, "e", 2.0)
    excluded = {"ExcludeRetainedVariantProperties": [{"VariantPropertyType": "DataCaptureConfig"}]}
    endpoints.update_endpoint(context, {**update, **excluded})
    store.put_in_service(context.database, "e", 3.0)
    assert "DataCaptureConfig" not in endpoints.describe_endpoint(context, {"EndpointName": "e"})


def test_a_serverless_endpoint_has_no_instances(context: Context) -> None:
    variant = create_endpoint(context, {"ProductionVariants": [serverless()]})["ProductionVariants"][0]
    assert variant["CurrentServerlessConfig"] == variant["DesiredServerlessConfig"] == SERVERLESS
    assert not {"CurrentInstanceCount", "DesiredInstanceCount"} & variant.keys()


def change(context: Context, **members: Any) -> None:
    """UpdateEndpointWeightsAndCapacities of one variant."""
    changes = [{"VariantName": "AllTraffic", **members}]
    endpoints.update_endpoint_weights_and_capacities(
        context, {"EndpointName": "e", "DesiredWeightsAndCapacities": changes}
    )


def test_weights_and_counts_change_in_place(context: Context) -> None:
    create_endpoint(context, {"ProductionVariants": [VARIANT]})
    context.wake_engine.clear()
    change(context, DesiredWeight=3.0, DesiredInstanceCount=2)
    assert context.wake_engine.is_set()
    described = endpoints.describe_endpoint(context, {"EndpointName": "e"})
    variant = described["ProductionVariants"][0]
    assert (described["EndpointStatus"], variant["VariantStatus"][0]["Status"]) == ("Updating", "Updating")
    assert "PendingDeploymentSummary" not in described
    assert (variant["CurrentWeight"], variant["DesiredWeight"], variant["DesiredInstanceCount"]) == (1.0, 3.0, 2)
    with pytest.raises(ValidationException, match="Cannot update in-progress endpoint"):
        change(context, DesiredWeight=1.0)
    store.roll_back(context.database, "e", "no room", 2.0)
    described = endpoints.describe_endpoint(context, {"EndpointName": "e"})
    variant = described["ProductionVariants"][0]
    assert (described["EndpointStatus"], described["FailureReason"]) == ("RollingBack", "no room")
    assert (variant["DesiredWeight"], variant["DesiredInstanceCount"]) == (1.0, 1)
    store.end_roll_back(context.database, "e", 3.0)
    change(context, DesiredWeight=2.0)
    store.finish_change(context.database, "e", 4.0)
    described = endpoints.describe_endpoint(context, {"EndpointName": "e"})
    assert described["EndpointStatus"] == "InService"
    assert described["ProductionVariants"][0]["CurrentWeight"] == 2.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([{"VariantName": "other", "DesiredWeight": 1.0}], "no variant other"),
        ([{"VariantName": "AllTraffic"}], "needs DesiredWeight"),
        ([{"VariantName": "AllTraffic", "DesiredWeight": 0.0}], "above 0"),
        ([{"VariantName": "AllTraffic", "DesiredInstanceCount": 0}], "at least 1"),
        ([{"VariantName": "AllTraffic", "DesiredWeight": 1.0}] * 2, "given twice: AllTraffic"),
        ([{"VariantName": "AllTraffic", "ServerlessUpdateConfig": {"MaxConcurrency": 1}}], "has instances"),
    ],
)
def test_changes_that_cannot_be_are_refused(context: Context, changes: list[dict[str, Any]], message: str) -> None:
    create_endpoint(context, {"ProductionVariants": [VARIANT]})
    members = {"EndpointName": "e", "DesiredWeightsAndCapacities": changes}
    assert message in refused(endpoints.update_endpoint_weights_and_capacities, context, members)
    assert endpoints.describe_endpoint(context, {"EndpointName": "e"})["EndpointStatus"] == "InService"


def test_the_concurrency_of_a_serverless_variant_changes_in_place(context: Context) -> None:
    create_endpoint(context, {"ProductionVariants": [{**serverless(), "VariantName": "AllTraffic"}]})
    with pytest.raises(ValidationException, match="is serverless"):
        change(context, DesiredInstanceCount=2)
    with pytest.raises(ValidationException, match="less than or equal to MaxConcurrency, 5"):
        change(context, ServerlessUpdateConfig={"ProvisionedConcurrency": 9})
    change(context, ServerlessUpdateConfig={"MaxConcurrency": 7, "ProvisionedConcurrency": 1})
    variant = endpoints.describe_endpoint(context, {"EndpointName": "e"})["ProductionVariants"][0]
    assert variant["CurrentServerlessConfig"] == SERVERLESS
    assert variant["DesiredServerlessConfig"] == {
        "MemorySizeInMB": 1024,
        "MaxConcurrency": 7,
        "ProvisionedConcurrency": 1,
    }


def blue_green(kind: str = "ALL_AT_ONCE", wait: int = 0, **more: Any) -> dict[str, Any]:
    """A DeploymentConfig; sizes belong to its routing, the rest to its policy."""
    sizes: dict[str, Any] = {name: more.pop(name) for name in ("CanarySize", "LinearStepSize") if name in more}
    routing: dict[str, Any] = {"Type": kind, "WaitIntervalInSeconds": wait, **sizes}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, **more}}


def percent(value: int) -> dict[str, Any]:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"RollingUpdatePolicy": {"MaximumBatchSize": percent(5)}}, "use BlueGreenUpdatePolicy"),
        ({"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]}}, "there are no alarms here"),
        (blue_green("CANARY"), "needs CanarySize"),
        (blue_green("CANARY", CanarySize=percent(51)), "at most 50 percent"),
        (blue_green("CANARY", CanarySize={"Type": "INSTANCE_COUNT", "Value": 1}), "it is 100 percent"),
        (blue_green("LINEAR", LinearStepSize=percent(9)), "10 to 50 percent"),
        (blue_green(CanarySize=percent(5)), "takes no CanarySize"),
        (
            blue_green("LINEAR", 100, LinearStepSize=percent(10), MaximumExecutionTimeoutInSeconds=1000),
            "more than all waiting together, 1000 seconds",
        ),
    ],
)
def test_deployment_configurations_that_cannot_be_are_refused(deployed: Context, config: Any, message: str) -> None:
    store.put_in_service(deployed.database, "Dogs", 1.0)
    members = {"EndpointName": "Dogs", "EndpointConfigName": "c", "DeploymentConfig": config}
    assert message in refused(endpoints.update_endpoint, deployed, members)
    assert endpoints.describe_endpoint(deployed, {"EndpointName": "Dogs"})["EndpointStatus"] == "InService"


def test_a_deployment_configuration_is_described_and_retained(deployed: Context) -> None:
    store.put_in_service(deployed.database, "Dogs", 1.0)
    config = blue_green("CANARY", 60, CanarySize=percent(10), TerminationWaitInSeconds=60)
    update = {"EndpointName": "Dogs", "EndpointConfigName": "c"}
    endpoints.update_endpoint(deployed, {**update, "DeploymentConfig": config})
    found = endpoints.describe_endpoint(deployed, {"EndpointName": "Dogs"})
    assert found["PendingDeploymentSummary"]["ProductionVariants"][0]["VariantStatus"][0]["Status"] == "Creating"
    assert found["PendingDeploymentSummary"]["ProductionVariants"][0]["InstanceType"] == "ml.m5.large"
    store.put_in_service(deployed.database, "Dogs", 2.0)
    assert endpoints.describe_endpoint(deployed, {"EndpointName": "Dogs"})["LastDeploymentConfig"] == config
    retain = {**update, "RetainDeploymentConfig": True}
    message = refused(endpoints.update_endpoint, deployed, {**retain, "DeploymentConfig": config})
    assert "exclude each other" in message
    endpoints.update_endpoint(deployed, retain)
    store.put_in_service(deployed.database, "Dogs", 3.0)
    assert endpoints.describe_endpoint(deployed, {"EndpointName": "Dogs"})["LastDeploymentConfig"] == config
