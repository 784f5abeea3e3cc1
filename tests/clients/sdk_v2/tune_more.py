"""A second tuning job warm started from a first, one with early stopping, one that is stopped."""

import json
import sys

import short_waits  # noqa: F401 - the one change for the tests: short polls
import sagemaker
from sagemaker.pytorch import PyTorch
from sagemaker.tuner import (
    CategoricalParameter,
    ContinuousParameter,
    HyperparameterTuner,
    IntegerParameter,
    WarmStartConfig,
    WarmStartTypes,
)

session = sagemaker.Session(default_bucket=sys.argv[1])


def tuner(ranges, **more):
    """A tuner of sdk_v2/tuning over `ranges`; what is left out of them is fixed."""
    fixed = {"lr": 0.03, "layers": 3, "optimizer": "adam", "epochs": 2}
    estimator = PyTorch(
        entry_point="tune.py",
        source_dir="tuning",
        role="arn:aws:iam::123456789012:role/SageMakerRole",
        instance_count=1,
        instance_type="ml.m5.large",
        framework_version="2.5",
        py_version="py311",
        hyperparameters={name: value for name, value in fixed.items() if name not in ranges},
        sagemaker_session=session,
    )
    return HyperparameterTuner(
        estimator,
        objective_metric_name="validation:loss",
        hyperparameter_ranges=ranges,
        metric_definitions=[{"Name": "validation:loss", "Regex": r"validation:loss=([0-9.]+);"}],
        objective_type="Minimize",
        **more,
    )


# The names that the SDK makes differ by the minute only, which is a long time here: each job gets a name.
ranges = {"lr": ContinuousParameter(0.001, 0.1), "layers": IntegerParameter(1, 4)}
parent = tuner(ranges, max_jobs=3, max_parallel_jobs=3, early_stopping_type="Auto")
parent.fit(job_name="parent", wait=True)

child = parent.identical_dataset_and_algorithm_tuner()
child.metric_definitions = parent.metric_definitions  # which the SDK does not copy
child.max_jobs, child.max_parallel_jobs = 2, 2
child.fit(job_name="child", wait=True)
transferred = tuner(
    ranges,
    max_jobs=1,
    max_parallel_jobs=1,
    warm_start_config=WarmStartConfig(WarmStartTypes.TRANSFER_LEARNING, parents={parent.latest_tuning_job.name}),
)
transferred.fit(job_name="transferred", wait=True)

grid = tuner({"optimizer": CategoricalParameter(["adam", "sgd"])}, strategy="Grid", max_jobs=2, max_parallel_jobs=2)
grid.fit(job_name="grid", wait=True)

stopped = tuner(ranges, max_jobs=100, max_parallel_jobs=1)
stopped.fit(job_name="stopped", wait=False)
stopped.stop_tuning_job()
stopped.wait()

print()
print(
    json.dumps(
        {
            "parent": parent.latest_tuning_job.name,
            "child": child.latest_tuning_job.name,
            "child_best": child.best_training_job(),
            "transferred": transferred.latest_tuning_job.name,
            "grid": grid.analytics().dataframe()["optimizer"].sort_values().tolist(),
            "stopped": stopped.describe()["HyperParameterTuningJobStatus"],
        }
    )
)
