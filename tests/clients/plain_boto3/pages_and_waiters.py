"""Paginators of every list operation, and the waiters."""

import json
import time
from datetime import timedelta

import boto3
from botocore.exceptions import WaiterError
from toy import IMAGE, ROLE, job, logs, runtime, sagemaker, upload

QUICK = {"Delay": 1, "MaxAttempts": 240}
found = {}


def pages(client, operation, result, size=2, **members):
    """Sizes of the pages, and the items of all of them."""
    paginator = client.get_paginator(operation)
    seen = [page[result] for page in paginator.paginate(**members, PaginationConfig={"PageSize": size})]
    return {"sizes": [len(page) for page in seen], "items": [item for page in seen for item in page]}


source = upload("source.tar.gz", train_py="print('loss=0.5')\n")
names = [f"job-{number}" for number in range(5)]
for name in names:
    sagemaker.create_training_job(**job(name, source))
for name in names:
    sagemaker.get_waiter("training_job_completed_or_stopped").wait(TrainingJobName=name, WaiterConfig=QUICK)
found["training_jobs"] = [
    item["TrainingJobName"]
    for item in pages(sagemaker, "list_training_jobs", "TrainingJobSummaries", SortBy="Name", SortOrder="Ascending")[
        "items"
    ]
]
found["page_sizes"] = pages(sagemaker, "list_training_jobs", "TrainingJobSummaries")["sizes"]
found["filtered"] = pages(
    sagemaker, "list_training_jobs", "TrainingJobSummaries", NameContains="job-3", StatusEquals="Completed"
)["sizes"]
arn = sagemaker.describe_training_job(TrainingJobName="job-0")["TrainingJobArn"]
sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": f"k{n}", "Value": str(n)} for n in range(3)])
found["tags"] = sorted(tag["Key"] for tag in pages(sagemaker, "list_tags", "Tags", 50, ResourceArn=arn)["items"])

broken = upload("broken.tar.gz", train_py="raise ValueError('broken')\n")
sagemaker.create_training_job(**job("broken", broken))
try:
    sagemaker.get_waiter("training_job_completed_or_stopped").wait(TrainingJobName="broken", WaiterConfig=QUICK)
except WaiterError as error:
    found["waiter_error"] = str(error)

definition = job("x", source)
del definition["TrainingJobName"]
definition["StaticHyperParameters"] = definition.pop("HyperParameters")
for number in range(3):
    sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=f"tuning-{number}",
        HyperParameterTuningJobConfig={
            "Strategy": "Random",
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 3, "MaxParallelTrainingJobs": 3},
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
            "ParameterRanges": {
                "ContinuousParameterRanges": [{"Name": "lr", "MinValue": "0.1", "MaxValue": "0.9"}],
            },
        },
        TrainingJobDefinition=definition,
    )
for number in range(3):
    described = {"HyperParameterTuningJobStatus": "InProgress"}
    while described["HyperParameterTuningJobStatus"] == "InProgress":
        time.sleep(0.3)
        described = sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=f"tuning-{number}")
found["tuning_status"] = described["HyperParameterTuningJobStatus"]
found["tuning_jobs"] = pages(sagemaker, "list_hyper_parameter_tuning_jobs", "HyperParameterTuningJobSummaries")["sizes"]
found["tuning_trials"] = pages(
    sagemaker,
    "list_training_jobs_for_hyper_parameter_tuning_job",
    "TrainingJobSummaries",
    HyperParameterTuningJobName="tuning-0",
    SortBy="FinalObjectiveMetricValue",
)["sizes"]

model = upload(
    "model.tar.gz",
    code__inference_py="import json\n"
    "def model_fn(folder):\n    return 2\n"
    "def input_fn(body, content_type):\n    return json.loads(body)\n"
    "def predict_fn(data, model):\n    return data * model\n",
)
for number in range(3):
    sagemaker.create_model(
        ModelName=f"model-{number}",
        ExecutionRoleArn=ROLE,
        PrimaryContainer={"Image": IMAGE.replace("training", "inference"), "ModelDataUrl": model},
    )
    sagemaker.create_endpoint_config(
        EndpointConfigName=f"config-{number}",
        ProductionVariants=[
            {
                "VariantName": "AllTraffic",
                "ModelName": f"model-{number}",
                "InitialInstanceCount": 1,
                "InstanceType": "ml.m5.large",
            }
        ],
    )
    sagemaker.create_endpoint(EndpointName=f"endpoint-{number}", EndpointConfigName=f"config-{number}")
for number in range(3):
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=f"endpoint-{number}", WaiterConfig=QUICK)
found["models"] = pages(sagemaker, "list_models", "Models")["sizes"]
found["configs"] = pages(sagemaker, "list_endpoint_configs", "EndpointConfigs")["sizes"]
found["endpoints"] = pages(sagemaker, "list_endpoints", "Endpoints", StatusEquals="InService")["sizes"]
answer = runtime.invoke_endpoint(EndpointName="endpoint-1", Body=b"21", ContentType="application/json")
found["prediction"] = json.loads(answer["Body"].read())
for number in range(3):
    sagemaker.delete_endpoint(EndpointName=f"endpoint-{number}")
for number in range(3):
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=f"endpoint-{number}", WaiterConfig=QUICK)
try:
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="endpoint-0", WaiterConfig=QUICK)
except WaiterError as error:
    found["no_endpoint"] = str(error)

group = "/aws/sagemaker/TrainingJobs"
found["streams"] = sum(
    len(page["logStreams"])
    for page in logs.get_paginator("describe_log_streams").paginate(
        logGroupName=group, logStreamNamePrefix="job-", PaginationConfig={"PageSize": 2}
    )
)
found["events"] = sum(
    len(page["events"])
    for page in logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, logStreamNamePrefix="job-", filterPattern="loss", PaginationConfig={"PageSize": 2}
    )
)
described = sagemaker.describe_training_job(TrainingJobName="job-0")
points = boto3.client("cloudwatch").get_metric_statistics(
    Namespace="/aws/sagemaker/TrainingJobs",
    MetricName="loss",
    Dimensions=[{"Name": "TrainingJobName", "Value": "job-0"}],
    StartTime=described["TrainingStartTime"] - timedelta(hours=1),
    EndTime=described["TrainingEndTime"] + timedelta(hours=1),
    Period=60,
    Statistics=["Average"],
)["Datapoints"]
found["metric"] = [point["Average"] for point in points]
print(json.dumps(found))
