"""ModelBuilder and the core resources of hosting: build, deploy, invoke in all three ways, list, delete."""

import io
import json
import tarfile

import local_sts  # noqa: F401 - docs/local_sts.py: the SDK finds its account, role and default bucket by STS
import short_waits  # noqa: F401 - the one change for the tests: short polls
import boto3
from botocore.exceptions import ClientError
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.resources import Endpoint, EndpointConfig, Model
from sagemaker.core.shapes import (
    AsyncInferenceConfig,
    AsyncInferenceOutputConfig,
    ContainerDefinition,
    ProductionVariant,
)
from sagemaker.core.training.configs import SourceCode
from sagemaker.serve import ModelBuilder

IMAGE = "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.5-cpu-py311"
session = Session()
bucket = session.default_bucket()
role = get_execution_role()
s3 = boto3.client("s3")

packed = io.BytesIO()
with tarfile.open(fileobj=packed, mode="w:gz") as tar:
    text = json.dumps({"factor": 3}).encode()
    member = tarfile.TarInfo("model.json")
    member.size = len(text)
    tar.addfile(member, io.BytesIO(text))
s3.put_object(Bucket=bucket, Key="trained/model.tar.gz", Body=packed.getvalue())

builder = ModelBuilder(
    s3_model_data_url=f"s3://{bucket}/trained/model.tar.gz",
    image_uri=IMAGE,
    source_code=SourceCode(source_dir="serving", entry_script="inference.py"),
    role_arn=role,
    sagemaker_session=session,
    instance_type="ml.m5.large",
)
model = builder.build(model_name="triple")
endpoint = builder.deploy(endpoint_name="triple", instance_type="ml.m5.large", initial_instance_count=1)
answer = endpoint.invoke(body=json.dumps([1, 2.5]), content_type="application/json", accept="application/json")
found = {"bucket": bucket, "role": role, "answer": json.loads(answer.body.read()), "content type": answer.content_type}
try:
    endpoint.invoke(body="1,2", content_type="text/csv")
except ClientError as error:
    found["error"] = [
        error.response["Error"]["Code"],
        error.response["OriginalStatusCode"],
        error.response["OriginalMessage"],
    ]
try:
    found["streamed"] = b"".join(
        event["PayloadPart"]["Bytes"]
        for event in endpoint.invoke_with_response_stream(body="[4]", content_type="application/json").body
    ).decode()
except AttributeError as error:  # sagemaker-core 2.27.0 reads its own answer wrongly
    found["streamed"] = f"AttributeError: {error}"

# The same by the core resources, with asynchronous inference.
data = Model.get(model_name="triple").primary_container.model_data_url
Model.create(
    model_name="core",
    execution_role_arn=role,
    primary_container=ContainerDefinition(
        image=IMAGE, model_data_url=data, environment={"SAGEMAKER_PROGRAM": "inference.py"}
    ),
)
config = EndpointConfig.create(
    endpoint_config_name="core",
    production_variants=[
        ProductionVariant(
            variant_name="AllTraffic", model_name="core", initial_instance_count=1, instance_type="ml.m5.large"
        )
    ],
    async_inference_config=AsyncInferenceConfig(
        output_config=AsyncInferenceOutputConfig(s3_output_path=f"s3://{bucket}/answers/")
    ),
)
queueing = Endpoint.create(endpoint_name="core", endpoint_config_name=config.endpoint_config_name)
queueing.wait_for_status("InService")
s3.put_object(Bucket=bucket, Key="questions/one.json", Body=b"[5]", ContentType="application/json")
queued = queueing.invoke_async(input_location=f"s3://{bucket}/questions/one.json")
key = queued.output_location.removeprefix(f"s3://{bucket}/")
s3.get_waiter("object_exists").wait(Bucket=bucket, Key=key, WaiterConfig={"Delay": 1, "MaxAttempts": 300})
found["queued"] = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())

found["endpoints"] = {e.endpoint_name: e.endpoint_status for e in Endpoint.get_all(sort_by="Name")}
found["configs"] = sorted(c.endpoint_config_name for c in EndpointConfig.get_all())
for resource in (endpoint, queueing):
    resource.delete()
    resource.wait_for_delete()
    EndpointConfig.get(endpoint_config_name=resource.endpoint_config_name).delete()
for name in ("triple", "core"):
    Model.get(model_name=name).delete()
try:
    Endpoint.get(endpoint_name="triple")
except ClientError as error:
    found["deleted"] = str(error)
found["left"] = [len(list(kind.get_all())) for kind in (Endpoint, EndpointConfig, Model)]
print("\n" + json.dumps(found))
