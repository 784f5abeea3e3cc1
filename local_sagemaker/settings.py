"""Settings of local_sagemaker, read from LOCAL_SAGEMAKER_* environment variables."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where local_sagemaker listens, keeps its state, and how much it runs at once."""

    model_config = SettingsConfigDict(env_prefix="LOCAL_SAGEMAKER_")

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=4570, ge=0, le=65535, description="TCP port; 0 takes a free one.")
    state_dir: Path = Field(
        default=Path(".state/local_sagemaker"),
        description="Folder of everything that survives a restart: database, buckets, jobs.",
    )
    account_id: str = Field(
        default="123456789012", pattern=r"^\d{12}$", description="AWS account id in ARNs and in GetCallerIdentity."
    )
    max_running_jobs: int = Field(
        default=4,
        ge=1,
        description="Training jobs that run at once; the next ones wait in Starting, as for capacity on AWS.",
    )
    warm_trials: bool = Field(
        default=True,
        description="Trials of a tuning job start from one process that has imported what their script imports"
        " (docs/local_sagemaker.md, Warm pools); false starts each as a process of its own.",
    )
    stop_grace_seconds: float = Field(
        default=120.0, gt=0, description="Time between SIGTERM and SIGKILL for a stopped training job (120 s on AWS)."
    )
    opt_ml: Literal["auto", "mounted", "moved"] = Field(
        default="auto",
        description="How scripts and models find /opt/ml: mounted, each seeing its own folder there; moved, by paths"
        " that point to the folder; auto, mounted where this machine allows it.",
    )
    max_invocation_bytes: int = Field(
        default=6_291_456, ge=1, description="Largest InvokeEndpoint body (6 MiB in the service model)."
    )
    invocation_timeout_seconds: float = Field(
        default=60.0, gt=0, description="How long a model may take for an invocation (60 s on AWS)."
    )
    startup_timeout_seconds: float = Field(
        default=120.0, gt=0, description="How long a model server may take until it answers its ping."
    )
    serverless_idle_seconds: float = Field(
        default=300.0, gt=0, description="After how long without an invocation the servers of a serverless variant end."
    )

    faults: str | None = Field(
        default=None,
        description="Faults on demand, such as `latency=0.2:0.5, throttling=0.1, error=0.05, kill=0.01, seed=7`; PUT"
        " /faults changes them (docs/local_sagemaker.md).",
    )

    @property
    def database_path(self) -> Path:
        """The SQLite file."""
        return self.state_dir / "local_sagemaker.db"

    @property
    def buckets_dir(self) -> Path:
        """S3 buckets, each a plain folder."""
        return self.state_dir / "buckets"

    @property
    def jobs_dir(self) -> Path:
        """One folder a training job: the container's /opt/ml, its log and exit record."""
        return self.state_dir / "training-jobs"

    @property
    def job_cache_dir(self) -> Path:
        """What training jobs keep for each other; they alone say what lies there, and how much."""
        return self.state_dir / "cache/jobs"

    @property
    def endpoints_dir(self) -> Path:
        """One folder a model server."""
        return self.state_dir / "endpoints"

    @property
    def async_invocations_dir(self) -> Path:
        """Results and failures of asynchronous invocations until they are uploaded."""
        return self.state_dir / "async-invocations"

    @property
    def capture_dir(self) -> Path:
        """Captured invocations until they are uploaded."""
        return self.state_dir / "data-capture"
