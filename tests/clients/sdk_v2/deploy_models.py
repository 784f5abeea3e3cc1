"""A notebook's deployment cells: npy, JSON and raw bytes; other handlers; data capture; update; delete."""

import json
import pickle
import sys
import tarfile
from io import BytesIO

import short_waits  # noqa: F401 - the one change for the tests: short polls
import boto3
import numpy as np
import sagemaker
from sagemaker.deserializers import BytesDeserializer, JSONDeserializer, StringDeserializer
from sagemaker.model_monitor import DataCaptureConfig
from sagemaker.predictor import Predictor
from sagemaker.pytorch import PyTorchModel
from sagemaker.serializers import IdentitySerializer, JSONSerializer

bucket = sys.argv[1]
session = sagemaker.Session(default_bucket=bucket)
s3 = boto3.client("s3")


def artifact(name, **files):
    """Upload a model.tar.gz; `weights_json=b...` becomes weights.json."""
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for file, content in files.items():
            member = tarfile.TarInfo(file.replace("_", "."))
            member.size = len(content)
            tar.addfile(member, BytesIO(content))
    s3.put_object(Bucket=bucket, Key=f"models/{name}/model.tar.gz", Body=packed.getvalue())
    return f"s3://{bucket}/models/{name}/model.tar.gz"


def model(data, source_dir, entry_point="inference.py"):
    """A PyTorch model with its handler."""
    return PyTorchModel(
        model_data=data,
        role="arn:aws:iam::123456789012:role/SageMakerRole",
        entry_point=entry_point,
        source_dir=source_dir,
        framework_version="2.5",
        py_version="py311",
        sagemaker_session=session,
    )


found = {}
plain = model(artifact("plain", weights_json=json.dumps({"scale": 10.0}).encode()), "serving")
predictor = plain.deploy(
    initial_instance_count=1,
    instance_type="ml.m5.large",
    endpoint_name="plain",
    data_capture_config=DataCaptureConfig(
        enable_capture=True, sampling_percentage=100, destination_s3_uri=f"s3://{bucket}/captured"
    ),
    tags=[{"Key": "team", "Value": "dogs"}],
)
found["npy"] = predictor.predict(np.array([[1.0, 2.0]])).tolist()
as_json = Predictor("plain", session, serializer=JSONSerializer(), deserializer=JSONDeserializer())
found["json"] = as_json.predict([1, 2, 3])
as_bytes = Predictor(
    "plain", session, serializer=IdentitySerializer("application/octet-stream"), deserializer=BytesDeserializer()
)
found["bytes"] = as_bytes.predict(bytes([1, 2])).decode()
try:
    Predictor("plain", session, serializer=IdentitySerializer("image/jpeg")).predict(b"jpeg")
except session.sagemaker_runtime_client.exceptions.ModelError as error:
    found["model_error"] = {
        "message": str(error),
        "status": error.response["OriginalStatusCode"],
        "original": error.response["OriginalMessage"],
    }

other = model(artifact("other", weights_json=json.dumps({"scale": 100.0}).encode()), "serving")
other.create(instance_type="ml.m5.large")
as_json.update_endpoint(model_name=other.name, initial_instance_count=1, instance_type="ml.m5.large")
found["updated"] = as_json.predict([1])
found["config"] = boto3.client("sagemaker").describe_endpoint(EndpointName="plain")["EndpointConfigName"]
as_json.delete_model()
as_json.delete_endpoint()

sys.path.insert(0, "serving_pickle")
import net  # noqa: E402

pickled = model(artifact("pickled", model_pkl=pickle.dumps(net.Net(2, 1))), "serving_pickle").deploy(
    initial_instance_count=1, instance_type="ml.m5.large", serializer=JSONSerializer(), deserializer=JSONDeserializer()
)
found["pickled"] = pickled.predict({"x": 20})
pickled.delete_endpoint()

default = model(artifact("default", nothing_txt=b""), "serving_model_fn").deploy(
    initial_instance_count=1, instance_type="ml.m5.large"
)
found["model_fn"] = default.predict(np.array([[1.0, 1.0]], dtype=np.float32)).tolist()
default.delete_endpoint()

transformed = model(artifact("transform", nothing_txt=b""), "serving_transform", "handler.py").deploy(
    initial_instance_count=1,
    instance_type="ml.m5.large",
    serializer=IdentitySerializer("text/plain"),
    deserializer=StringDeserializer(),
)
found["transform"] = transformed.predict("a dog")
transformed.delete_endpoint()

broken = model(artifact("broken", nothing_txt=b""), "serving")  # model_fn does not find weights.json
try:
    broken.deploy(initial_instance_count=1, instance_type="ml.m5.large", endpoint_name="broken")
except sagemaker.exceptions.UnexpectedStatusException as error:
    found["broken"] = str(error)
session.delete_endpoint("broken")

for name in ("plain", "broken"):
    boto3.client("sagemaker").get_waiter("endpoint_deleted").wait(EndpointName=name)
print()
print(json.dumps(found))
