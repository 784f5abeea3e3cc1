"""Endpoints as the service sees them: model, endpoint config and endpoint as one deployment."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from service.schemas.job_filter import JobFilter
from service.schemas.page import Body
from service.schemas.tags import Tags

NAME_PATTERN = r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$"

ResourceName = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=63)]


class EndpointStatus(StrEnum):
    """SageMaker's statuses of an endpoint."""

    OUT_OF_SERVICE = "OutOfService"
    CREATING = "Creating"
    UPDATING = "Updating"
    SYSTEM_UPDATING = "SystemUpdating"
    ROLLING_BACK = "RollingBack"
    IN_SERVICE = "InService"
    DELETING = "Deleting"
    FAILED = "Failed"
    UPDATE_ROLLBACK_FAILED = "UpdateRollbackFailed"


class Container(StrEnum):
    """Which image runs the model: SageMaker's PyTorch image, or the small one built from inference/Dockerfile."""

    PYTORCH = "pytorch"
    OWN = "own"


class Precision(StrEnum):
    """The numbers a model computes with on a CPU."""

    FP32 = "fp32"
    BF16 = "bf16"
    INT8 = "int8"


class Serverless(Body):
    """No instances of one's own: SageMaker runs the model while it is asked, and bills that time."""

    memory_size_mb: Annotated[
        int,
        Field(
            description="Memory of each environment; CPU comes in proportion.",
            ge=1024,
            le=6144,
            multiple_of=1024,
            examples=[2048],
        ),
    ]
    max_concurrency: Annotated[
        int, Field(description="Requests at the same time; the next ones are throttled.", ge=1, le=200, examples=[5])
    ]
    provisioned_concurrency: Annotated[
        int | None,
        Field(description="Environments kept warm, and billed, against cold starts.", ge=1, le=200, examples=[1]),
    ] = None

    @model_validator(mode="after")
    def _within_the_maximum(self) -> Self:
        if (self.provisioned_concurrency or 0) > self.max_concurrency:
            raise ValueError("provisioned_concurrency is at most max_concurrency")
        return self


class Asynchronous(Body):
    """Requests wait in SageMaker's queue; POST /endpoints/{name}/predictions asks, answers lie in S3."""

    max_concurrent_invocations: Annotated[
        int | None,
        Field(description="Requests that an instance gets at once; null: SageMaker chooses.", ge=1, le=1000),
    ] = None


def _is_default(value: object) -> bool:
    """Of a member that came later: left at its default it is no part of the body, whose digest stays what it was."""
    return value is None or value == Container.PYTORCH


class Deployment(Body):
    """What an endpoint is to serve, and on what. Exactly one of `training_job` and `model_data`."""

    training_job: Annotated[
        ResourceName | None, Field(description="A training job that is Completed (or Stopped with a model artifact).")
    ] = None
    model_data: Annotated[
        str | None,
        Field(
            description="A model artifact of this service's training: s3://BUCKET/KEY of its model.tar.gz.",
            pattern=r"^s3://[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]/.+[^/]$",
            max_length=1024,
        ),
    ] = None
    instance_type: Annotated[
        str,
        Field(
            description="SageMaker's hosting instance type; not with `serverless`.",
            pattern=r"^ml\.[a-z0-9\-]+\.[a-z0-9\-]+$",
        ),
    ] = "ml.m5.large"
    instance_count: Annotated[
        int, Field(description="Instances behind the endpoint, billed each; not with `serverless`.", ge=1, le=100)
    ] = 1
    serverless: Annotated[
        Serverless | None,
        Field(description="Serve without instances, in place of instance_type and count.", exclude_if=_is_default),
    ] = None
    asynchronous: Annotated[
        Asynchronous | None,
        Field(
            description="Take predictions into a queue ({} suffices); not with `serverless`.", exclude_if=_is_default
        ),
    ] = None
    container: Annotated[
        Container,
        Field(
            description="`own` is the image that SAGEHOUND_OWN_CONTAINER_IMAGE names: smaller, so that it starts "
            "sooner; for CPUs.",
            exclude_if=_is_default,
        ),
    ] = Container.PYTORCH
    precision: Annotated[
        Precision | None,
        Field(description="Which of the artifact's precisions to serve; null: its own choice.", exclude_if=_is_default),
    ] = None
    tags: Tags = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.training_job is None) == (self.model_data is None):
            raise ValueError("give exactly one of training_job and model_data")
        return self

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        of_instances = sorted({"instance_type", "instance_count"} & self.model_fields_set)
        if self.serverless is not None and of_instances:
            named = " and ".join(of_instances)
            raise ValueError(f"a serverless endpoint has no instances: leave out {named}, or serverless")
        if self.serverless is not None and self.asynchronous is not None:
            raise ValueError("SageMaker has no endpoint that is serverless and asynchronous: leave one of them out")
        if self.container is Container.OWN and self.has_gpu:
            raise ValueError(
                f"the own container has no CUDA, so {self.instance_type} would serve on its CPU: take container "
                "pytorch, or an instance type without a GPU"
            )
        return self

    @property
    def has_gpu(self) -> bool:
        """Whether the instances are of a family with GPUs that PyTorch can use: ml.g*, ml.p*."""
        return self.serverless is None and self.instance_type.startswith(("ml.g", "ml.p"))


