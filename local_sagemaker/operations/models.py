"""CreateModel, DescribeModel, ListModels, DeleteModel."""

import time
from collections.abc import Mapping
from typing import Any

from local_sagemaker.errors import ValidationException
from local_sagemaker.operations import listing
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.tags import check_tags
from local_sagemaker.operations.unsupported import refuse, refuse_given, refuse_other
from local_sagemaker.store import definitions, tags
from local_sagemaker.store.definitions import Definition

_MODEL_ADVICE = {
    "Containers": "give the one container as PrimaryContainer",
    "InferenceExecutionConfig": "it is for several containers; give one as PrimaryContainer",
    "VpcConfig": "models run on this machine; leave it out",
    "EnableNetworkIsolation": "models run as processes of this machine; leave it out",
}
_MODEL_MEMBERS = ("ModelName", "PrimaryContainer", "ExecutionRoleArn")
_CONTAINER_ADVICE = {
    "ModelPackageName": "give the model's Image and ModelDataUrl",
    "InferenceSpecificationName": "it belongs to ModelPackageName; leave it out",
    "AdditionalModelDataSources": "put everything into the one model.tar.gz of ModelDataUrl",
    "MultiModelConfig": "create one model and one endpoint (or variant) for each model.tar.gz",
}
_CONTAINER_MEMBERS = (
    "ContainerHostname",  # tells several containers apart: without effect on one, as on AWS
    "Image",
    "ImageConfig",
    "Mode",
    "ModelDataUrl",
    "ModelDataSource",
    "Environment",
)


def create_model(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Remember a model. Its data is looked at when an endpoint serves it."""
    members = dict(members)
    given_tags = members.pop("Tags", [])
    check_tags(given_tags)
    refuse_given(members, _MODEL_ADVICE)
    refuse_other(members, _MODEL_MEMBERS)
    container = members.get("PrimaryContainer")
    if not container:
        raise ValidationException("A model needs PrimaryContainer with Image and ModelDataUrl")
    _check_container(container)
    name = members["ModelName"]
    model = Definition("model", name, context.arn("model", name), time.time(), members)
    with context.database.transaction():
        if not definitions.insert(context.database, model):
            raise ValidationException(f'Cannot create already existing model "{model.arn}".')
        tags.put_tags(context.database, model.arn, given_tags)
    return {"ModelArn": model.arn}


def describe_model(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """The model as it was created."""
    model = find_model(context, members["ModelName"])
    container = {"Mode": "SingleModel", "Environment": {}, **model.members["PrimaryContainer"]}
    return {
        "EnableNetworkIsolation": False,
        **model.members,
        "PrimaryContainer": container,
        "ModelArn": model.arn,
        "CreationTime": model.created_at,
    }


def list_models(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """A page of models."""
    rows, next_token = listing.page(definitions.all_of(context.database, "model"), members)
    summaries = [{"ModelName": row.name, "ModelArn": row.arn, "CreationTime": row.created_at} for row in rows]
    return listing.answer("Models", summaries, next_token)


def delete_model(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Forget a model. Endpoints that serve it go on; its data stays where it is."""
    model = find_model(context, members["ModelName"])
    with context.database.transaction():
        definitions.delete(context.database, model)
        tags.delete_tags(context.database, model.arn)
    return {}


def find_model(context: Context, name: str) -> Definition:
    """The model of that name. Raises ValidationException in AWS's words."""
    model = definitions.find(context.database, "model", name)
    if model is None:
        raise ValidationException(f'Could not find model "{context.arn("model", name)}".')
    return model


def model_data_url(container: Mapping[str, Any]) -> str:
    """Where model.tar.gz is: ModelDataUrl, or a ModelDataSource that means the same. Raises ValidationException."""
    source = container.get("ModelDataSource", {}).get("S3DataSource")
    if not source:
        return str(container.get("ModelDataUrl") or "")
    if container.get("ModelDataUrl"):
        raise ValidationException("Give ModelDataUrl or ModelDataSource, not both")
    if (source["S3DataType"], source["CompressionType"]) != ("S3Object", "Gzip"):
        refuse(
            f"ModelDataSource with S3DataType {source['S3DataType']} and CompressionType {source['CompressionType']}",
            "pack the model as model.tar.gz and give its URI as ModelDataUrl",
        )
    where = "PrimaryContainer.ModelDataSource.S3DataSource."
    refuse_other(source, ("S3Uri", "S3DataType", "CompressionType"), where)
    return str(source["S3Uri"])


def _check_container(container: Mapping[str, Any]) -> None:
    refuse_given(container, _CONTAINER_ADVICE, "PrimaryContainer.")
    refuse_other(container, _CONTAINER_MEMBERS, "PrimaryContainer.")
    if container.get("Mode") == "MultiModel":
        refuse("PrimaryContainer.Mode MultiModel", _CONTAINER_ADVICE["MultiModelConfig"])
    if container.get("ImageConfig", {}).get("RepositoryAccessMode") == "Vpc":
        refuse("PrimaryContainer.ImageConfig with RepositoryAccessMode Vpc", "images are not pulled here")
    if not container.get("Image"):
        raise ValidationException(
            "PrimaryContainer needs Image, as on AWS; here it is only shown again, and the model's code runs in"
            " local_sagemaker's own Python environment"
        )
    url = model_data_url(container)
    if not url:
        raise ValidationException(
            "PrimaryContainer needs ModelDataUrl: there are no images here, so all that can be served is a model.tar.gz"
            " with its code in code/"
        )
    if not url.startswith(("s3://", "file://")):
        refuse(f"the ModelDataUrl {url}", "give an s3://bucket/key/model.tar.gz URI")
    submit_directory = container.get("Environment", {}).get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    if submit_directory and not submit_directory.startswith(("/opt/ml/model/", "s3://")):
        refuse(
            f"SAGEMAKER_SUBMIT_DIRECTORY {submit_directory}",
            "put the code into code/ of model.tar.gz and give /opt/ml/model/code, or the S3 URI of a sourcedir.tar.gz",
        )
