"""What the service tells about endpoints: AWS's answers, joined."""

from dataclasses import asdict

from service.aws import endpoint_configs, endpoints, models, resource_tags
from service.aws.clients import Clients
from service.aws.endpoint_configs import AsyncInference, ProductionVariant
from service.aws.endpoints import EndpointState
from service.aws.models import Model
from service.domain import deployments
from service.domain.deployment_plan import MODEL_DATA_VARIABLE, PRECISION_VARIABLE, TRAINING_JOB_VARIABLE
from service.schemas import tags
from service.schemas.endpoint import (
    AsynchronousInference,
    Endpoint,
    EndpointFilter,
    EndpointSort,
    EndpointStatus,
    EndpointSummary,
    ServerlessCapacity,
    Variant,
)
from service.schemas.page import Page

SORT_BY = {EndpointSort.CREATED_AT: "CreationTime", EndpointSort.NAME: "Name", EndpointSort.STATUS: "Status"}


def describe(clients: Clients, name: str) -> Endpoint:
    """The endpoint with its variants and origin. Raises EndpointNotFound."""
    state = deployments.get(clients, name)
    config = endpoint_configs.describe(clients, state.config_name) if state.config_name else None
    variants = config.variants if config else ()
    described = {variant.model_name: models.describe(clients, variant.model_name) for variant in variants}
    first = described[variants[0].model_name] if variants else None
    return Endpoint(
        **summary(state).model_dump(),
        failure_reason=state.failure_reason,
        endpoint_config=state.config_name,
        variants=[_variant(state, variant, described[variant.model_name]) for variant in variants],
        asynchronous=_asynchronous(config.asynchronous) if config and config.asynchronous else None,
        training_job=first.environment.get(TRAINING_JOB_VARIABLE) if first else None,
        model_data=first.environment.get(MODEL_DATA_VARIABLE, first.model_data) if first else None,
        tags=tags.of_user(resource_tags.read(clients, state.arn)),
    )


def page(clients: Clients, asked: EndpointFilter) -> Page[EndpointSummary]:
    """A part of the list of endpoints."""
    states, next_cursor = endpoints.list_page(
        clients,
        limit=asked.limit,
        cursor=asked.cursor,
        name_contains=asked.name_contains,
        status=asked.status,
        created_after=asked.created_after,
        created_before=asked.created_before,
        sort_by=SORT_BY[asked.sort_by],
        sort_order=asked.sort_order.capitalize(),
    )
    return Page(items=[summary(state) for state in states], next_cursor=next_cursor)


def summary(state: EndpointState) -> EndpointSummary:
    """The endpoint as lists show it."""
    return EndpointSummary(
        name=state.name,
        arn=state.arn,
        status=EndpointStatus(state.status),
        created_at=state.created_at,
        last_modified_at=state.last_modified_at,
    )


def _variant(state: EndpointState, variant: ProductionVariant, model: Model | None) -> Variant:
    desired, current = state.instance_counts.get(variant.name, (None, None))
    return Variant(
        name=variant.name,
        model=variant.model_name,
        image=model.image if model else None,
        precision=model.environment.get(PRECISION_VARIABLE) if model else None,
        instance_type=variant.instance_type,
        desired_instance_count=desired if desired is not None else variant.instance_count,
        current_instance_count=current,
        serverless=ServerlessCapacity(**asdict(variant.serverless)) if variant.serverless else None,
        model_data=model.model_data if model else None,
    )


def _asynchronous(asynchronous: AsyncInference) -> AsynchronousInference:
    return AsynchronousInference(**asdict(asynchronous))
