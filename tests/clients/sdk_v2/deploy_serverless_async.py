"""A notebook's cells for asynchronous and serverless inference."""

import json
import sys
import tarfile
from io import BytesIO

import short_waits  # noqa: F401 - the one change for the tests: short polls
import boto3
import numpy as np
import sagemaker
from sagemaker.async_inference import AsyncInferenceConfig, WaiterConfig
from sagemaker.deserializers import JSONDeserializer, StringDeserializer
from sagemaker.exceptions import AsyncInferenceModelError
from sagemaker.pytorch import PyTorchModel
from sagemaker.serializers import JSONSerializer
from sagemaker.serverless import ServerlessInferenceConfig

bucket = sys.argv[1]
session = sagemaker.Session(default_bucket=bucket)
packed = BytesIO()
with tarfile.open(fileobj=packed, mode="w:gz") as tar:
    member = tarfile.TarInfo("weights.json")
    member.size = len(b'{"scale": 5.0}')
    tar.addfile(member, BytesIO(b'{"scale": 5.0}'))
boto3.client("s3").put_object(Bucket=bucket, Key="five/model.tar.gz", Body=packed.getvalue())


def model():
    """Times five."""
    return PyTorchModel(
        model_data=f"s3://{bucket}/five/model.tar.gz",
        role="arn:aws:iam::123456789012:role/SageMakerRole",
        entry_point="inference.py",
        source_dir="serving",
        framework_version="2.5",
        py_version="py311",
        sagemaker_session=session,
    )


found = {}
patient = WaiterConfig(max_attempts=60, delay=1)  # the process does not end before its last poll of the other object
predictor = model().deploy(
    initial_instance_count=1,
    instance_type="ml.m5.large",
    endpoint_name="later",
    async_inference_config=AsyncInferenceConfig(
        output_path=f"s3://{bucket}/answers", max_concurrent_invocations_per_instance=2
    ),
)
answer = predictor.predict_async(np.array([1.0, 2.0]))
found["output_path"] = answer.output_path
found["async"] = answer.get_result(patient).tolist()
found["predict"] = predictor.predict(np.array([3.0]), waiter_config=patient).tolist()
boto3.client("s3").put_object(Bucket=bucket, Key="inputs/1.json", Body=b"[7]", ContentType="application/json")
from_s3 = predictor.predict_async(
    input_path=f"s3://{bucket}/inputs/1.json", initial_args={"Accept": "application/json"}
)
predictor.predictor.deserializer = JSONDeserializer()
found["from_s3"] = from_s3.get_result(patient)
boto3.client("s3").put_object(Bucket=bucket, Key="inputs/2.json", Body=b"not json", ContentType="application/json")
predictor.predictor.deserializer = StringDeserializer()
wrong = predictor.predict_async(input_path=f"s3://{bucket}/inputs/2.json")
found["failure_path"] = wrong.failure_path
try:
    wrong.get_result(patient)
except AsyncInferenceModelError as error:
    found["failure"] = str(error)
predictor.delete_model()
predictor.delete_endpoint()

serverless = model().deploy(
    serverless_inference_config=ServerlessInferenceConfig(memory_size_in_mb=2048, max_concurrency=2),
    endpoint_name="idle",
    serializer=JSONSerializer(),
    deserializer=JSONDeserializer(),
)
found["serverless"] = serverless.predict([8])
found["serverless_variant"] = boto3.client("sagemaker").describe_endpoint(EndpointName="idle")["ProductionVariants"][0]
serverless.delete_endpoint()

print()
print(json.dumps(found, default=str))
