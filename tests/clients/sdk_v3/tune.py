"""HyperparameterTuner: tune, wait, the best training job, analytics, the same job through the core resources, stop."""

import json
import sys
from pathlib import Path

import short_waits  # noqa: F401 - the one change for the tests: short polls
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.parameter import CategoricalParameter, ContinuousParameter, IntegerParameter
from sagemaker.core.resources import HyperParameterTuningJob, TrainingJob
from sagemaker.core.shapes import OutputDataConfig
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, SourceCode
from sagemaker.train.tuner import HyperparameterTuner

bucket = sys.argv[1]
session = Session(default_bucket=bucket)
Path("rows").mkdir()
Path("rows/one.csv").write_text("1,2\n")
train = session.upload_data("rows", key_prefix="rows/tuning")


def tuner(name: str, jobs: int) -> HyperparameterTuner:
    """A tuner over lr, epochs and batch-size."""
    trainer = ModelTrainer(
        sagemaker_session=session,
        base_job_name="tuned",
        role="arn:aws:iam::123456789012:role/SageMakerRole",
        training_image="763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.5-cpu-py311",
        source_code=SourceCode(source_dir="tuning", entry_script="train.py"),
        compute=Compute(instance_type="ml.m5.large", instance_count=1),
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/out/"),
        hyperparameters={"optimizer": "adam"},
    )
    return HyperparameterTuner(
        model_trainer=trainer,
        objective_metric_name="validation:loss",
        hyperparameter_ranges={
            "lr": ContinuousParameter(0.01, 0.99),
            "epochs": IntegerParameter(1, 5),
            "batch-size": CategoricalParameter([32, 64]),
        },
        metric_definitions=[{"Name": "validation:loss", "Regex": r"validation:loss=([0-9.]+)"}],
        objective_type="Minimize",
        strategy="Random",
        random_seed=7,
        max_jobs=jobs,
        max_parallel_jobs=2,
        base_tuning_job_name=name,
    )


tuned = tuner("tuned", 4)
tuned.tune(inputs=[InputData(channel_name="train", data_source=train)], wait=True)
name = tuned.latest_tuning_job.hyper_parameter_tuning_job_name
best = tuned.best_training_job()
frame = tuned.analytics().dataframe()

job = HyperParameterTuningJob.get(hyper_parameter_tuning_job_name=name)
children = [child.training_job_name for child in job.get_all_training_jobs()]

stopping = tuner("stopping", 200)
stopping.tune(inputs=[InputData(channel_name="train", data_source=train)], wait=False)
stopping.stop_tuning_job()
stopping.wait()
print(
    "\n"
    + json.dumps(
        {
            "name": name,
            "status": job.hyper_parameter_tuning_job_status,
            "best": best,
            "best by core": job.best_training_job.training_job_name,
            "children": children,
            "counters": job.training_job_status_counters.completed,
            "rows": json.loads(frame.to_json(orient="records", default_handler=str)),
            "tuning jobs": sorted(
                found.hyper_parameter_tuning_job_name
                for found in HyperParameterTuningJob.get_all(name_contains="tuned", sort_by="Name")
            ),
            "best model": TrainingJob.get(training_job_name=best).model_artifacts.s3_model_artifacts,
            "stopped": stopping.latest_tuning_job.refresh().hyper_parameter_tuning_job_status,
        }
    )
)
