"""ModelTrainer: train with everything it is usually given, follow the logs, look at the job."""

import json
import logging
import sys
from pathlib import Path

import short_waits  # noqa: F401 - the one change for the tests: short polls
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.resources import TrainingJob
from sagemaker.core.shapes import (
    CheckpointConfig,
    MetricDefinition,
    OutputDataConfig,
    RetryStrategy,
    StoppingCondition,
    Tag,
)
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, SourceCode

import wheels

logging.basicConfig(level=logging.INFO, stream=sys.stdout)
bucket = sys.argv[1]
wheels.build("training/wheels")
session = Session(default_bucket=bucket)
for number in range(3):
    Path("rows").mkdir(exist_ok=True)
    Path(f"rows/part-{number}.csv").write_text("1,2\n3,4\n")
train = session.upload_data("rows", key_prefix="rows/train")

trainer = ModelTrainer(
    sagemaker_session=session,
    base_job_name="dogs",
    role="arn:aws:iam::123456789012:role/SageMakerRole",
    training_image="763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.5-cpu-py311",
    source_code=SourceCode(source_dir="training", entry_script="train.py", requirements="requirements.txt"),
    compute=Compute(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=10),
    stopping_condition=StoppingCondition(max_runtime_in_seconds=600),
    output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/out/"),
    checkpoint_config=CheckpointConfig(s3_uri=f"s3://{bucket}/checkpoints"),
    hyperparameters={
        "epochs": 3,
        "lr": 0.25,
        "optimizer": "adam w",
        "augment": True,
        "layers": [16, 32],
        "class-weights": {"cat": 0.5, "dog": 1.5},
    },
    environment={"FLAVOUR": "sweet and sour"},
    tags=[Tag(key="team", value="dogs")],
)
trainer = trainer.with_metric_definitions(
    [MetricDefinition(name="train:loss", regex=r"train:loss=([0-9.]+)")]
).with_retry_strategy(RetryStrategy(maximum_retry_attempts=2))
trainer.train(
    input_data_config=[
        InputData(channel_name="train", data_source=train),
        InputData(channel_name="local", data_source="rows"),
    ],
    wait=True,
    logs=True,
)

job = trainer._latest_training_job  # the SDK has no public name for it
again = TrainingJob.get(training_job_name=job.training_job_name)
print(
    "\n"
    + json.dumps(
        {
            "job": job.training_job_name,
            "status": again.training_job_status,
            "model_data": again.model_artifacts.s3_model_artifacts,
            "metrics": {metric.metric_name: metric.value for metric in again.final_metric_data_list},
            "transitions": [transition.status for transition in again.secondary_status_transitions],
        }
    )
)
