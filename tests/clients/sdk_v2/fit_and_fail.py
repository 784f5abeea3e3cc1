"""What a notebook sees when a script raises, when it waits for a stopped job, and when the request is refused."""

import json
import sys
from pathlib import Path

import short_waits  # noqa: F401 - the one change for the tests: short polls
import sagemaker
from botocore.exceptions import ClientError
from sagemaker.exceptions import UnexpectedStatusException
from sagemaker.pytorch import PyTorch

session = sagemaker.Session(default_bucket=sys.argv[1])
Path("source").mkdir()
Path("source/train.py").write_text(
    "import sys, time\n"
    "print('started', flush=True)\n"
    "if sys.argv[-1] == 'raise':\n"
    "    raise RuntimeError('no dogs in the picture: 7')\n"
    "time.sleep(600)\n"
)


def estimator(mode, **more):
    """An estimator whose script raises or sleeps."""
    return PyTorch(
        entry_point="train.py",
        source_dir="source",
        role="arn:aws:iam::123456789012:role/SageMakerRole",
        instance_count=1,
        instance_type="ml.m5.large",
        framework_version="2.5",
        py_version="py311",
        hyperparameters={"mode": mode},
        debugger_hook_config=False,
        disable_profiler=True,
        sagemaker_session=session,
        **more,
    )


raising = estimator("raise")
try:
    raising.fit(job_name="raising", logs=True)
    failure = None
except UnexpectedStatusException as error:
    failure = {"message": str(error), "status": error.actual_status}

stopped = estimator("sleep")
stopped.fit(job_name="stopped", wait=False)
stopped.latest_training_job.stop()
stopped.latest_training_job.wait(logs=True)

late = estimator("sleep", max_run=2)
late.fit(job_name="late")

try:
    estimator("raise").fit(job_name="raising", wait=False)
    duplicate = None
except ClientError as error:
    duplicate = error.response["Error"]["Code"]

try:
    PyTorch.attach("never-created", sagemaker_session=session)
    missing = None
except ClientError as error:
    missing = error.response["Error"]

missing_data = estimator("sleep")
try:
    missing_data.fit({"train": f"s3://{sys.argv[1]}/nothing-here/"}, job_name="missing-data")
    no_data = None
except UnexpectedStatusException as error:
    no_data = str(error)

print()
print(
    json.dumps(
        {
            "failure": failure,
            "stopped": stopped.latest_training_job.describe()["TrainingJobStatus"],
            "late": late.latest_training_job.describe()["SecondaryStatus"],
            "duplicate": duplicate,
            "missing": missing,
            "no_data": no_data,
        }
    )
)
