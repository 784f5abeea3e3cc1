"""UpdateTrainingJob in the middle of Downloading: what the script finds is what was asked for last."""

import json
from pathlib import Path

import pytest

from local_sagemaker.engine.loop import Background
from local_sagemaker.engine.training.job import Step
from local_sagemaker.engine.training.jobs import TrainingJobReconciler
from local_sagemaker.engine.training.steps import TrainingSteps
from local_sagemaker.engine.training.tidying import Tidying
from local_sagemaker.engine.training.warm_starts import WarmStarts
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.settings import Settings
from local_sagemaker.store import training_jobs as store
from local_sagemaker.store.database import Database

BEFORE = {"S3OutputPath": "s3://b/out", "ProfilingIntervalInMilliseconds": 100}
AFTER = {**BEFORE, "DisableProfiler": True}


def test_the_script_starts_with_the_newest_profiler_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = {
        "AlgorithmSpecification": {"TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": f"file://{tmp_path}/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1},
        "ProfilerConfig": BEFORE,
    }
    settings, background = Settings(state_dir=tmp_path, opt_ml="moved"), Background(lambda: None)
    database, objects = Database(settings.database_path), Objects("", tmp_path / "buckets")
    tidying, warm_starts = Tidying(settings, database, background), WarmStarts(settings, database)
    reconciler = TrainingJobReconciler(settings, database, background, objects, tidying, warm_starts=warm_starts)
    job = store.new_training_job("toy", "arn", "us-east-1", request=request, now=1.0)
    store.insert(database, job)
    job = store.update(database, job, 2.0, phase="Downloading", secondary_status="Downloading")
    root = settings.jobs_dir / "toy"
    files = [host / "ml/input/config/profilerconfig.json" for host in (root, root / "algo-2")]
    for file in files:  # the step had read the job before it was updated, and writes after that
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(BEFORE))
    store.update(database, job, 3.0, request={**request, "ProfilerConfig": AFTER})
    found: list[object] = []
    monkeypatch.setattr(TrainingSteps, "state", lambda *_: (Step.DONE, ""))
    monkeypatch.setattr(WarmStarts, "start", lambda *_: found.append([json.loads(f.read_text()) for f in files]))
    reconciler.reconcile()
    background.close()
    assert found[0] == [AFTER, AFTER]
