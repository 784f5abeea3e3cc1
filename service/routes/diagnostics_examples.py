"""What /docs shows of diagnoses: a test reads each with its schema."""

from typing import Any

DEBUGGER_EXAMPLE: dict[str, Any] = {
    "name": "dogs-1",
    "evaluation": {"state": "Completed", "steps_evaluated": 480, "steps_saved": 480, "last_step": 479},
    "rules": [
        {
            "name": "Overfit",
            "rule": "Overfit",
            "status": "IssuesFound",
            "details": "RuleEvaluationConditionMet: Evaluation of the rule Overfit at step 240 resulted in the "
            "condition being met. CrossEntropyLoss_output_0: the validation loss 1.34 is 34 % above the training loss "
            "1.00; more than 10 % is overfitting.",
            "finding": {
                "step": 240,
                "mode": "EVAL",
                "mode_step": 12,
                "tensor": "CrossEntropyLoss_output_0",
                "value": 0.34,
                "threshold": 0.1,
                "what": "CrossEntropyLoss_output_0: the validation loss 1.34 is 34 % above the training loss 1.00; "
                "more than 10 % is overfitting.",
                "why": "The network learns its training images by heart and gets worse on others.",
                "advice": ["Stop earlier: patience.", "Use augment=true.", "Train with more images."],
            },
            "platform_status": None,
            "platform_details": None,
        },
        {
            "name": "VanishingGradient",
            "rule": "VanishingGradient",
            "status": "NoIssuesFound",
            "details": None,
            "finding": None,
            "platform_status": None,
            "platform_details": None,
        },
    ],
    "curves": None,
    "notes": [],
}

PROFILER_EXAMPLE: dict[str, Any] = {
    "name": "dogs-1",
    "instance_type": "ml.m5.xlarge",
    "nodes": ["algo-1"],
    "interval_seconds": 0.5,
    "complete": True,
    "verdicts": [
        {
            "rule": "CPUBottleneck",
            "status": "NotJudged",
            "weight": 0.0,
            "finding": None,
            "unjudged": "ml.m5.xlarge has no GPU, which this rule is about. CPUUtilization, MemoryUtilization and "
            "RightSizing judge such a job.",
            "triggered": 0,
            "violations": 0,
            "datapoints": 0,
            "details": {},
            "parameters": {"threshold": "50", "cpu_threshold": "90", "gpu_threshold": "10"},
        }
    ],
    "right_sizing": {
        "rule": "RightSizing",
        "status": "IssuesFound",
        "weight": 0.25,
        "finding": {
            "what": "The job used at most 10.59 % of the 16 GiB of memory of ml.m5.xlarge and 86.63 % of its 4 vCPUs: "
            "less memory would do, the compute fits.",
            "why": "The instance is paid by the second, used or not.",
            "advice": ["Use ml.c5.xlarge: as many vCPUs, half of the memory."],
        },
        "unjudged": None,
        "triggered": 1,
        "violations": 1,
        "datapoints": 412,
        "details": {"instance_type": "ml.m5.xlarge", "recommended": "ml.c5.xlarge"},
        "parameters": {"memory_headroom": "25", "cpu_headroom": "10"},
    },
    "usage": {
        "CPU": {"algo-1": {"max": 86.63, "p99": 84.9, "p95": 81.2, "p50": 64.0, "min": 0.5}},
        "CPU memory": {"algo-1": {"max": 10.59, "p99": 10.5, "p95": 10.4, "p50": 9.8, "min": 3.1}},
    },
    "steps": [
        {
            "node": "algo-1",
            "mode": "TRAIN",
            "steps": 480,
            "median_seconds": 0.412,
            "median_loader_wait_seconds": 0.003,
        }
    ],
    "series": None,
    "platform": [{"name": "ProfilerReport", "status": "IssuesFound", "details": None}],
    "notes": [],
}

EVENTS_EXAMPLE = """event: status
id: eJyLNtJRqq7ViQUADo8DJQ
data: {"status": "Training", "message": "Training image download completed.", "started_at": "2026-11-23T09:00:12Z"}

event: log
data: {"timestamp": "2026-11-23T09:00:20Z", "message": "epoch=1 train:loss=1.2345", "stream": "dogs-1/algo-1-17"}

event: metric
id: eJyLNtRRqq7ViQUADpIDJg
data: {"timestamp": "2026-11-23T09:00:20Z", "name": "train:loss", "value": 1.2345}

event: rule
id: eJyLNtBRqq7ViQUADoIDIg
data: {"name": "Overfit", "kind": "debugger", "status": "IssuesFound", "details": "RuleEvaluationConditionMet: ..."}

event: end
id: eJyLNjDQUaqu1YkFAA7CAyg
data: {"status": "Completed", "failure_reason": null, "rules_in_progress": []}

"""
