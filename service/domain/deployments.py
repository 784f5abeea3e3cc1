"""Endpoints as one deployment: create, update and delete model, config and endpoint together.

Every step can be repeated: names carry digests, archives lie under digests, and the endpoint is created last and
deleted first. Whoever crashes in the middle repeats the request.
"""

from collections.abc import Collection

from service.aws import endpoint_configs, endpoints, model_archives, models, resource_tags, training_artifacts
from service.aws.clients import Clients
from service.aws.endpoints import EndpointState
from service.aws.images import inference_image, own_container_image
from service.domain.deployment_plan import DeploymentPlan, may_belong_to, plan, stem
from service.domain.prediction_folders import PredictionFolders
from service.domain.request_digest import DIGEST_TAG, request_digest
from service.errors import BadRequest, EndpointNotFound, NameConflict, StateConflict
from service.schemas.endpoint import Container, Deployment, EndpointRequest, EndpointStatus

BUSY = frozenset(
    {
        EndpointStatus.CREATING,
        EndpointStatus.UPDATING,
        EndpointStatus.SYSTEM_UPDATING,
        EndpointStatus.ROLLING_BACK,
        EndpointStatus.DELETING,
    }
)


def create(clients: Clients, request: EndpointRequest) -> bool:
    """Deploy under a new name. False when the same request made this endpoint before.

    Raises NameConflict when another request did, StateConflict while the endpoint is being deleted or the training job
    has no artifact, TrainingJobNotFound, and BadRequest for an artifact that cannot be deployed.
    """
    existing = endpoints.describe(clients, request.name)
    if existing is None:
        deployment = _prepare(clients, request)
        if endpoints.create(clients, request.name, deployment.config.name, deployment.endpoint_tags):
            return True
        existing = get(clients, request.name)  # another request was faster
    _check_same(clients, existing, request)
    return False


def update(clients: Clients, name: str, wanted: Deployment) -> bool:
    """Deploy on an endpoint that exists; it serves on while it changes. False when it is as wanted already.

    Raises EndpointNotFound, StateConflict while another change is under way, and what `create` raises.
    """
    existing = get(clients, name)
    request = EndpointRequest(name=name, **wanted.model_dump(exclude_unset=True))
    if existing.status in BUSY:
        _check_under_way(clients, existing, request)
        return False
    deployment = _prepare(clients, request)
    changes = existing.config_name != deployment.config.name
    if changes:
        endpoints.update(clients, name, deployment.config.name)
    # The digest is written last: a crash before it lets the same request come here again.
    resource_tags.replace(clients, existing.arn, deployment.endpoint_tags)
    in_use = {deployment.config.name} | ({existing.config_name} if existing.config_name else set())
    _sweep(clients, name, keep_configs=in_use)
    return changes


def delete(clients: Clients, name: str) -> bool:
    """Delete the endpoint and the models and configs that were made for it. False when only these were left.

    Raises EndpointNotFound when nothing of this name is there, StateConflict while SageMaker still changes it.
    """
    existing = endpoints.describe(clients, name)
    if existing is not None and existing.status != EndpointStatus.DELETING:
        try:
            endpoints.delete(clients, name)
        except BadRequest as error:
            if existing.status in BUSY:
                raise _busy(existing) from error
            raise
    swept = _sweep(clients, name, keep_configs=())
    if existing is None and not swept:
        raise _not_found(name)
    return existing is not None


def get(clients: Clients, name: str) -> EndpointState:
    """The endpoint. Raises EndpointNotFound."""
    state = endpoints.describe(clients, name)
    if state is None:
        raise _not_found(name)
    return state


def _prepare(clients: Clients, request: EndpointRequest) -> DeploymentPlan:
    """Archive, model and config of the request, made where they are missing."""
    settings = clients.settings
    artifact = _artifact(clients, request)
    own = request.container is Container.OWN
    image = own_container_image(settings) if own else inference_image(settings, request.instance_type)
    archive_uri = model_archives.deployable(clients, artifact)
    folders = PredictionFolders(clients.bucket(), settings.prefix, request.name) if request.asynchronous else None
    deployment = plan(settings, request, artifact.s3_uri, archive_uri, image, folders=folders)
    models.create(clients, deployment.model, deployment.part_tags)
    endpoint_configs.create(clients, deployment.config, deployment.part_tags)
    return deployment


def _artifact(clients: Clients, request: EndpointRequest) -> model_archives.ModelArtifact:
    if request.model_data is not None:
        return model_archives.find(clients, request.model_data)
    training_job = request.training_job or ""  # the schema takes one of the two
    uri = training_artifacts.s3_uri_of(clients, training_job)
    try:
        return model_archives.find(clients, uri)
    except BadRequest as error:
        raise training_artifacts.no_artifact(training_job) from error


def _check_same(clients: Clients, existing: EndpointState, request: EndpointRequest) -> None:
    if existing.status == EndpointStatus.DELETING:
        raise _busy(existing)
    if resource_tags.read(clients, existing.arn).get(DIGEST_TAG) != request_digest(request):
        raise NameConflict(
            f"The endpoint {request.name!r} exists and was made from another body.",
            f"PUT /endpoints/{request.name} changes it; or take another name.",
        )


def _check_under_way(clients: Clients, existing: EndpointState, request: EndpointRequest) -> None:
    """Let a repeated request pass while SageMaker still does what it asked for."""
    same = resource_tags.read(clients, existing.arn).get(DIGEST_TAG) == request_digest(request)
    if not same or existing.status == EndpointStatus.DELETING:
        raise _busy(existing)


def _sweep(clients: Clients, endpoint: str, keep_configs: Collection[str]) -> int:
    """Delete configs and models that were made for the endpoint and are not in use; tells how many."""
    kept = [config for name in keep_configs if (config := endpoint_configs.describe(clients, name))]
    kept_models = {variant.model_name for config in kept for variant in config.variants}
    configs = _owned(clients, endpoint, endpoint_configs.names_and_arns(clients, stem(endpoint)), keep_configs)
    for name in configs:
        endpoint_configs.delete(clients, name)
    unused_models = _owned(clients, endpoint, models.names_and_arns(clients, stem(endpoint)), kept_models)
    for name in unused_models:
        models.delete(clients, name)
    return len(configs) + len(unused_models)


def _owned(
    clients: Clients, endpoint: str, candidates: Collection[tuple[str, str]], keep: Collection[str]
) -> list[str]:
    return [
        name
        for name, arn in candidates
        if name not in keep
        and may_belong_to(endpoint, name)
        and resource_tags.read(clients, arn).get(resource_tags.OWNER_TAG) == endpoint
    ]


def _busy(state: EndpointState) -> StateConflict:
    if state.status == EndpointStatus.DELETING:
        action = f"Wait until GET /endpoints/{state.name} answers 404, then send this again."
    else:
        action = f"Wait until GET /endpoints/{state.name} says InService or Failed, then send this again."
    return StateConflict(f"The endpoint {state.name!r} is {state.status}.", action)


def _not_found(name: str) -> EndpointNotFound:
    return EndpointNotFound(
        f"There is no endpoint {name!r}.", "GET /endpoints lists the endpoints; POST /endpoints makes one."
    )
