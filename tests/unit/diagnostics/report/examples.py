"""Jobs and tuning jobs, made up, for tests of their pages."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from diagnostics.job import JobFacts
from diagnostics.profile.profile import (
    NodeProfile,
    Profile,
    ProfilerEvaluation,
    ProfilerFinding,
    Series,
    Steps,
    Values,
)
from diagnostics.report.report import JobReport
from diagnostics.report.tuning_report import Range, Trial, TuningReport
from diagnostics.rules.evaluation import RuleEvaluation, RuleStatus
from diagnostics.rules.finding import Finding
from diagnostics.tensors.curve import Curve
from diagnostics.tensors.saved_step import Mode

START = 1_770_000_000.0
EMPTY = Series(np.empty(0), np.empty(0))
HOSTILE = "</script><svg onload=alert(1)>\"'&$x_1$\x00\u202e--><b>"


def series(values: npt.ArrayLike, interval: float = 0.5) -> Series:
    """Samples every `interval` seconds from START on."""
    given: Values = np.asarray(values, dtype=np.float64)
    return Series(START + interval * np.arange(len(given), dtype=np.float64), given)


def node(seconds: float = 60, cores: int = 4, gpus: int = 0, seed: int = 1, interval: float = 0.5) -> NodeProfile:
    """A host that works in waves."""
    chance = np.random.default_rng(seed)
    count = int(seconds / interval)
    wave = 55 + 35 * np.sin(np.arange(count) / count * 25 + seed)

    def percent(low: float = 0) -> Series:
        return series(np.clip(wave + low + chance.normal(0, 8, count), 0, 100), interval)

    return NodeProfile(
        cpu={f"cpu{core}": percent(-core * 6) for core in range(cores)},
        io_wait={f"cpu{core}": series(np.clip(chance.normal(2, 2, count), 0, 100), interval) for core in range(cores)},
        gpu={f"gpu{gpu}": percent(-20) for gpu in range(gpus)},
        gpu_memory={f"gpu{gpu}": series(np.linspace(20, 60, count), interval) for gpu in range(gpus)},
        memory=series(10.59 * np.sqrt(np.linspace(0.2, 1, count)), interval),
        io={
            "ReadThroughputInBytesPerSecond": series(np.abs(chance.normal(2e6, 1e6, count)), interval),
            "WriteThroughputInBytesPerSecond": series(np.abs(chance.normal(3e5, 1e5, count)), interval),
            "IOPS": series(np.full(count, 20.0), interval),
        },
        network={
            "ReceiveBytesPerSecond": series(np.abs(chance.normal(4e4, 1e4, count)), interval),
            "TransmitBytesPerSecond": series(np.abs(chance.normal(1e4, 2e3, count)), interval),
        },
    )


def profile(nodes: int = 1, seconds: float = 60, gpus: int = 0, cores: int = 4) -> Profile:
    """Nodes algo-1 ..., and steps of TRAIN and EVAL on the first."""
    chance = np.random.default_rng(5)
    durations: Values = chance.lognormal(np.log(0.08), 0.25, 400)
    durations[::97] *= 4
    starts: Values = START + np.linspace(1, seconds - 1, len(durations), dtype=np.float64)
    return Profile(
        job=job(),
        nodes={f"algo-{n + 1}": node(seconds, cores, gpus, seed=n + 1) for n in range(nodes)},
        steps=[
            Steps("algo-1", "TRAIN", starts, durations, durations * 0.4),
            Steps("algo-1", "EVAL", starts[:50], durations[:50] / 2, np.empty(0)),
        ],
        interval_seconds=0.5,
    )


def job(**others: object) -> JobFacts:
    """A completed job of a minute."""
    facts: dict[str, object] = {
        "name": "dogs-2026",
        "instance_type": "ml.m5.2xlarge",
        "status": "Completed",
        "started_at": START,
        "ended_at": START + 60,
        "hyperparameters": {"lr": "0.01", "batch-size": "32", "epochs": "20"},
    }
    return JobFacts(**(facts | others))  # type: ignore[arg-type]


def curves(steps: int = 600) -> list[Curve]:
    """A training loss that falls and an evaluation loss that rises again."""
    chance = np.random.default_rng(3)
    at = np.arange(steps)
    train = 2.1 * np.exp(-at / (steps / 6)) + 0.05 + np.abs(chance.normal(0, 0.03, steps))
    judged = np.arange(steps // 20 - 1, steps, steps // 20)
    evaluated = 1.9 * np.exp(-judged / (steps / 5)) + 0.35 + 0.5 * (judged / steps) ** 2
    return [
        Curve("CrossEntropyLoss_output_0", "EVAL", judged.tolist(), evaluated.tolist()),
        Curve("CrossEntropyLoss_output_0", "TRAIN", at.tolist(), train.tolist()),
    ]


def finding(step: int = 399, mode: Mode = Mode.EVAL, tensor: str = "CrossEntropyLoss_output_0") -> Finding:
    """An Overfit."""
    return Finding(
        step=step,
        mode=mode,
        mode_step=19,
        tensor=tensor,
        value=1.4,
        threshold=0.1,
        what="The mean validation loss 0.612 is 140 % above the mean training loss 0.255; the threshold is 10 %.",
        why="The network learns its training images by heart: it will do worse on photographs it has never seen.",
        advice=("Augment the training images (augment=true).", "Stop earlier: the best epoch was the 12th."),
    )


def debugger() -> list[RuleEvaluation]:
    """One rule of each status."""
    met = "RuleEvaluationConditionMet: Evaluation of the rule Overfit at step 399 resulted in the condition being met"
    missing = "Gradients were not saved. Add the collection gradients to DebugHookConfig."
    return [
        RuleEvaluation("VanishingGradient", "VanishingGradient", RuleStatus.ERROR, missing),
        RuleEvaluation("Overfit", "Overfit", RuleStatus.ISSUES_FOUND, met, finding()),
        RuleEvaluation("Overtraining", "Overtraining", RuleStatus.IN_PROGRESS),
        RuleEvaluation("LossNotDecreasing", "LossNotDecreasing", RuleStatus.NO_ISSUES_FOUND, "No issue in 600 steps."),
    ]


def usage(nodes: int = 1) -> ProfilerEvaluation:
    """OverallSystemUsage, as its file has it."""
    figures = {"max": 86.63, "p99": 84.2, "p95": 80.0, "p50": 41.7, "min": 0.0}
    rows = ("CPU", "CPU memory", "GPU", "GPU memory", "I/O", "Network")
    empty: Mapping[str, float] = {}
    return ProfilerEvaluation(
        "OverallSystemUsage",
        triggered=0,
        violations=0,
        datapoints=120,
        details={
            row: {f"algo-{n + 1}": empty if row.startswith("GPU") else figures for n in range(nodes)} for row in rows
        },
        parameters={},
    )


def profiler(nodes: int = 1) -> list[ProfilerEvaluation]:
    """One that fired, one that did not, one without a verdict, and the usage."""
    starving = ProfilerFinding(
        "Steps waited for data during 28 % of their time; the threshold is 20 %.",
        "Cores stand idle while images are decoded.",
        ("Raise num-workers to 4.",),
    )
    return [
        ProfilerEvaluation("Dataloader", 1, 34, 120, {}, {"min_threshold": "70"}, finding=starving, weight=0.28),
        ProfilerEvaluation("CPUBottleneck", 0, 0, 120, {}, {"threshold": "50", "cpu_threshold": "90"}),
        ProfilerEvaluation("LowGPUUtilization", 0, 0, 0, {}, {}, unjudged="ml.m5.2xlarge has no GPU."),
        usage(nodes),
    ]


def report(nodes: int = 1, **others: object) -> JobReport:
    """Everything there is."""
    parts: dict[str, object] = {
        "job": job(instance_count=nodes),
        "curves": curves(),
        "debugger": debugger(),
        "profiler": profiler(nodes),
        "profile": profile(nodes),
        "notes": ["GPU metrics are missing: NVML is not installed."],
    }
    return JobReport(**(parts | others))  # type: ignore[arg-type]


def trials(count: int = 12) -> list[Trial]:
    """A learning rate and a batch size. The third trial stopped early, the fifth failed, the last runs."""
    chance = np.random.default_rng(11)
    made = []
    for number in range(1, count + 1):
        lr = float(10 ** chance.uniform(-3, -1))
        batch = str(chance.choice([32, 64, 128, 256]))
        loss = 0.35 + 0.5 * (np.log10(lr) + 1.1) ** 2 + 0.0008 * int(batch) + float(chance.normal(0, 0.03))
        early, failed, runs = number == 3, number == 5, number == count
        begin = START + 40 * ((number - 1) // 3) + number
        made.append(
            Trial(
                name=f"dogs-tuning-{number:03d}-5f2a9c01",
                number=number,
                status="Failed" if failed else "Stopped" if early else "InProgress" if runs else "Completed",
                hyperparameters={"lr": f"{lr:.6g}", "batch-size": batch, "epochs": "20"},
                objective=None if failed or runs else loss,
                started_at=begin,
                ended_at=None if runs else begin + (14 if early else 5 if failed else 33 + number),
                early_stopped=early,
            )
        )
    return made


def tuning(**others: object) -> TuningReport:
    """A tuning job that runs: its trials are `trials()` where no others are given."""
    parts: dict[str, object] = {
        "name": "dogs-tuning",
        "objective_name": "validation:loss",
        "objective_type": "Minimize",
        "strategy": "Bayesian",
        "status": "InProgress",
        "trials": trials() if "trials" not in others else (),
        "ranges": {"lr": Range("Logarithmic", 0.001, 0.1), "batch-size": Range("Categorical")},
    }
    return TuningReport(**(parts | others))  # type: ignore[arg-type]
