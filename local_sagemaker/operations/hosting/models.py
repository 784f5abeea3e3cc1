"""CreateModel, DescribeModel, ListModels, DeleteModel."""

from typing import Any

from local_sagemaker.operations import listing
from local_sagemaker.operations.context import Context
from local_sagemaker.operations.hosting import definition
from local_sagemaker.operations.hosting.model_rules import check_model
from local_sagemaker.operations.tags import check_tags
from local_sagemaker.store import pages

_CONTAINER_DEFAULTS: dict[str, Any] = {"Mode": "SingleModel", "Environment": {}}


def create_model(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """Remember a model. Its data is looked at when an endpoint serves it."""
    check_tags(members.get("Tags") or [])
    check_model(members)
    return {"ModelArn": definition.keep(context, "model", members["ModelName"], members).arn}


def describe_model(context: Context, members: dict[str, Any]) -> dict[str, Any]:
    """The model as it was created."""
    model = definition.find(context, "model", members["ModelName"])
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
    definition.forget(context, "model", members["ModelName"])
    return {}
