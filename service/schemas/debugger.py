"""Debugger and Profiler of a training job: the rules that watch it, the tensors that are saved for them."""

from typing import Annotated, Literal

from pydantic import Field, FiniteFloat, StrictBool, StrictInt, StringConstraints

from service.schemas.page import Body

DebuggerRuleName = Literal[
    "VanishingGradient", "Overfit", "Overtraining", "PoorWeightInitialization", "LossNotDecreasing", "ExplodingTensor",
    "WeightUpdateRatio", "DeadRelu", "SaturatedActivation", "ClassImbalance", "Confusion", "AllZero", "UnchangedTensor",
    "TensorVariance", "StalledTrainingRule",
]  # fmt: skip
ProfilerRuleName = Literal[
    "ProfilerReport", "LowGPUUtilization", "CPUBottleneck", "IOBottleneck", "BatchSize", "GPUMemoryIncrease",
    "LoadBalancing", "StepOutlier", "MaxInitializationTime", "Dataloader", "OverallSystemUsage",
    "OverallFrameworkMetrics",
]  # fmt: skip

Parameters = Annotated[
    dict[
        Annotated[str, StringConstraints(min_length=1, max_length=256)],
        StrictBool | StrictInt | FiniteFloat | Annotated[str, StringConstraints(max_length=256)],
    ],
    Field(max_length=90, description="The rule's own parameters by name; what is left out has the rule's default."),
]


class DebuggerRule(Body):
    """A rule over the saved tensors."""

    name: DebuggerRuleName
    parameters: Parameters = Field(default_factory=dict)


class ProfilerRule(Body):
    """A rule over the system metrics."""

    name: ProfilerRuleName
    parameters: Parameters = Field(default_factory=dict)


class Collection(Body):
    """Tensors that are saved together."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.\-/]+$", max_length=256)]
    include_regex: Annotated[
        str | None, Field(max_length=1024, description="Which tensors; built-in collections need none.")
    ] = None
    save_interval: Annotated[int | None, Field(ge=1, description="Save every so many steps.")] = None
    train_save_interval: Annotated[int | None, Field(ge=1, description="The same, in training only.")] = None
    eval_save_interval: Annotated[int | None, Field(ge=1, description="The same, in validation only.")] = None


DEFAULT_DEBUGGER_RULES = [
    DebuggerRule(name="VanishingGradient"),
    DebuggerRule(name="Overfit"),
    DebuggerRule(name="Overtraining"),
    DebuggerRule(name="PoorWeightInitialization"),
]
DEFAULT_PROFILER_RULES = [ProfilerRule(name="ProfilerReport")]
DEFAULT_COLLECTIONS = [
    Collection(
        name="CrossEntropyLoss_output_0",
        include_regex="CrossEntropyLoss_output_0",
        train_save_interval=1,
        eval_save_interval=1,
    ),
    # What the rules above read.
    Collection(name="losses", save_interval=500),
    Collection(name="gradients", save_interval=500),
    Collection(name="relu_input", include_regex=".*relu_input", save_interval=500),
]


class Debugger(Body):
    """Which tensors the job saves and which rules watch them; the defaults are the reference project's."""

    rules: Annotated[list[DebuggerRule], Field(max_length=20)] = DEFAULT_DEBUGGER_RULES
    collections: Annotated[list[Collection], Field(max_length=20)] = DEFAULT_COLLECTIONS
    train_save_interval: Annotated[int, Field(ge=1, description="Steps of training between two saves.")] = 5
    eval_save_interval: Annotated[int, Field(ge=1, description="Steps of validation between two saves.")] = 1


class Profiler(Body):
    """How often the instance is measured and which rules judge it."""

    interval_ms: Annotated[
        Literal[100, 200, 500, 1000, 5000, 60000], Field(description="Time between two measurements, ms.")
    ] = 500
    rules: Annotated[list[ProfilerRule], Field(max_length=20)] = DEFAULT_PROFILER_RULES
