"""What the scripts here share: clients, a bucket, jobs of one line."""

import io
import json
import tarfile
from contextlib import suppress

import boto3
from botocore.exceptions import ClientError

BUCKET = "plain"
ROLE = "arn:aws:iam::123456789012:role/SageMakerRole"
IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.5-cpu-py311"

sagemaker = boto3.client("sagemaker")
runtime = boto3.client("sagemaker-runtime")
logs = boto3.client("logs")
s3 = boto3.client("s3")

with suppress(s3.exceptions.BucketAlreadyOwnedByYou):  # by the script before
    s3.create_bucket(Bucket=BUCKET)


def upload(key, **files):
    """Pack files (`train_py="..."` becomes train.py, `code__inference_py` code/inference.py) and upload them."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in files.items():
            folder, _, file = name.rpartition("__")
            member = tarfile.TarInfo((f"{folder}/" if folder else "") + file.replace("_", "."))
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    s3.put_object(Bucket=BUCKET, Key=key, Body=packed.getvalue())
    return f"s3://{BUCKET}/{key}"


def job(name, source, **more):
    """CreateTrainingJob's members."""
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": IMAGE,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
        },
        "RoleArn": ROLE,
        "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
        "HyperParameters": {
            "sagemaker_program": json.dumps("train.py"),
            "sagemaker_submit_directory": json.dumps(source),
        },
        **more,
    }


def code_of(call, **members):
    """The error that a call answers: `[code, message]`."""
    try:
        call(**members)
    except ClientError as error:
        return [error.response["Error"]["Code"], error.response["Error"]["Message"]]
    return None
