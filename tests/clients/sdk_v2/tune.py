"""A notebook's tuning cells: fit, wait, best training job, best estimator, analytics; attach; deploy the best."""

import json
import sys

import short_waits  # noqa: F401 - the one change for the tests: short polls
import sagemaker
from sagemaker.deserializers import JSONDeserializer
from sagemaker.pytorch import PyTorch
from sagemaker.serializers import JSONSerializer
from sagemaker.tuner import CategoricalParameter, ContinuousParameter, HyperparameterTuner, IntegerParameter

bucket, strategy = sys.argv[1:3]
session = sagemaker.Session(default_bucket=bucket)
estimator = PyTorch(
    entry_point="tune.py",
    source_dir="tuning",
    role="arn:aws:iam::123456789012:role/SageMakerRole",
    instance_count=1,
    instance_type="ml.m5.large",
    framework_version="2.5",
    py_version="py311",
    hyperparameters={"epochs": 2},
    sagemaker_session=session,
)
ranges = {
    "lr": ContinuousParameter(0.001, 0.1, scaling_type="Logarithmic"),
    "layers": IntegerParameter(1, 4),
    "optimizer": CategoricalParameter(["adam", "sgd"]),
}
tuner = HyperparameterTuner(
    estimator,
    objective_metric_name="validation:loss",
    hyperparameter_ranges=ranges,
    metric_definitions=[{"Name": "validation:loss", "Regex": r"validation:loss=([0-9.]+);"}],
    objective_type="Minimize",
    strategy=strategy,
    max_jobs=5,
    max_parallel_jobs=2,
    random_seed=11,
    tags=[{"Key": "team", "Value": "dogs"}],
    base_tuning_job_name=strategy.lower(),  # the SDK's names hold the minute, and two of these may run within one
)
tuner.fit(wait=True)
name = tuner.latest_tuning_job.name

best = tuner.best_training_job()
best_estimator = tuner.best_estimator()
frame = tuner.analytics().dataframe()
attached = HyperparameterTuner.attach(name, sagemaker_session=session)

predictor = tuner.deploy(
    initial_instance_count=1,
    instance_type="ml.m5.large",
    entry_point="inference.py",
    source_dir="serving",
    serializer=JSONSerializer(),
    deserializer=JSONDeserializer(),
)
predicted = predictor.predict([1, 2])
predictor.delete_model()
predictor.delete_endpoint()

print()
print(
    json.dumps(
        {
            "tuning_job": name,
            "best": best,
            "best_hyperparameters": best_estimator.hyperparameters(),
            "best_model": best_estimator.model_data,
            "rows": frame[["TrainingJobName", "TrainingJobStatus", "FinalObjectiveValue", "lr", "layers", "optimizer"]]
            .sort_values("FinalObjectiveValue")
            .to_dict("records"),
            "elapsed": frame["TrainingElapsedTimeSeconds"].tolist(),
            "attached_best": attached.best_training_job(),
            "attached_ranges": sorted(
                entry["Name"] for kind in attached.hyperparameter_ranges().values() for entry in kind
            ),
            "predicted": predicted,
        }
    )
)
