"""botocore's retries against faults on demand: throttling and 5xx, in SageMaker, its runtime and S3."""

import json
import os
from urllib.request import Request, urlopen

import short_waits  # noqa: F401 - the one change for the tests: short pauses between attempts
import boto3
from botocore.config import Config
from toy import BUCKET, code_of

PATIENT = Config(retries={"mode": "standard", "max_attempts": 15})
ONCE = Config(retries={"mode": "standard", "max_attempts": 1})


def faults(rules):
    """Put rules in force."""
    urlopen(Request(os.environ["AWS_ENDPOINT_URL"] + "/faults", data=rules.encode(), method="PUT")).close()


patient, once = (boto3.client("sagemaker", config=config) for config in (PATIENT, ONCE))
patient_s3, once_s3 = (boto3.client("s3", config=config) for config in (PATIENT, ONCE))
runtime = boto3.client("sagemaker-runtime", config=PATIENT)
found = {}

faults("throttling=0.5, s3.throttling=0.5, seed=4")
attempts = [patient.list_training_jobs()["ResponseMetadata"]["RetryAttempts"] for _ in range(20)]
found["throttled"] = [len(attempts), sum(attempts)]
puts = [patient_s3.put_object(Bucket=BUCKET, Key=f"put/{n}", Body=b"x" * 1000) for n in range(20)]
found["s3_throttled"] = [len(puts), sum(put["ResponseMetadata"]["RetryAttempts"] for put in puts)]
faults("throttling=1, s3.throttling=1")
found["throttling"] = code_of(once.list_training_jobs)
found["slow_down"] = code_of(once_s3.list_objects_v2, Bucket=BUCKET)

faults("error=0.5, seed=5")
attempts = [patient.list_models()["ResponseMetadata"]["RetryAttempts"] for _ in range(20)]
found["failed"] = [len(attempts), sum(attempts)]
faults("ListModels.error=1")
found["error"] = code_of(once.list_models)
found["spared"] = code_of(once.list_endpoints)
faults("")
found["after"] = [code_of(once.list_models), code_of(once_s3.list_objects_v2, Bucket=BUCKET)]
found["objects"] = patient_s3.list_objects_v2(Bucket=BUCKET, Prefix="put/")["KeyCount"]
print(json.dumps(found))
