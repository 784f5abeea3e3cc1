"""What a deployment is made of: pure functions from a request to the model, config and tags that SageMaker is to have.

Names carry digests of what they stand for. So the same request always plans the same resources, and repeating it
completes a deployment that a crash left half made.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from service.aws.endpoint_configs import AsyncInference, EndpointConfig, ProductionVariant, ServerlessCapacity
from service.aws.model_archives import ENTRY_POINT
from service.aws.models import Model
from service.aws.resource_tags import OWNER_TAG
from service.domain.prediction_folders import PredictionFolders
from service.domain.request_digest import DIGEST_TAG, request_digest
from service.schemas.endpoint import EndpointRequest
from service.settings import Settings

VARIANT = "AllTraffic"
SUFFIX_CHARACTERS = 10
MAX_NAME_CHARACTERS = 63
TRAINING_JOB_VARIABLE = "SAGEHOUND_TRAINING_JOB"
MODEL_DATA_VARIABLE = "SAGEHOUND_MODEL_DATA"
PRECISION_VARIABLE = "MODEL_PRECISION"
# A GPU is idle with one image at a time: TorchServe's own variables, which model_server reads as well.
GPU_BATCHES = {"SAGEMAKER_TS_BATCH_SIZE": "8", "SAGEMAKER_TS_MAX_BATCH_DELAY": "5"}


@dataclass(frozen=True)
class DeploymentPlan:
    """The three resources of a deployment and their tags."""

    model: Model
    config: EndpointConfig
    part_tags: Mapping[str, str]
    """Of model and config."""
    endpoint_tags: Mapping[str, str]


def plan(
    settings: Settings,
    request: EndpointRequest,
    source_uri: str,
    archive_uri: str,
    image: str,
    *,
    folders: PredictionFolders | None = None,
) -> DeploymentPlan:
    """The deployment of `archive_uri`, which was made from the artifact `source_uri`.

    `folders` is where an asynchronous endpoint writes; None for the others.
    """
    environment = {
        "SAGEMAKER_PROGRAM": ENTRY_POINT,
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
        "SAGEMAKER_REGION": settings.region,
        # What GET /endpoints tells about the origin; S3 URIs do not fit into tags.
        MODEL_DATA_VARIABLE: source_uri,
        **({TRAINING_JOB_VARIABLE: request.training_job} if request.training_job else {}),
        **({PRECISION_VARIABLE: request.precision.value} if request.precision else {}),
        **(GPU_BATCHES if request.has_gpu else {}),
    }
    model = Model(
        name=derived_name(request.name, image, archive_uri, environment, settings.role_arn),
        image=image,
        model_data=archive_uri,
        environment=environment,
        role_arn=settings.role_arn,
    )
    return DeploymentPlan(
        model=model,
        config=_config(request, model.name, folders),
        part_tags={**request.tags, OWNER_TAG: request.name},
        endpoint_tags={**request.tags, DIGEST_TAG: request_digest(request)},
    )


def _config(request: EndpointRequest, model_name: str, folders: PredictionFolders | None) -> EndpointConfig:
    """What came later enters the name only where it is asked for: the other names stay what they were."""
    asynchronous = None
    identity: list[object] = []
    if request.asynchronous is not None and folders is not None:
        limit = request.asynchronous.max_concurrent_invocations
        asynchronous = AsyncInference(folders.output_path, folders.failure_path, limit)
        identity.append(asdict(asynchronous))
    if request.serverless is not None:
        capacity = ServerlessCapacity(**request.serverless.model_dump())
        variant = ProductionVariant(VARIANT, model_name, serverless=capacity)
        identity.insert(0, asdict(capacity))
    else:
        variant = ProductionVariant(VARIANT, model_name, request.instance_type, request.instance_count)
        identity[:0] = [request.instance_type, request.instance_count]
    return EndpointConfig(derived_name(request.name, model_name, *identity), [variant], asynchronous)


def stem(endpoint: str) -> str:
    """How the names of the endpoint's models and configs begin; long names are cut."""
    return endpoint[: MAX_NAME_CHARACTERS - SUFFIX_CHARACTERS - 1].rstrip("-")


def derived_name(endpoint: str, *identity: object) -> str:
    """`<endpoint>-<digest of identity>`, at most 63 characters and legal."""
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return f"{stem(endpoint)}-{digest[:SUFFIX_CHARACTERS]}"


def may_belong_to(endpoint: str, name: str) -> bool:
    """Whether a model or config of this name may have been made for the endpoint; its tag decides."""
    return re.fullmatch(rf"{re.escape(stem(endpoint))}-[0-9a-f]{{{SUFFIX_CHARACTERS}}}", name) is not None
