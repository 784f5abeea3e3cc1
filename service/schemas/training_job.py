"""Training jobs as the service's users see them."""

from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, Field

from service.schemas.job import HyperparameterValue, Metric, TrainingJobStatus
from service.schemas.training_job_request import Collector


class SecondaryStatus(StrEnum):
    """SageMaker's steps within a training job's life."""

    STARTING = "Starting"
    LAUNCHING_ML_INSTANCES = "LaunchingMLInstances"
    PREPARING_TRAINING_STACK = "PreparingTrainingStack"
    DOWNLOADING = "Downloading"
    DOWNLOADING_TRAINING_IMAGE = "DownloadingTrainingImage"
    TRAINING = "Training"
    UPLOADING = "Uploading"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    MAX_RUNTIME_EXCEEDED = "MaxRuntimeExceeded"
    COMPLETED = "Completed"
    FAILED = "Failed"
    INTERRUPTED = "Interrupted"
    MAX_WAIT_TIME_EXCEEDED = "MaxWaitTimeExceeded"
    UPDATING = "Updating"
    RESTARTING = "Restarting"
    PENDING = "Pending"


class TrainingJobSummary(BaseModel):
    """A training job in a list."""

    name: str = Field(examples=["dogs-1"])
    arn: str
    status: TrainingJobStatus
    secondary_status: SecondaryStatus | None
    created_at: datetime
    ended_at: datetime | None
    modified_at: datetime | None


class SecondaryTransition(BaseModel):
    """One step of the job's life."""

    status: SecondaryStatus
    message: str | None = Field(examples=["Training image download completed. Training in progress."])
    started_at: datetime
    ended_at: datetime | None = Field(description="null while the step lasts.")


class RuleStatus(BaseModel):
    """What a Debugger or Profiler rule found."""

    name: str = Field(examples=["Overfit"])
    status: str | None = Field(description="InProgress, NoIssuesFound, IssuesFound, Error, Stopping or Stopped.")
    details: str | None
    evaluation_job_arn: str | None
    modified_at: datetime | None


class TrainingJob(BaseModel):
    """A training job: what was asked for, how far it is, and what came out."""

    name: str = Field(examples=["dogs-1"])
    arn: str
    status: TrainingJobStatus
    secondary_status: SecondaryStatus
    transitions: list[SecondaryTransition] = Field(description="The steps so far, the oldest first.")
    failure_reason: str | None = Field(description="Why it failed: the last line of the script's traceback.")
    hyperparameters: dict[str, HyperparameterValue] = Field(description="As they were given, with their types.")
    entry_point: str | None
    source_s3_uri: str | None = Field(description="The packed source that runs.")
    image: str | None
    channels: dict[str, str]
    instance_type: str | None
    instance_count: int | None
    volume_size_gb: int | None
    max_runtime_seconds: int | None
    checkpoint_s3_uri: str | None
    environment: dict[str, str]
    created_at: datetime
    training_started_at: datetime | None
    training_ended_at: datetime | None
    modified_at: datetime | None
    training_seconds: int | None = Field(description="How long the instances worked on it, s.")
    billable_seconds: int | None = Field(description="What AWS bills, s an instance.")
    model_artifact_s3_uri: str | None = Field(description="model.tar.gz, once the job has uploaded one.")
    output_s3_uri: str | None = Field(description="Prefix under which this job's folder lies.")
    final_metrics: list[Metric] = Field(description="The last value of each metric, as SageMaker keeps it.")
    debugger_rules: list[RuleStatus]
    profiler_rules: list[RuleStatus]
    profiling_status: str | None
    collected_by: Collector = Field(description="Who saves tensors and measures the instance, where anybody does.")
    tuning_job: str | None = Field(description="The tuning job that started it.")
    from_tuning_job: str | None = Field(description="The tuning job whose best hyperparameters it took.")
    tags: dict[str, str]
    logs_url: str = Field(examples=["/jobs/training/dogs-1/logs"])
    metrics_url: str = Field(examples=["/jobs/training/dogs-1/metrics"])
    events_url: str = Field(examples=["/jobs/training/dogs-1/events"])
    debugger_url: str = Field(examples=["/jobs/training/dogs-1/debugger"])
    profiler_url: str = Field(examples=["/jobs/training/dogs-1/profiler"])
    report_url: str = Field(examples=["/jobs/training/dogs-1/report"])
