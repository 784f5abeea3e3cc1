"""What training jobs and tuning jobs have in common: names, channels, hyperparameters, resources."""

import json
import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from fastapi import Path
from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    FiniteFloat,
    StrictBool,
    StrictInt,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from service.schemas.page import Body
from service.schemas.tags import Tags

TRAINING_JOB_NAME_PATTERN = r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$"
MAX_HYPERPARAMETER_CHARACTERS = 2500  # SageMaker's limit of a value
TUNING_JOB_NAME_PATTERN = r"^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}$"

_NAME = "Letters, digits and hyphens inside, at most {} characters; unique in the account and region."
TrainingJobName = Annotated[
    str, Field(pattern=TRAINING_JOB_NAME_PATTERN, max_length=63, description=_NAME.format(63), examples=["dogs-1"])
]
TuningJobName = Annotated[
    str, Field(pattern=TUNING_JOB_NAME_PATTERN, max_length=32, description=_NAME.format(32), examples=["dogs-tuning-1"])
]
TrainingJobPath = Annotated[
    str,
    Path(pattern=TRAINING_JOB_NAME_PATTERN, max_length=63, description="The training job's name.", examples=["dogs-1"]),
]
TuningJobPath = Annotated[
    str,
    Path(
        pattern=TUNING_JOB_NAME_PATTERN, max_length=32, description="The tuning job's name.", examples=["dogs-tuning-1"]
    ),
]

_S3_URI = re.compile(r"s3://[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9](/[^\x00-\x1f]*)?")


def _s3_uri(uri: str) -> str:
    if not _S3_URI.fullmatch(uri):
        raise ValueError("must be s3://BUCKET/PREFIX; `aws s3 sync FOLDER s3://BUCKET/PREFIX` uploads a folder")
    return uri


S3Uri = Annotated[str, Field(max_length=1024), AfterValidator(_s3_uri)]
ChannelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.\-_]+$", max_length=64)]
Channels = Annotated[
    dict[ChannelName, S3Uri],
    Field(
        max_length=20,
        description="Where the data lies: channel name to S3 prefix. `train` and `validation` are needed by this "
        "project's own train_model.py and hpo.py, `test` and `pretrained` are optional; another entry_point may "
        "take any or none.",
        examples=[{"train": "s3://my-bucket/dogs/train", "validation": "s3://my-bucket/dogs/valid"}],
    ),
]


def _not_reserved(name: str) -> str:
    if name.startswith(("sagemaker_", "_tuning_")):
        raise ValueError("names that begin with sagemaker_ or _tuning_ are SageMaker's own")
    return name


Scalar = StrictBool | StrictInt | FiniteFloat | str
HyperparameterName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.\-]*$", max_length=256), AfterValidator(_not_reserved)
]
HyperparameterValue = Scalar | list[Scalar]


def _fit_to_send(value: Any, validate: ValidatorFunctionWrapHandler) -> HyperparameterValue:
    """One message instead of one for each type of the union, and the limits of SageMaker and of a command line."""
    try:
        checked: HyperparameterValue = validate(value)
    except ValidationError:
        raise ValueError("must be a finite number, true, false, a text, or a list of these") from None
    text = json.dumps(checked, ensure_ascii=False)
    if len(text) > MAX_HYPERPARAMETER_CHARACTERS:
        raise ValueError(f"has {len(text):,} characters as JSON; at most {MAX_HYPERPARAMETER_CHARACTERS:,} are taken")
    for part in checked if isinstance(checked, list) else [checked]:
        _no_nul(str(part))
    return checked


def _no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("holds a NUL character, which no command line or environment variable can")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("holds half of a surrogate pair, which is no character") from None
    return text


