"""Error classes, two regions."""

import json
import time

import boto3
from toy import IMAGE, ROLE, code_of, job, runtime, sagemaker, upload

found = {}
names_region = "import os; print(os.environ['AWS_REGION'], os.environ['AWS_DEFAULT_REGION'])\n"
source = upload("source.tar.gz", train_py=names_region)
sleeper = upload("sleeper.tar.gz", train_py="import time; time.sleep(600)\n")

sagemaker.create_training_job(**job("twice", source))
try:
    sagemaker.create_training_job(**job("twice", source))
except sagemaker.exceptions.ResourceInUse as error:
    found["in_use"] = [error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]]
try:
    sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName="never")
except sagemaker.exceptions.ResourceNotFound as error:
    found["not_found"] = error.response["Error"]["Message"]

found["describe"] = {
    "training_job": code_of(sagemaker.describe_training_job, TrainingJobName="never"),
    "stop": code_of(sagemaker.stop_training_job, TrainingJobName="never"),
    "model": code_of(sagemaker.describe_model, ModelName="never"),
    "config": code_of(sagemaker.describe_endpoint_config, EndpointConfigName="never"),
    "endpoint": code_of(sagemaker.describe_endpoint, EndpointName="never"),
    "delete_model": code_of(sagemaker.delete_model, ModelName="never"),
    "delete_endpoint": code_of(sagemaker.delete_endpoint, EndpointName="never"),
}
found["bad_enum"] = code_of(
    sagemaker.create_training_job,
    **{**job("bad", source), "ResourceConfig": {"InstanceType": "ml.huge", "InstanceCount": 1, "VolumeSizeInGB": 1}},
)
found["bad_name"] = code_of(sagemaker.create_training_job, **job("-bad-", source))
found["unknown_operation"] = code_of(sagemaker.list_processing_jobs)
found["no_endpoint"] = code_of(runtime.invoke_endpoint, EndpointName="never", Body=b"1")
found["stop_ended"] = None
while sagemaker.describe_training_job(TrainingJobName="twice")["TrainingJobStatus"] == "InProgress":
    time.sleep(0.2)
found["stop_ended"] = code_of(sagemaker.stop_training_job, TrainingJobName="twice")

# A model that raises
model = upload(
    "model.tar.gz",
    code__inference_py="def model_fn(folder):\n    return 2\n"
    "def input_fn(body, content_type):\n    raise ValueError('no such breed')\n"
    "def predict_fn(data, model):\n    return data\n",
)
sagemaker.create_model(
    ModelName="raises", ExecutionRoleArn=ROLE, PrimaryContainer={"Image": IMAGE, "ModelDataUrl": model}
)
variant = {"VariantName": "a", "ModelName": "raises", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
sagemaker.create_endpoint_config(EndpointConfigName="raises", ProductionVariants=[variant])
sagemaker.create_endpoint(EndpointName="raises", EndpointConfigName="raises")
found["creating"] = code_of(sagemaker.create_endpoint, EndpointName="raises", EndpointConfigName="raises")
sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="raises", WaiterConfig={"Delay": 1, "MaxAttempts": 240})
try:
    runtime.invoke_endpoint(EndpointName="raises", Body=b"1", ContentType="application/json")
except runtime.exceptions.ModelError as error:
    found["model_error"] = {
        "status": error.response["ResponseMetadata"]["HTTPStatusCode"],
        "original": error.response["OriginalStatusCode"],
        "message": error.response["OriginalMessage"],
        "log": error.response["LogStreamArn"],
    }

# Two regions: the caller's is in the ARN, and the job runs in it
elsewhere = boto3.client("sagemaker", region_name="eu-west-1")
elsewhere.create_training_job(**job("abroad", source))
elsewhere.get_waiter("training_job_completed_or_stopped").wait(
    TrainingJobName="abroad", WaiterConfig={"Delay": 1, "MaxAttempts": 240}
)
found["abroad"] = elsewhere.describe_training_job(TrainingJobName="abroad")["TrainingJobArn"]
logs = boto3.client("logs", region_name="eu-west-1")
group = "/aws/sagemaker/TrainingJobs"
stream = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="abroad/")["logStreams"][0]
events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)["events"]
found["abroad_log"] = [event["message"] for event in events]
found["stream_arn"] = stream["arn"]

# A job is stopped and may be waited for
sagemaker.create_training_job(**job("sleeper", sleeper))
sagemaker.stop_training_job(TrainingJobName="sleeper")
sagemaker.get_waiter("training_job_completed_or_stopped").wait(
    TrainingJobName="sleeper", WaiterConfig={"Delay": 1, "MaxAttempts": 240}
)
found["stopped"] = sagemaker.describe_training_job(TrainingJobName="sleeper")["TrainingJobStatus"]
print(json.dumps(found))
