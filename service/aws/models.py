"""SageMaker's models: an image, an archive and an environment under one name. They never change."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from botocore.exceptions import ClientError

from service.aws import resource_tags
from service.aws.clients import Clients
from service.aws.errors import is_in_use, is_not_found, problems


@dataclass(frozen=True)
class Model:
    """What a model is made of; `created_at` is None before it is."""

    name: str
    image: str
    model_data: str
    environment: Mapping[str, str]
    role_arn: str
    created_at: datetime | None = None


@problems()
def create(clients: Clients, model: Model, tags: Mapping[str, str]) -> None:
    """Create the model. One of this name is left as it is: names carry the digest of what the model is made of."""
    try:
        clients.sagemaker.create_model(
            ModelName=model.name,
            ExecutionRoleArn=model.role_arn,
            PrimaryContainer={
                "Image": model.image,
                "ModelDataUrl": model.model_data,
                "Environment": dict(model.environment),
            },
            Tags=resource_tags.to_aws(tags),
        )
    except ClientError as error:
        if not is_in_use(error):
            raise


@problems()
def describe(clients: Clients, name: str) -> Model | None:
    """The model, or None when there is none of this name."""
    try:
        answer = clients.sagemaker.describe_model(ModelName=name)
    except ClientError as error:
        if is_not_found(error):
            return None
        raise
    containers = answer.get("Containers") or [{}]
    container = answer.get("PrimaryContainer") or containers[0]
    return Model(
        name=answer["ModelName"],
        image=container.get("Image", ""),
        model_data=container.get("ModelDataUrl", ""),
        environment=container.get("Environment", {}),
        role_arn=answer.get("ExecutionRoleArn", ""),
        created_at=answer["CreationTime"],
    )


@problems()
def names_and_arns(clients: Clients, name_contains: str) -> list[tuple[str, str]]:
    """Every model whose name contains the text."""
    pages = clients.sagemaker.get_paginator("list_models").paginate(NameContains=name_contains)
    return [(model["ModelName"], model["ModelArn"]) for page in pages for model in page["Models"]]


@problems()
def delete(clients: Clients, name: str) -> None:
    """Delete the model; one that is gone already is no error."""
    try:
        clients.sagemaker.delete_model(ModelName=name)
    except ClientError as error:
        if not is_not_found(error):
            raise
