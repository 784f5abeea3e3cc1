"""A training job whose tensors and metrics lie in the fake S3."""

import json
from pathlib import Path
from typing import Any

from diagnostics.tensors.saved_step import Mode
from tests.unit.diagnostics.tensor_files import TensorFiles
from tests.unit.service.jobs.fake_aws import FakeAws

LOSS = "CrossEntropyLoss_output_0"
GRADIENT = "gradient/head.linear.weight"
DEBUG_OUTPUT = "/dogs/jobs/dogs-1/debug-output"
PROFILER_OUTPUT = "/dogs/jobs/dogs-1/profiler-output"
STARTED_AT = 1795417200.0
OVERFIT = {"rule_to_invoke": "Overfit"}


class DiagnosedJob:
    """`members` are DescribeTrainingJob's answer."""

    def __init__(self, aws: FakeAws, name: str = "dogs-1") -> None:
        self.aws = aws
        self.files = TensorFiles(Path("unused"))
        self.root = DEBUG_OUTPUT.replace("dogs-1", name)
        self.profile_root = PROFILER_OUTPUT.replace("dogs-1", name)
        self.members: dict[str, Any] = {
            "TrainingJobName": name,
            "TrainingJobArn": "arn",
            "TrainingJobStatus": "InProgress",
            "SecondaryStatus": "Training",
            "CreationTime": STARTED_AT - 60,
            "TrainingStartTime": STARTED_AT,
            "OutputDataConfig": {"S3OutputPath": "s3://dogs/jobs"},
            "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 30},
            "DebugHookConfig": {"S3OutputPath": "s3://dogs/jobs"},
            "DebugRuleConfigurations": [
                {"RuleConfigurationName": "Overfit", "RuleEvaluatorImage": "rules", "RuleParameters": OVERFIT}
            ],
            "ProfilerConfig": {"S3OutputPath": "s3://dogs/jobs", "ProfilingIntervalInMilliseconds": 500},
        }
        aws.answers["DescribeTrainingJob"] = lambda _: self.members

    def save(self, step: int, loss: float, mode: Mode = Mode.TRAIN, **reductions: float) -> None:
        """Save a step: its loss, and figures of a gradient."""
        self.put_collections()
        files = self.files.files_of(step, {LOSS: [loss]}, mode, reductions={GRADIENT: reductions} if reductions else {})
        self.aws.objects |= {f"{self.root}/{name}": content for name, content in files.items()}

    def put_collections(self) -> None:
        """The hook writes them with the first step."""
        name, content = self.files.collections_file()
        self.aws.objects[f"{self.root}/{name}"] = content

    def learn(self, epochs: int = 4, *, overfit: bool = False) -> None:
        """Five steps of training and two of judging an epoch."""
        for step in range(epochs * 7):
            epoch, judges = step // 7, step % 7 > 4
            loss = 1 / (1 + epoch)
            self.save(step, loss * (2 if overfit and judges else 1), Mode.EVAL if judges else Mode.TRAIN, abs_mean=loss)

    def measure(self, seconds: int = 60, memory: float = 10.59) -> None:
        """Half a second apart: four cores, memory."""
        lines = []
        for tick in range(seconds * 2):
            time = STARTED_AT + tick / 2
            common = {"NodeId": "algo-1", "Timestamp": time}
            lines += [
                {"Type": "cpu", "Name": f"cpu{core}", "Dimension": "CPUUtilization", "Value": 60.0 + core, **common}
                for core in range(4)
            ]
            lines.append({"Type": "memory", "Name": "MemoryUsedPercent", "Dimension": "", "Value": memory, **common})
        path = f"{self.profile_root}/system/incremental/2026112307/{int(STARTED_AT)}.algo-1.json"
        self.aws.objects[path] = "".join(f"{json.dumps(line)}\n" for line in lines).encode()

    def end(self, status: str = "Completed") -> None:
        """The job is over."""
        self.aws.objects[f"{self.root}/training_job_end.ts"] = b""
        self.members |= {"TrainingJobStatus": status, "TrainingEndTime": STARTED_AT + 60}
