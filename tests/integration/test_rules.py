"""Debugger and Profiler rules beside running jobs: an evaluator as a process of its own, over a real server."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.toy_jobs import BUCKET, Toy, until
from tests.local_server import REPOSITORY, LocalServer, running_server

# Saves losses and gradients as smdebug's hook does, step by step; the gradients vanish at step 3. Then it waits.
SCRIPT = f"""
import json, os, sys, time
from pathlib import Path
sys.path.insert(0, {str(REPOSITORY)!r})
import numpy as np
from tests.unit.diagnostics.tensor_files import TensorFiles
files = TensorFiles(Path(json.load(open(os.environ["SMDEBUG_CONFIG_FILE_PATH"]))["LocalPath"]))
for step in range(6):
    gradient = np.full((2, 2), 1e-9 if step >= 3 else 0.1, dtype=np.float32)
    files.save(step, {{"gradient/fc.weight": gradient, "CrossEntropyLoss_output_0": np.float32(1 / (step + 1))}})
print("saved")
open(os.environ["SM_MODEL_DIR"] + "/weights", "w").write("w")
while not os.path.exists(os.environ["SM_HP_UNTIL"]):
    time.sleep(0.02)
"""
STOP = '[{"name": "stoptraining", "training_job_prefix": "%s"}]'
OUT = f"s3://{BUCKET}/out"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    with running_server(tmp_path_factory.mktemp("rules") / "state") as server:
        yield server


@pytest.fixture(scope="module")
def toy(server: LocalServer) -> Toy:
    return Toy(server)


def rule(name: str, **parameters: str) -> dict[str, Any]:
    return {
        "RuleConfigurationName": name,
        "RuleEvaluatorImage": "image",
        "RuleParameters": {"rule_to_invoke": name, **parameters},
    }


def train(toy: Toy, name: str, end: Path, *rules: dict[str, Any], **more: Any) -> None:
    """Start a job that saves six steps and then runs until the file `end` is there."""
    toy.train(
        name,
        SCRIPT,
        {"until": str(end)},
        DebugHookConfig={"S3OutputPath": OUT},
        DebugRuleConfigurations=list(rules),
        **more,
    )


def statuses(job: dict[str, Any], kind: str = "Debug") -> dict[str, str]:
    return {
        found["RuleConfigurationName"]: found["RuleEvaluationStatus"] for found in job[f"{kind}RuleEvaluationStatuses"]
    }


def details(job: dict[str, Any], name: str) -> str:
    [found] = [found for found in job["DebugRuleEvaluationStatuses"] if found["RuleConfigurationName"] == name]
    return str(found.get("StatusDetails", ""))


def judged(toy: Toy, name: str, *kinds: str) -> dict[str, Any]:
    """The job's description once none of its rules is InProgress."""
    return until(
        lambda: toy.describe(name),
        lambda job: not any("InProgress" in statuses(job, kind).values() for kind in kinds or ("Debug",)),
    )


def job_folder(server: LocalServer, name: str) -> Path:
    return server.state_dir / "training-jobs" / name


