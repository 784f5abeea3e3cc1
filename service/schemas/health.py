"""What /healthz and /readyz answer."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Health(BaseModel):
    """The process is alive."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok"}]})

    status: Literal["ok"] = "ok"


class DefaultEndpoint(BaseModel):
    """The endpoint that POST /predict asks."""

    name: Annotated[str, Field(examples=["dog-breeds"])]
    status: Annotated[
        str, Field(description="SageMaker's status, or NotFound before it was created.", examples=["InService"])
    ]


class Readiness(BaseModel):
    """AWS answers, and takes the service's credentials."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "status": "ready",
                    "region": "us-east-1",
                    "default_endpoint": {"name": "dog-breeds", "status": "InService"},
                }
            ]
        }
    )

    status: Literal["ready"] = "ready"
    region: Annotated[str, Field(examples=["us-east-1"])]
    default_endpoint: DefaultEndpoint
