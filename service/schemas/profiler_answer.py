"""How a job used its instances, and what the Profiler rules make of it."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, Field

from service.schemas.debugger_answer import DEFAULT_POINTS, MaxPoints
from service.schemas.page import Body


class ProfilerFilter(Body):
    """What /profiler tells beside the verdicts."""

    series: Annotated[bool, Field(description="Tell every metric over time too.")] = False
    max_points: MaxPoints = DEFAULT_POINTS


class VerdictStatus(StrEnum):
    """How a Profiler rule stands."""

    ISSUES_FOUND = "IssuesFound"
    NO_ISSUES_FOUND = "NoIssuesFound"
    NOT_JUDGED = "NotJudged"


class ProfilerAdvice(BaseModel):
    """What a Profiler rule found."""

    what: str = Field(
        examples=["At most 10.6 % of the 16 GiB were used, and up to 86.6 % of the CPU: the memory is too much."]
    )
    why: str = Field(examples=["Memory that is never used is paid for."])
    advice: list[str] = Field(examples=[["ml.c5.xlarge has as many vCPUs and half of the memory."]])


class ProfilerVerdict(BaseModel):
    """A Profiler rule and what it makes of the job; the first is what costs the job most."""

    rule: str = Field(examples=["CPUBottleneck"])
    status: VerdictStatus
    weight: float = Field(description="0 to 1: what the finding costs the job.")
    finding: ProfilerAdvice | None = None
    unjudged: str | None = Field(None, description="Why there is no verdict, and what to do to get one.")
    triggered: int = Field(description="RuleTriggered of SageMaker's report file.")
    violations: int
    datapoints: int
    details: dict[str, Any]
    parameters: dict[str, str]


class PlatformRule(BaseModel):
    """A Profiler rule as SageMaker evaluated it."""

    name: str = Field(examples=["ProfilerReport"])
    status: str | None
    details: str | None = None


class TypicalFigures(BaseModel):
    """A metric's percentiles over the job, on one node."""

    max: float | None
    p99: float | None
    p95: float | None
    p50: float | None
    min: float | None


class MeasuredSeries(BaseModel):
    """One metric over time."""

    node: str = Field(examples=["algo-1"])
    metric: str = Field(description="cpu, io_wait, gpu, gpu_memory, memory: %; io, network: a second.")
    name: str = Field(description="Which core, GPU or rate; empty for memory.", examples=["cpu0"])
    times: list[float] = Field(description="Epoch seconds.")
    values: list[float]


class StepFigures(BaseModel):
    """The steps of one mode on one node."""

    node: str = Field(examples=["algo-1"])
    mode: str = Field(examples=["TRAIN"])
    steps: int
    median_seconds: float | None
    median_loader_wait_seconds: float | None = Field(description="How long a step waited for its batch.")


class ProfilerReport(BaseModel):
    """How the job used its instances."""

    name: str = Field(examples=["dogs-1"])
    instance_type: str = Field(examples=["ml.m5.xlarge"])
    nodes: list[str] = Field(examples=[["algo-1"]])
    interval_seconds: float | None = Field(description="Between two measurements, the median.", examples=[0.5])
    complete: bool = Field(description="Whether the job is over, so that no more will come.")
    verdicts: list[ProfilerVerdict]
    right_sizing: ProfilerVerdict | None = Field(None, description="Whether another instance type would do.")
    usage: dict[str, dict[str, TypicalFigures]] = Field(
        description="By metric and node: CPU, CPU memory, GPU, GPU memory in %, I/O and Network a second.",
    )
    steps: list[StepFigures]
    series: list[MeasuredSeries] | None = Field(None, description="With ?series=true.")
    platform: list[PlatformRule] = Field(description="SageMaker's own statuses of the job's Profiler rules.")
    notes: list[str] = Field(default_factory=list)