def evaluator(server: LocalServer, name: str) -> Callable[[], int]:
    """Looks for the process id of the job's evaluator; 0 while there is none."""

    def look() -> int:
        try:
            record = json.loads((job_folder(server, name) / "evaluation/process.json").read_text())
        except FileNotFoundError:
            return 0
        return int(record["pid"])

    return look


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_rules_are_judged_while_the_job_runs_and_all_files_come_to_s3(
    toy: Toy, server: LocalServer, tmp_path: Path
) -> None:
    end = tmp_path / "end"
    train(
        *(toy, "judged", end, rule("VanishingGradient"), rule("Overfit"), rule("TreeDepth")),
        ProfilerConfig={"S3OutputPath": OUT, "ProfilingIntervalInMilliseconds": 100},
        ProfilerRuleConfigurations=[rule("ProfilerReport")],
    )
    job = toy.describe("judged")
    assert set(statuses(job).values()) == {"InProgress"}
    assert job["ProfilingStatus"] == "Enabled"
    job = until(lambda: toy.describe("judged"), lambda job: statuses(job)["VanishingGradient"] != "InProgress")
    assert job["TrainingJobStatus"] == "InProgress"
    assert statuses(job)["VanishingGradient"] == "IssuesFound"
    assert "VanishingGradient at step 3" in details(job, "VanishingGradient")
    arn = job["DebugRuleEvaluationStatuses"][0]["RuleEvaluationJobArn"]
    assert arn.startswith("arn:aws:sagemaker:us-east-1:123456789012:processing-job/judged-vanishinggradient-")
    last = "out/judged/debug-output/index/000000000/000000000005_worker_0.json"
    until(lambda: toy.keys("out/judged/debug-output/"), lambda keys: last in keys)
    assert toy.describe("judged")["TrainingJobStatus"] == "InProgress"
    assert not any(key.endswith(".ts") for key in toy.keys("out/judged/"))
    end.touch()
    assert toy.ended("judged")["TrainingJobStatus"] == "Completed"
    job = judged(toy, "judged", "Debug", "Profiler")
    assert statuses(job) == {"VanishingGradient": "IssuesFound", "Overfit": "Error", "TreeDepth": "Error"}
    assert "validation" in details(job, "Overfit")  # that loss was not saved
    assert "for another framework" in details(job, "TreeDepth")
    keys = {key.removeprefix("out/judged/") for key in toy.keys("out/judged/")}
    assert {f"debug-output/events/{step:012d}/{step:012d}_worker_0.tfevents" for step in range(6)} <= keys
    assert {f"debug-output/index/000000000/{step:012d}_worker_0.json" for step in range(6)} <= keys
    assert {
        "debug-output/training_job_end.ts",
        "profiler-output/system/training_job_end.ts",
        "profiler-output/framework/training_job_end.ts",
    } <= keys
    assert any(key.startswith("profiler-output/system/incremental/") for key in keys)
    written = "rule-output/ProfilerReport/profiler-output/"
    until(
        lambda: toy.keys("out/judged/rule-output/"),
        lambda keys: (
            f"out/judged/{written}profiler-report.html" in keys
            and f"out/judged/{written}profiler-reports/OverallSystemUsage.json" in keys
        ),
    )
    until((job_folder(server, "judged") / "ml").exists, lambda there: not there)
    assert not is_alive(evaluator(server, "judged")())


def test_stop_training_stops_the_job(toy: Toy, tmp_path: Path) -> None:
    stop = rule("VanishingGradient", action_json=STOP % "stopped-by-rule")
    train(toy, "stopped-by-rule", tmp_path / "never", stop, rule("ExplodingTensor"))
    job = toy.ended("stopped-by-rule")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    messages = [transition["StatusMessage"] for transition in job["SecondaryStatusTransitions"]]
    assert any("the rule VanishingGradient found an issue" in message for message in messages)
    assert statuses(judged(toy, "stopped-by-rule")) == {
        "VanishingGradient": "IssuesFound",
        "ExplodingTensor": "NoIssuesFound",
    }
    assert toy.tar_members("out/stopped-by-rule/output/model.tar.gz") == {"weights": b"w"}


def test_a_running_job_is_profiled_from_an_update_on(toy: Toy, server: LocalServer, tmp_path: Path) -> None:
    end = tmp_path / "end"
    train(toy, "updated", end)
    until(lambda: toy.log("updated"), lambda lines: "saved" in lines)
    assert toy.describe("updated")["ProfilingStatus"] == "Disabled"
    assert not (job_folder(server, "updated") / "evaluation").exists()
    toy.sagemaker.update_training_job(
        TrainingJobName="updated",
        ProfilerConfig={"S3OutputPath": OUT, "ProfilingIntervalInMilliseconds": 100},
        ProfilerRuleConfigurations=[rule("OverallSystemUsage")],
    )
    job = toy.describe("updated")
    assert (job["ProfilingStatus"], statuses(job, "Profiler")) == ("Enabled", {"OverallSystemUsage": "InProgress"})
    metrics = job_folder(server, "updated") / "profiler/system/incremental"
    until(lambda: list(metrics.glob("*/*.json")), bool)
    until(evaluator(server, "updated"), bool)
    toy.sagemaker.update_training_job(TrainingJobName="updated", ProfilerConfig={"DisableProfiler": True})
    assert toy.describe("updated")["ProfilingStatus"] == "Disabled"
    with pytest.raises(ClientError, match="without DisableProfiler"):
        toy.sagemaker.update_training_job(TrainingJobName="updated", ProfilerRuleConfigurations=[rule("IOBottleneck")])
    end.touch()
    assert toy.ended("updated")["TrainingJobStatus"] == "Completed"
    job = judged(toy, "updated", "Profiler")
    assert statuses(job, "Profiler")["OverallSystemUsage"] in {"NoIssuesFound", "Error"}  # with enough samples, or not
    prefix = "out/updated/rule-output/OverallSystemUsage/profiler-output/profiler-reports/"
    until(lambda: toy.keys(prefix), lambda keys: keys == [f"{prefix}OverallSystemUsage.json"])
    assert "out/updated/profiler-output/system/training_job_end.ts" in toy.keys("out/updated/")
    with pytest.raises(ClientError, match="in status Completed"):
        toy.sagemaker.update_training_job(TrainingJobName="updated", ProfilerConfig={"DisableProfiler": False})