Hyperparameters = Annotated[
    dict[HyperparameterName, Annotated[HyperparameterValue, WrapValidator(_fit_to_send)]],
    Field(
        max_length=90,  # SageMaker takes 100; the service sends some of its own
        description="Flags of the entry point: numbers, booleans, strings, or lists of them. Those of this project's "
        "train_model.py and hpo.py, with unit and default, are in docs/training.md; each can be searched, too.",
        examples=[{"lr": 0.001434, "batch-size": 64, "epochs": 5}, {"recipe": "best", "arch": "resnet18"}],
    ),
]

EnvironmentName = Annotated[str, StringConstraints(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", max_length=512)]
EnvironmentValue = Annotated[str, StringConstraints(max_length=512), AfterValidator(_no_nul)]
InstanceType = Annotated[
    str, Field(pattern=r"^ml\.[a-z0-9\-]+\.[a-z0-9\-]+$", description="SageMaker's training instance type.")
]

EntryPoint = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.\-]*(/[A-Za-z0-9_][A-Za-z0-9_.\-]*)*\.py$",
        max_length=256,
        description="The script to run: a path in the service's training source folder.",
    ),
]

OWN_ENTRY_POINTS = ("train_model.py", "hpo.py")
OWN_CHANNELS = ("train", "validation")


class TrainingJobStatus(StrEnum):
    """SageMaker's statuses of a training job."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    DELETING = "Deleting"

    @property
    def is_over(self) -> bool:
        """Whether it stays as it is."""
        return self in {self.COMPLETED, self.FAILED, self.STOPPED}


class TuningJobStatus(StrEnum):
    """SageMaker's statuses of a tuning job."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    DELETING = "Deleting"
    DELETE_FAILED = "DeleteFailed"

    @property
    def is_over(self) -> bool:
        """Whether it stays as it is."""
        return self in {self.COMPLETED, self.FAILED, self.STOPPED, self.DELETE_FAILED}


class JobRequest(Body):
    """The members that POST /jobs/training and POST /jobs/tuning share."""

    channels: Channels = Field(default_factory=dict)
    entry_point: EntryPoint
    instance_type: InstanceType = "ml.m5.xlarge"
    instance_count: Annotated[
        int,
        Field(
            ge=1,
            le=100,
            description="Instances a training job, each billed. train_model.py and hpo.py train one model on all of "
            "them, a process an instance or GPU: `batch-size` is that of all processes together, at least two images "
            "each. Another entry_point is started once on each instance, and finds the others in SM_HOSTS.",
        ),
    ] = 1
    volume_size_gb: Annotated[int, Field(ge=1, le=16_384, description="Disk of an instance, GB.")] = 30
    max_runtime_seconds: Annotated[
        int, Field(ge=1, le=2_419_200, description="A training job that runs longer is stopped; at most 28 days.")
    ] = 86_400
    checkpoint_s3_uri: Annotated[
        S3Uri | None,
        Field(description="Where /opt/ml/checkpoints is kept while a job runs, and read from when it starts."),
    ] = None
    environment: Annotated[
        dict[EnvironmentName, EnvironmentValue],
        Field(max_length=48, description="Environment variables of the script."),
    ] = Field(default_factory=dict)
    tags: Tags = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_own_channels(self) -> Self:
        absent = [name for name in OWN_CHANNELS if name not in self.channels]
        if self.entry_point in OWN_ENTRY_POINTS and absent:
            raise ValueError(f"channels: {self.entry_point} needs {' and '.join(absent)}, each an s3:// prefix")
        return self


class JobReference(BaseModel):
    """A job that was made, found again, or told to stop."""

    name: str = Field(examples=["dogs-1"])
    arn: str = Field(examples=["arn:aws:sagemaker:us-east-1:123456789012:training-job/dogs-1"])
    status: str = Field(description="The job's status now, in SageMaker's words.", examples=["InProgress"])


class Metric(BaseModel):
    """One value of a metric."""

    name: str = Field(examples=["validation:loss"])
    value: float | None = Field(description="null when the job printed nan or inf.", examples=[0.7421])
    timestamp: datetime | None = Field(None, description="When SageMaker read it.")
