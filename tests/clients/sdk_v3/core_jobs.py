"""The core resources of training: create, wait, refresh, get, get_all, stop, a job that fails."""

import io
import json
import sys
import tarfile
import time

import short_waits  # noqa: F401 - the one change for the tests: short polls
import boto3
from botocore.exceptions import ClientError
from sagemaker.core.resources import Tag, TrainingJob
from sagemaker.core.shapes import (
    AlgorithmSpecification,
    Channel,
    DataSource,
    DebugHookConfig,
    MetricDefinition,
    OutputDataConfig,
    ProfilerConfig,
    ResourceConfig,
    S3DataSource,
    StoppingCondition,
)
from sagemaker.core.utils.exceptions import FailedStatusError

SCRIPT = """
import os, pathlib, sys, time
print("argv", sys.argv[1:], flush=True)
print("rows", sum(1 for path in pathlib.Path(os.environ["SM_CHANNEL_TRAIN"]).iterdir()), flush=True)
print("loss=0.5", flush=True)
if "--fail" in sys.argv:
    raise RuntimeError("out of dogs")
if "--sleep" in sys.argv:
    time.sleep(600)
"""
bucket = sys.argv[1]
s3 = boto3.client("s3")
s3.create_bucket(Bucket=bucket)
packed = io.BytesIO()
with tarfile.open(fileobj=packed, mode="w:gz") as tar:
    member = tarfile.TarInfo("train.py")
    member.size = len(SCRIPT.encode())
    tar.addfile(member, io.BytesIO(SCRIPT.encode()))
s3.put_object(Bucket=bucket, Key="core/sourcedir.tar.gz", Body=packed.getvalue())
s3.put_object(Bucket=bucket, Key="core/rows/one.csv", Body=b"1,2\n")


def create(name: str, **hyperparameters: str) -> TrainingJob:
    """TrainingJob.create."""
    return TrainingJob.create(
        training_job_name=name,
        algorithm_specification=AlgorithmSpecification(
            training_image="763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.5-cpu-py311",
            training_input_mode="File",
            metric_definitions=[MetricDefinition(name="loss", regex="loss=([0-9.]+)")],
        ),
        role_arn="arn:aws:iam::123456789012:role/SageMakerRole",
        input_data_config=[
            Channel(
                channel_name="train",
                data_source=DataSource(
                    s3_data_source=S3DataSource(s3_data_type="S3Prefix", s3_uri=f"s3://{bucket}/core/rows")
                ),
            )
        ],
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/out"),
        resource_config=ResourceConfig(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=30),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=300),
        hyper_parameters={
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": f"s3://{bucket}/core/sourcedir.tar.gz",
            **hyperparameters,
        },
        debug_hook_config=DebugHookConfig(s3_output_path=f"s3://{bucket}/debug"),
        profiler_config=ProfilerConfig(s3_output_path=f"s3://{bucket}/profile", profiling_interval_in_milliseconds=500),
        tags=[Tag(key="team", value="dogs")],
    )


done = create("core-done", a="1")
done.wait(logs=True)
done.refresh()
found = {
    "done": [done.training_job_status, done.secondary_status, done.final_metric_data_list[0].value],
}
failing = create("core-failing", fail="true")
try:
    failing.wait()
except FailedStatusError as error:
    found["failed"] = str(error)

stopping = create("core-stopping", sleep="true")
while stopping.refresh().secondary_status != "Training":
    time.sleep(1)
stopping.stop()
stopping.wait()
found["stopped"] = [stopping.refresh().training_job_status, stopping.secondary_status]
try:
    create("core-done")
except ClientError as error:
    found["twice"] = error.response["Error"]["Code"]
try:
    TrainingJob.get(training_job_name="none")
except ClientError as error:
    found["unknown"] = error.response["Error"]
found["jobs"] = {
    job.training_job_name: job.training_job_status
    for job in TrainingJob.get_all(name_contains="core", sort_by="Name", sort_order="Ascending")
}
found["failed jobs"] = [job.training_job_name for job in TrainingJob.get_all(status_equals="Failed")]
print("\n" + json.dumps(found))