def test_kill_9_of_the_evaluator_and_of_the_server_loses_nothing(tmp_path: Path) -> None:
    end = tmp_path / "end"
    server = LocalServer(tmp_path / "state")
    server.start()
    try:
        toy = Toy(server)
        train(toy, "killed", end, rule("VanishingGradient"), rule("ExplodingTensor"))
        until(lambda: statuses(toy.describe("killed"))["VanishingGradient"], lambda status: status == "IssuesFound")
        first = evaluator(server, "killed")()
        server.kill()
        assert is_alive(first)
        server.start()
        until(lambda: statuses(toy.describe("killed"))["ExplodingTensor"], lambda status: status == "InProgress")
        assert evaluator(server, "killed")() == first  # adopted
        os.kill(first, signal.SIGKILL)
        second = until(evaluator(server, "killed"), lambda pid: pid not in (0, first))
        server.kill()
        os.kill(second, signal.SIGKILL)  # while nobody looks
        end.touch()
        until((job_folder(server, "killed") / "exit.json").exists, bool)
        server.start()
        assert toy.ended("killed")["TrainingJobStatus"] == "Completed"
        job = judged(toy, "killed")
        expected = {"VanishingGradient": "IssuesFound", "ExplodingTensor": "NoIssuesFound"}
        assert statuses(job) == expected, details(job, "ExplodingTensor")
        assert "out/killed/debug-output/training_job_end.ts" in toy.keys("out/killed/debug-output/")
        until((job_folder(server, "killed") / "ml").exists, lambda there: not there)
    finally:
        server.stop()


def test_a_job_that_is_deleted_takes_its_evaluator_along_and_its_name_is_free(
    toy: Toy, server: LocalServer, tmp_path: Path
) -> None:
    end = tmp_path / "end"
    train(toy, "deleted", end, rule("ExplodingTensor"))
    pid = until(evaluator(server, "deleted"), bool)
    os.kill(pid, signal.SIGSTOP)  # it hangs
    end.touch()
    job = toy.ended("deleted")
    assert statuses(job) == {"ExplodingTensor": "InProgress"}  # the job does not wait for its rules
    toy.sagemaker.delete_training_job(TrainingJobName="deleted")
    until(lambda: is_alive(pid), lambda alive: not alive)
    assert not job_folder(server, "deleted").exists()
    train(toy, "deleted", end, rule("VanishingGradient"))
    assert toy.ended("deleted")["TrainingJobStatus"] == "Completed"
    assert statuses(judged(toy, "deleted")) == {"VanishingGradient": "IssuesFound"}


def test_rules_of_a_job_that_never_ran_are_stopped(toy: Toy, tmp_path: Path) -> None:
    train(
        *(toy, "never-ran", tmp_path / "end", rule("Overfit")),
        InputDataConfig=[
            {
                "ChannelName": "train",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/nothing/"}},
            }
        ],
    )
    assert toy.ended("never-ran")["TrainingJobStatus"] == "Failed"
    job = judged(toy, "never-ran")
    assert statuses(job) == {"Overfit": "Stopped"}
    assert "nothing was saved" in details(job, "Overfit")


def test_more_than_aws_allows_is_refused(toy: Toy, tmp_path: Path) -> None:
    rules = [{**rule("Overfit"), "RuleConfigurationName": f"Overfit-{number}"} for number in range(21)]
    with pytest.raises(ClientError, match=r"ValidationException.*less than or equal to 20"):
        train(toy, "too-many", tmp_path, *rules)
    profiler = [{**rule("IOBottleneck"), "RuleConfigurationName": f"r{number}"} for number in range(21)]
    with pytest.raises(ClientError, match="less than or equal to 20"):
        train(toy, "too-many", tmp_path, ProfilerConfig={"S3OutputPath": OUT}, ProfilerRuleConfigurations=profiler)
    collections = [{"CollectionName": f"c{number}"} for number in range(21)]
    request = toy.request(
        "too-many", "", DebugHookConfig={"S3OutputPath": OUT, "CollectionConfigurations": collections}
    )
    with pytest.raises(ClientError, match="less than or equal to 20"):
        toy.sagemaker.create_training_job(**request)
