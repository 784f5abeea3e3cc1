"""CreateModel, DescribeModel, ListModels, DeleteModel."""

from typing import Any

from local_sagemaker import clock
from local_sagemaker.errors import ValidationException
from local_sagemaker.operations import listing
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.hosting.model_rules import check_model
from local_sagemaker.operations.tags import check_tags
from local_sagemaker.store import definitions, pages, tags
from local_sagemaker.store.definitions import Definition

_CONTAINER_DEFAULTS: dict[str, Any] = {"Mode": "SingleModel", "Environment": {}}


def create_model(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Remember a model. Its data is looked at when an endpoint serves it."""
    members = dict(members)
    given_tags = members.pop("Tags", [])
    check_tags(given_tags)
    check_model(members)
    name = members["ModelName"]
    model = Definition("model", name, context.arn("model", name), clock.now(), members)
    with context.database.transaction():
        if not definitions.insert(context.database, model):
            raise ValidationException(f'Cannot create already existing model "{model.arn}".')
        tags.put_tags(context.database, model.arn, given_tags)
    return {"ModelArn": model.arn}


def describe_model(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """The model as it was created."""
    model = find_model(context, members["ModelName"])
    described = dict(model.members)
    if "PrimaryContainer" in described:
        described["PrimaryContainer"] = {**_CONTAINER_DEFAULTS, **described["PrimaryContainer"]}
    if "Containers" in described:
        described["Containers"] = [{**_CONTAINER_DEFAULTS, **container} for container in described["Containers"]]
    return {
        "EnableNetworkIsolation": False,
        **described,
        "ModelArn": model.arn,
        "CreationTime": model.created_at,
    }


def list_models(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """A page of models."""
    rows, next_token = listing.rows(context.database, pages.MODELS, members)
    summaries = [{"ModelName": row["name"], "ModelArn": row["arn"], "CreationTime": row["created_at"]} for row in rows]
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
