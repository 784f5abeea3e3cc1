"""Settings of the service, read from SAGEHOUND_* environment variables (AWS's own stay AWS_*)."""

from functools import cached_property
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

REPOSITORY_DIR = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Everything that differs between two installations. Credentials, region and endpoint URL are AWS_* variables."""

    model_config = SettingsConfigDict(env_prefix="SAGEHOUND_")

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="TCP port.")
    region: str = Field(
        "us-east-1",
        validation_alias="AWS_DEFAULT_REGION",
        description="AWS region of all jobs and endpoints.",
    )
    role_arn: str = Field(
        "arn:aws:iam::123456789012:role/SageMakerRole",
        pattern=r"^arn:aws[a-z\-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+$",
        description="Execution role that SageMaker assumes for jobs and models. local_sagemaker takes any.",
    )
    bucket: str | None = Field(
        None,
        description="Bucket for source, artifacts and outputs; default sagemaker-REGION-ACCOUNT, made when missing.",
    )
    prefix: str = Field("sagehound", description="Key prefix of everything the service writes to the bucket.")
    default_endpoint: str = Field("dog-breeds", description="Endpoint that POST /predict asks.")
    training_source_dir: Path = Field(REPOSITORY_DIR / "training", description="Folder uploaded as source_dir of jobs.")
    inference_source_dir: Path = Field(
        REPOSITORY_DIR / "inference", description="Folder that goes into model.tar.gz as code/."
    )
    framework_version: str = Field("2.6.0", description="PyTorch version of the AWS images.")
    python_version: str = Field("py312", description="Python version of the AWS images, in the SDK's spelling.")
    training_image: str | None = Field(
        None, description="Training image URI; default: the sagemaker SDK's PyTorch image."
    )
    inference_image: str | None = Field(
        None, description="Inference image URI; default: the sagemaker SDK's PyTorch image."
    )
    max_image_bytes: int = Field(
        6_291_456, ge=1, description="Largest image that /predict takes (InvokeEndpoint's own limit: 6 MiB)."
    )
    predict_timeout_seconds: float = Field(
        65.0, gt=0, description="Deadline of one prediction (SageMaker gives a model 60 s)."
    )

    @cached_property
    def source_key_prefix(self) -> str:
        """Where packaged source folders lie in the bucket."""
        return f"{self.prefix}/source"
