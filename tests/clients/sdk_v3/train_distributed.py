"""ModelTrainer with Torchrun: two processes on one instance, one process on each of two, a host that fails."""

import json
import logging
import sys

import short_waits  # noqa: F401 - the one change for the tests: short polls
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.resources import TrainingJob
from sagemaker.core.shapes import OutputDataConfig
from sagemaker.core.utils.exceptions import FailedStatusError
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, SourceCode
from sagemaker.train.distributed import Torchrun

logging.basicConfig(level=logging.INFO, stream=sys.stdout)
bucket = sys.argv[1]


def train(name: str, instances: int, processes: int, **hyperparameters: object) -> TrainingJob:
    """Train to the end; answers the job."""
    trainer = ModelTrainer(
        sagemaker_session=Session(default_bucket=bucket),
        base_job_name=name,
        role="arn:aws:iam::123456789012:role/SageMakerRole",
        training_image="763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.5-cpu-py311",
        source_code=SourceCode(source_dir="distributed", entry_script="train.py"),
        distributed=Torchrun(process_count_per_node=processes),
        compute=Compute(instance_type="ml.m5.large", instance_count=instances),
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/out/"),
        hyperparameters=hyperparameters,
    )
    trainer.train(wait=False)
    job: TrainingJob = trainer._latest_training_job
    try:
        job.wait(logs=True)
    except FailedStatusError as error:
        print(f"failed: {error}")
    job.refresh()
    return job


one = train("one", 1, 2)
two = train("two", 2, 1, value=2.5)
failing = train("failing", 2, 1, **{"fail-rank": 1})
print(
    "\n"
    + json.dumps(
        {
            "one": one.training_job_name,
            "two": two.training_job_name,
            "failing": {
                "name": failing.training_job_name,
                "status": failing.training_job_status,
                "reason": str(failing.failure_reason),
            },
        }
    )
)
