"""Debugger and Profiler of a training job: the rules that watch it, the tensors that are saved for them."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, FiniteFloat, StrictBool, StrictInt, StringConstraints, Tag, model_validator

from service.schemas.job import S3Uri
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
    # This project's own: SageMaker's evaluators do not know them, local_sagemaker's and the service's do.
    "CPUUtilization", "MemoryUtilization", "RightSizing", "IdleGPU", "DataLoaderStarvation",
]  # fmt: skip
Reduction = Literal[
    "min", "max", "mean", "std", "variance", "sum", "prod", "l1_norm", "l2_norm", "abs_min", "abs_max", "abs_mean",
    "abs_std", "abs_variance", "abs_sum", "abs_prod", "abs_l1_norm", "abs_l2_norm",
]  # fmt: skip
RESERVED_PARAMETERS = {
    "rule_to_invoke": "name",
    "source_s3_uri": "source_s3_uri",
    "action_json": "actions",
}


def _without_reserved(parameters: Mapping[str, Any]) -> None:
    for name, member in RESERVED_PARAMETERS.items():
        if name in parameters:
            raise ValueError(f"parameters: {name} is SageMaker's own; send the rule's member {member}")


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
    actions: Annotated[
        list[Literal["StopTraining"]],
        Field(max_length=1, description="What happens when the rule finds something: the job is stopped."),
    ] = Field(default_factory=list)

    @model_validator(mode="after")
    def _parameters_are_the_rules(self) -> Self:
        _without_reserved(self.parameters)
        return self


class CustomRule(DebuggerRule):
    """A rule of your own: a class on smdebug's Rule in a Python file. It is evaluated beside the job only."""

    name: Annotated[  # type: ignore[assignment]
        str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=128, description="The class in the file.")
    ]
    source_s3_uri: Annotated[S3Uri, Field(description="The Python file, up to 256 characters.")]

    @model_validator(mode="after")
    def _is_a_python_file(self) -> Self:
        if not self.source_s3_uri.endswith(".py") or len(self.source_s3_uri) > 256:
            raise ValueError("source_s3_uri must name a .py file in S3, in at most 256 characters")
        return self


def _kind(rule: Any) -> str:
    custom = "source_s3_uri" in rule if isinstance(rule, Mapping) else isinstance(rule, CustomRule)
    return "custom" if custom else "built-in"


AnyDebuggerRule = Annotated[
    Annotated[DebuggerRule, Tag("built-in")] | Annotated[CustomRule, Tag("custom")], Discriminator(_kind)
]


class ProfilerRule(Body):
    """A rule over the system metrics."""

    name: Annotated[
        ProfilerRuleName,
        Field(
            description="CPUUtilization, MemoryUtilization, RightSizing, IdleGPU and DataLoaderStarvation are this "
            "project's own: AWS cannot evaluate them; GET /jobs/training/{name}/profiler does, asked for or not."
        ),
    ]
    parameters: Parameters = Field(default_factory=dict)

    @model_validator(mode="after")
    def _parameters_are_the_rules(self) -> Self:
        _without_reserved(self.parameters)
        return self


class Collection(Body):
    """Tensors that are saved together."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.\-/]+$", max_length=256)]
    include_regex: Annotated[
        str | None, Field(max_length=256, description="Which tensors; built-in collections need none.")
    ] = None
    reductions: Annotated[
        list[Reduction] | None,
        Field(
            min_length=1,
            max_length=18,
            description="Save these figures of each tensor in place of the tensor: a fraction of the time and space, "
            "and enough for rules that read figures only. What another collection saves whole is saved whole all the "
            "same.",
        ),
    ] = None
    save_interval: Annotated[int | None, Field(ge=1, description="Save every so many steps.")] = None
    train_save_interval: Annotated[int | None, Field(ge=1, description="The same, in training only.")] = None
    eval_save_interval: Annotated[int | None, Field(ge=1, description="The same, in validation only.")] = None
    end_step: Annotated[int | None, Field(ge=1, description="Save before this step only.")] = None


DEFAULT_DEBUGGER_RULES: list[AnyDebuggerRule] = [
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
    # What the rules above read, at little cost: figures in place of tensors, and the weights as they were at the start.
    Collection(name="losses", save_interval=500),
    Collection(name="gradients", reductions=["mean", "std", "abs_mean"], save_interval=10),
    Collection(name="relu_input", include_regex=".*relu_input", reductions=["mean", "std"], save_interval=500),
    Collection(name="weights", save_interval=500, end_step=1),
]


class Debugger(Body):
    """Which tensors the job saves and which rules watch them; the defaults are the reference project's."""

    rules: Annotated[list[AnyDebuggerRule], Field(max_length=20)] = DEFAULT_DEBUGGER_RULES
    collections: Annotated[list[Collection], Field(max_length=20)] = DEFAULT_COLLECTIONS
    train_save_interval: Annotated[int, Field(ge=1, description="Steps of training between two saves.")] = 5
    eval_save_interval: Annotated[int, Field(ge=1, description="Steps of validation between two saves.")] = 1


class Profiler(Body):
    """How often the instance is measured and which rules judge it."""

    interval_ms: Annotated[
        Literal[100, 200, 500, 1000, 5000, 60000], Field(description="Time between two measurements, ms.")
    ] = 500
    rules: Annotated[list[ProfilerRule], Field(max_length=20)] = DEFAULT_PROFILER_RULES