class EndpointRequest(Deployment):
    """A deployment with the name that its endpoint is to have."""

    name: Annotated[ResourceName, Field(description="Unique in the account and region; the endpoint's key.")]


class ServerlessCapacity(BaseModel):
    """What a serverless variant may take."""

    memory_size_mb: Annotated[int, Field(examples=[2048])]
    max_concurrency: Annotated[int, Field(examples=[5])]
    provisioned_concurrency: Annotated[int | None, Field(description="Kept warm.")] = None


class Variant(BaseModel):
    """A production variant: one model on some instances."""

    name: Annotated[str, Field(examples=["AllTraffic"])]
    model: Annotated[str, Field(description="SageMaker's model.", examples=["dog-breeds-0f3a2b4c5d"])]
    image: Annotated[str | None, Field(description="The container image that runs the model.")] = None
    precision: Annotated[
        str | None, Field(description="As the deployment asked for it; null: the artifact's own choice.")
    ] = None
    instance_type: Annotated[str | None, Field(description="Null when serverless.", examples=["ml.m5.large"])] = None
    desired_instance_count: Annotated[int | None, Field(examples=[1])] = None
    current_instance_count: Annotated[int | None, Field(description="Running now; null until they run.")] = None
    serverless: Annotated[ServerlessCapacity | None, Field(description="Null when it has instances.")] = None
    model_data: Annotated[str | None, Field(description="What is deployed: the artifact with inference code.")] = None


class AsynchronousInference(BaseModel):
    """How an asynchronous endpoint takes predictions, and where answers lie."""

    max_concurrent_invocations: Annotated[int | None, Field(description="An instance; null: SageMaker chooses.")] = None
    output_path: Annotated[
        str, Field(examples=["s3://sagemaker-us-east-1-123456789012/sagehound/predictions/dog-breeds"])
    ]
    failure_path: Annotated[
        str | None, Field(examples=["s3://sagemaker-us-east-1-123456789012/sagehound/failed-predictions/dog-breeds"])
    ] = None


SUMMARY: dict[str, Any] = {
    "name": "dog-breeds",
    "arn": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/dog-breeds",
    "status": "InService",
    "created_at": "2026-11-22T10:00:00Z",
    "last_modified_at": "2026-11-22T10:04:12Z",
}


class EndpointSummary(BaseModel):
    """An endpoint in a list."""

    model_config = ConfigDict(json_schema_extra={"examples": [SUMMARY]})

    name: Annotated[str, Field(examples=["dog-breeds"])]
    arn: Annotated[str, Field(examples=["arn:aws:sagemaker:us-east-1:123456789012:endpoint/dog-breeds"])]
    status: EndpointStatus
    created_at: datetime
    last_modified_at: datetime


class Endpoint(EndpointSummary):
    """An endpoint with its model and config."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **SUMMARY,
                    "failure_reason": None,
                    "endpoint_config": "dog-breeds-9a8b7c6d5e",
                    "variants": [
                        {
                            "name": "AllTraffic",
                            "model": "dog-breeds-0f3a2b4c5d",
                            "image": "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.5.1-cpu-py311",
                            "precision": None,
                            "instance_type": "ml.m5.large",
                            "desired_instance_count": 1,
                            "current_instance_count": 1,
                            "serverless": None,
                            "model_data": "s3://sagemaker-us-east-1-123456789012/sagehound/models/5f2c/model.tar.gz",
                        }
                    ],
                    "asynchronous": None,
                    "training_job": "dogs-1",
                    "model_data": "s3://sagemaker-us-east-1-123456789012/sagehound/dogs-1/output/model.tar.gz",
                    "tags": {"team": "zoo"},
                }
            ]
        }
    )

    failure_reason: Annotated[str | None, Field(description="Why it is Failed, in SageMaker's words.")] = None
    endpoint_config: Annotated[str | None, Field(examples=["dog-breeds-9a8b7c6d5e"])] = None
    variants: list[Variant]
    asynchronous: Annotated[
        AsynchronousInference | None, Field(description="Null when POST /predict asks the endpoint.")
    ] = None
    training_job: Annotated[str | None, Field(description="The training job it was made from, if any.")] = None
    model_data: Annotated[str | None, Field(description="The model artifact it was made from.")] = None
    tags: dict[str, str]


class EndpointSort(StrEnum):
    """What the list is sorted by."""

    CREATED_AT = "created_at"
    NAME = "name"
    STATUS = "status"


class EndpointFilter(JobFilter):
    """Which endpoints of the account."""

    status: EndpointStatus | None = None
    sort_by: EndpointSort = EndpointSort.CREATED_AT
