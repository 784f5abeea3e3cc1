"""What a deployment is made of: pure functions from a request to the model, config and tags that SageMaker is to have.

Names carry digests of what they stand for. So the same request always plans the same resources, and repeating it
completes a deployment that a crash left half made.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from service.aws.endpoint_configs import ProductionVariant
from service.aws.model_archives import ENTRY_POINT
from service.aws.models import Model
from service.aws.resource_tags import OWNER_TAG
from service.domain.request_digest import DIGEST_TAG, request_digest
from service.schemas.endpoint import EndpointRequest
from service.settings import Settings

VARIANT = "AllTraffic"
SUFFIX_CHARACTERS = 10
MAX_NAME_CHARACTERS = 63
TRAINING_JOB_VARIABLE = "SAGEHOUND_TRAINING_JOB"
MODEL_DATA_VARIABLE = "SAGEHOUND_MODEL_DATA"


@dataclass(frozen=True)
class DeploymentPlan:
    """The three resources of a deployment and their tags."""

    model: Model
    config_name: str
    variant: ProductionVariant
    part_tags: Mapping[str, str]
    """Of model and config."""
    endpoint_tags: Mapping[str, str]


def plan(settings: Settings, request: EndpointRequest, source_uri: str, archive_uri: str, image: str) -> DeploymentPlan:
    """The deployment of `archive_uri`, which was made from the artifact `source_uri`."""
    environment = {
        "SAGEMAKER_PROGRAM": ENTRY_POINT,
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
        "SAGEMAKER_REGION": settings.region,
        # What GET /endpoints tells about the origin; S3 URIs do not fit into tags.
        MODEL_DATA_VARIABLE: source_uri,
        **({TRAINING_JOB_VARIABLE: request.training_job} if request.training_job else {}),
    }
    model = Model(
        name=derived_name(request.name, image, archive_uri, environment, settings.role_arn),
        image=image,
        model_data=archive_uri,
        environment=environment,
        role_arn=settings.role_arn,
    )
    variant = ProductionVariant(VARIANT, model.name, request.instance_type, request.instance_count)
    return DeploymentPlan(
        model=model,
        config_name=derived_name(request.name, model.name, request.instance_type, request.instance_count),
        variant=variant,
        part_tags={**request.tags, OWNER_TAG: request.name},
        endpoint_tags={**request.tags, DIGEST_TAG: request_digest(request)},
    )


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
