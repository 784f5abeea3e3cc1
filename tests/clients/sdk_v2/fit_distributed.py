"""Two hosts with torchrun, as `distribution` asks for it; the SDK wants GPU instances for that."""

import json
import sys

import short_waits  # noqa: F401 - the one change for the tests: short polls
import sagemaker
from sagemaker.pytorch import PyTorch

session = sagemaker.Session(default_bucket=sys.argv[1])
estimator = PyTorch(
    entry_point="train.py",
    source_dir="distributed",
    role="arn:aws:iam::123456789012:role/SageMakerRole",
    instance_count=2,
    instance_type="ml.g4dn.xlarge",
    framework_version="2.5.1",
    py_version="py311",
    distribution={"torch_distributed": {"enabled": True}},
    debugger_hook_config=False,
    disable_profiler=True,
    sagemaker_session=session,
)
estimator.fit(wait=True, logs=True)
print()
print(json.dumps({"job": estimator.latest_training_job.name, "model_data": estimator.model_data}))
