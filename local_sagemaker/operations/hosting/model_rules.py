"""What CreateModel takes: one container over a model that lies in S3, with its code."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local_sagemaker.errors import ValidationException
from local_sagemaker.operations.coverage import Structure
from local_sagemaker.operations.unsupported import refuse

_ON_THIS_MACHINE = "models run on this machine; leave it out"
_ONE_MODEL_EACH = "create one model and one endpoint (or variant) for each model.tar.gz"

MODEL = Structure(
    "CreateModelInput",
    honoured=("ModelName", "PrimaryContainer", "Containers", "Tags"),
    without_effect={"ExecutionRoleArn": "no role is assumed on this machine"},
    refused={
        "InferenceExecutionConfig": "it is for several containers; give one as PrimaryContainer",
        "VpcConfig": _ON_THIS_MACHINE,
        "EnableNetworkIsolation": "models run as processes of this machine; leave it out",
    },
)
CONTAINER = Structure(
    "ContainerDefinition",
    honoured=("ModelDataUrl", "ModelDataSource", "Mode", "Environment"),
    without_effect={
        "ContainerHostname": "it tells several containers apart",
        "Image": "images are not run; it is shown again",
        "ImageConfig": "images are not pulled",
    },
    refused={
        "ModelPackageName": "give the model's Image and ModelDataUrl",
        "InferenceSpecificationName": "it belongs to ModelPackageName; leave it out",
        "AdditionalModelDataSources": "put everything into the one model.tar.gz of ModelDataUrl",
        "MultiModelConfig": _ONE_MODEL_EACH,
        "ContainerMetricsConfig": "there are no metrics of endpoints here; leave it out",
    },
)
IMAGE = Structure(
    "ImageConfig",
    honoured=(),
    without_effect={"RepositoryAccessMode": "images are not pulled"},
    refused={"RepositoryAuthConfig": "images are not pulled here; leave it out"},
)
DATA_SOURCE = Structure("ModelDataSource", honoured=("S3DataSource",))
S3_DATA_SOURCE = Structure(
    "S3ModelDataSource",
    honoured=("S3Uri", "S3DataType", "CompressionType"),
    without_effect={"ModelAccessConfig": "no licence is asked for here"},
    refused={
        "HubAccessConfig": "there is no JumpStart hub here; give the model's S3Uri",
        "ManifestS3Uri": "give S3DataType S3Prefix",
        "ETag": "the object is taken as it is; leave it out",
        "ManifestEtag": "give S3DataType S3Prefix",
    },
)

STRUCTURES = (MODEL, CONTAINER, IMAGE, DATA_SOURCE, S3_DATA_SOURCE)


@dataclass(frozen=True)
class ModelData:
    """Where a model is. Not `compressed`: the object, or all objects below a prefix that ends in /, as they are."""

    url: str
    compressed: bool


def check_model(members: Mapping[str, Any]) -> None:
    """Raise ValidationException for a model that cannot be served here."""
    MODEL.check(members)
    containers = members.get("Containers", [])
    if len(containers) > 1:
        refuse("several Containers", "give one, and call one endpoint after the other where there is a pipeline")
    if containers and members.get("PrimaryContainer"):
        raise ValidationException("PrimaryContainer and Containers exclude each other; give one of them")
    container = container_of(members)
    if not container:
        raise ValidationException("A model needs PrimaryContainer with Image and ModelDataUrl")
    _check_container(container, "Containers[0]." if containers else "PrimaryContainer.")


def container_of(members: Mapping[str, Any]) -> Mapping[str, Any]:
    """The one container of CreateModel's members, empty when there is none."""
    containers = members.get("Containers") or [{}]
    found: Mapping[str, Any] = members.get("PrimaryContainer") or containers[0]
    return found


def model_data(container: Mapping[str, Any]) -> ModelData:
    """Where a container's model is. Raises ValidationException."""
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    if not source:
        return ModelData(container.get("ModelDataUrl") or "", compressed=True)
    if container.get("ModelDataUrl"):
        raise ValidationException("Give ModelDataUrl or ModelDataSource, not both")
    where = "ModelDataSource.S3DataSource."
    S3_DATA_SOURCE.check(source, where)
    uri, prefix = source["S3Uri"], source["S3DataType"] == "S3Prefix"
    compressed = source["CompressionType"] == "Gzip"
    if prefix and compressed:
        raise ValidationException(f"{where}CompressionType Gzip needs S3DataType S3Object, one tar.gz archive")
    if prefix and not uri.endswith("/"):
        raise ValidationException(f"{where}S3Uri {uri} is an S3Prefix and must end with a forward slash")
    if not prefix and uri.endswith("/"):
        raise ValidationException(f"{where}S3Uri {uri} is an S3Object and must not end with a forward slash")
    return ModelData(uri, compressed)


def _check_container(container: Mapping[str, Any], where: str) -> None:
    CONTAINER.check(container, where)
    IMAGE.check(container.get("ImageConfig", {}), f"{where}ImageConfig.")
    DATA_SOURCE.check(container.get("ModelDataSource", {}), f"{where}ModelDataSource.")
    if container.get("Mode") == "MultiModel":
        refuse(f"{where}Mode MultiModel", _ONE_MODEL_EACH)
    if container.get("ImageConfig", {}).get("RepositoryAccessMode") == "Vpc":
        refuse(f"{where}ImageConfig with RepositoryAccessMode Vpc", "images are not pulled here")
    if not container.get("Image"):
        raise ValidationException(
            f"{where.removesuffix('.')} needs Image, as on AWS; here it is only shown again, and the model's code runs"
            " in local_sagemaker's own Python environment"
        )
    url = model_data(container).url
    if not url:
        raise ValidationException(
            f"{where.removesuffix('.')} needs ModelDataUrl: there are no images here, so all that can be served is a"
            " model.tar.gz with its code in code/"
        )
    if not url.startswith(("s3://", "file://")):
        refuse(f"the model data URL {url}", "give an s3://bucket/key/model.tar.gz URI")
    submit_directory = container.get("Environment", {}).get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    if submit_directory and not submit_directory.startswith(("/opt/ml/model/", "s3://")):
        refuse(
            f"SAGEMAKER_SUBMIT_DIRECTORY {submit_directory}",
            "put the code into code/ of model.tar.gz and give /opt/ml/model/code, or the S3 URI of a sourcedir.tar.gz",
        )
