"""Settings of the service, read from SAGEHOUND_* environment variables (AWS's own stay AWS_*)."""

from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

REPOSITORY_DIR = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Everything that differs between two installations. Credentials, region and endpoint URL are AWS_* variables."""

    model_config = SettingsConfigDict(env_prefix="SAGEHOUND_", env_ignore_empty=True, populate_by_name=True)

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="TCP port.")
    region: str = Field(
        default="us-east-1",
        validation_alias="AWS_DEFAULT_REGION",
        description="AWS region of all jobs and endpoints.",
    )
    role_arn: str = Field(
        default="arn:aws:iam::123456789012:role/SageMakerRole",
        pattern=r"^arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+$",
        description="Execution role that SageMaker assumes for jobs and models. local_sagemaker takes any.",
    )
    bucket: str | None = Field(
        default=None,
        description="Bucket for source, artifacts and outputs; default sagemaker-REGION-ACCOUNT, made when missing.",
    )
    prefix: str = Field(
        default="sagehound",
        pattern=r"^[A-Za-z0-9_.\-]+(/[A-Za-z0-9_.\-]+)*$",
        description="Key prefix of everything the service writes to the bucket.",
    )
    default_endpoint: str = Field(
        default="dog-breeds",
        pattern=r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$",
        description="Endpoint that POST /predict asks.",
    )
    training_source_dir: Path = Field(
        default=REPOSITORY_DIR / "training", description="Folder uploaded as source_dir of jobs."
    )
    inference_source_dir: Path = Field(
        default=REPOSITORY_DIR / "inference", description="Folder that goes into model.tar.gz as code/."
    )
    framework_version: str = Field(default="2.5.1", description="PyTorch version of the AWS images.")
    python_version: str = Field(default="py311", description="Python version of the AWS images, in the SDK's spelling.")
    training_image: str | None = Field(
        default=None, description="Training image URI; default: the sagemaker SDK's PyTorch image."
    )
    inference_image: str | None = Field(
        default=None, description="Inference image URI; default: the sagemaker SDK's PyTorch image."
    )
    own_container_image: str | None = Field(
        default=None,
        min_length=1,
        max_length=255,
        description="Image built from inference/Dockerfile (on AWS: its ECR URI), for deployments with container own.",
    )
    max_image_bytes: int = Field(
        default=6_291_456, ge=1, description="Largest image that /predict takes (InvokeEndpoint's own limit: 6 MiB)."
    )
    max_async_image_bytes: int = Field(
        default=67_108_864,
        ge=1,
        le=1_073_741_824,
        description="Largest image that POST /endpoints/{name}/predictions takes (InvokeEndpointAsync's limit: 1 GB).",
    )
    max_fit_bytes: int = Field(
        default=67_108_864, ge=1, description="Largest upload that /predict?fit=true shrinks to max_image_bytes."
    )
    max_images: int = Field(default=16, ge=1, le=1000, description="Most images in one form that /predict takes.")
    predict_timeout_seconds: float = Field(
        default=65.0, gt=0, description="Deadline of one prediction (SageMaker gives a model 60 s)."
    )
    hedge_seconds: float | None = Field(
        default=None,
        gt=0,
        description="After how long /predict asks a second time beside the first; the first answer wins. None: never.",
    )

    access_log: Literal["json", "text", "off"] = Field(
        default="json",
        description="Log on standard output: json lines, text for people, or off: json without a line a request.",
    )

    @cached_property
    def source_key_prefix(self) -> str:
        """Where packaged source folders lie in the bucket."""
        return f"{self.prefix}/source"
