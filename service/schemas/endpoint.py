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
        str, Field(description="SageMaker's hosting instance type.", pattern=r"^ml\.[a-z0-9\-]+\.[a-z0-9\-]+$")
    ] = "ml.m5.large"
    instance_count: Annotated[int, Field(description="Instances behind the endpoint, billed each.", ge=1, le=100)] = 1
    tags: Tags = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.training_job is None) == (self.model_data is None):
            raise ValueError("give exactly one of training_job and model_data")
        return self


class EndpointRequest(Deployment):
    """A deployment with the name that its endpoint is to have."""

    name: Annotated[ResourceName, Field(description="Unique in the account and region; the endpoint's key.")]


class Variant(BaseModel):
    """A production variant: one model on some instances."""

    name: Annotated[str, Field(examples=["AllTraffic"])]
    model: Annotated[str, Field(description="SageMaker's model.", examples=["dog-breeds-0f3a2b4c5d"])]
    instance_type: Annotated[str | None, Field(examples=["ml.m5.large"])] = None
    desired_instance_count: Annotated[int | None, Field(examples=[1])] = None
    current_instance_count: Annotated[int | None, Field(description="Running now; null until they run.")] = None
    model_data: Annotated[str | None, Field(description="What is deployed: the artifact with inference code.")] = None


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
                            "instance_type": "ml.m5.large",
                            "desired_instance_count": 1,
                            "current_instance_count": 1,
                            "model_data": "s3://sagemaker-us-east-1-123456789012/sagehound/models/5f2c/model.tar.gz",
                        }
                    ],
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
