"""A notebook's training cells: fit with logs, look at the job, attach to it, deploy its model, predict."""

import json
import sys
import zipfile
from pathlib import Path

import short_waits  # noqa: F401 - the one change for the tests: short polls
import boto3
import numpy as np
import sagemaker
from sagemaker.analytics import TrainingJobAnalytics
from sagemaker.deserializers import JSONDeserializer, NumpyDeserializer
from sagemaker.inputs import TrainingInput
from sagemaker.pytorch import PyTorch
from sagemaker.serializers import JSONSerializer, NumpySerializer

role = "arn:aws:iam::123456789012:role/service-role/AmazonSageMaker-ExecutionRole-20260101T000000"
bucket = sys.argv[1]

# The requirement of the job's own: a wheel beside its source.
wheels = Path("training/wheels")
wheels.mkdir(exist_ok=True)
with zipfile.ZipFile(wheels / "fruit_salad-1.2-py3-none-any.whl", "w") as wheel:
    info = "fruit_salad-1.2.dist-info"
    wheel.writestr("fruit_salad.py", "NAMES = ['apple', 'pear']\n")
    wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: fruit-salad\nVersion: 1.2\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    wheel.writestr(f"{info}/RECORD", f"fruit_salad.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")

session = sagemaker.Session(default_bucket=bucket)
Path("rows").mkdir()
for number in range(3):
    Path(f"rows/part-{number}.csv").write_text("1,2\n3,4\n")
train = session.upload_data("rows", key_prefix="rows/train")

estimator = PyTorch(
    entry_point="train.py",
    source_dir="training",
    base_job_name="dogs",
    role=role,
    instance_count=1,
    instance_type="ml.m5.large",
    framework_version="2.5",
    py_version="py311",
    hyperparameters={
        "epochs": 3,
        "lr": 0.25,
        "optimizer": "adam w",
        "augment": True,
        "layers": [16, 32],
        "class-weights": {"cat": 0.5, "dog": 1.5},
    },
    metric_definitions=[{"Name": "train:loss", "Regex": r"train:loss=([0-9.]+)"}],
    environment={"FLAVOUR": "sweet and sour"},
    checkpoint_s3_uri=f"s3://{bucket}/checkpoints/dogs",
    tags=[{"Key": "team", "Value": "dogs"}],
    max_run=600,
    sagemaker_session=session,
)
estimator.fit({"train": TrainingInput(train, content_type="text/csv")}, wait=True, logs=True)
job = estimator.latest_training_job.name

attached = PyTorch.attach(job, sagemaker_session=session)
attached.logs()
metrics = TrainingJobAnalytics(job, metric_names=["train:loss"], sagemaker_session=session).dataframe()
sagemaker.s3.S3Downloader.download(estimator.model_data, "downloaded", sagemaker_session=session)

predictor = estimator.deploy(
    initial_instance_count=1,
    instance_type="ml.m5.large",
    entry_point="inference.py",
    source_dir="serving",
    serializer=NumpySerializer(),
    deserializer=NumpyDeserializer(),
)
npy = predictor.predict(np.array([1.0, 2.0]))
predictor.serializer, predictor.deserializer = JSONSerializer(), JSONDeserializer()
as_json = predictor.predict([4, 5])
predictor.delete_model()
predictor.delete_endpoint()
boto3.client("sagemaker").get_waiter("endpoint_deleted").wait(EndpointName=predictor.endpoint_name)

print()
print(
    json.dumps(
        {
            "job": job,
            "model_data": estimator.model_data,
            "downloaded": sorted(path.name for path in Path("downloaded").iterdir()),
            "attached": {
                "model_data": attached.model_data,
                "hyperparameters": attached.hyperparameters(),
                "instance_type": attached.instance_type,
                "source_dir": attached.source_dir,
            },
            "metrics": metrics[["metric_name", "value"]].to_dict("records"),
            "rules": [str(rule) for rule in attached.rules or []],
            "npy": npy.tolist(),
            "json": as_json,
        }
    )
)
