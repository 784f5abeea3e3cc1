"""InvokeEndpointAsync: the request waits in SageMaker's queue, and the answer becomes an object in S3."""

from dataclasses import dataclass

from service.aws.clients import Clients
from service.aws.errors import problems

QUEUE_SECONDS = 21_600  # how long a request may wait: AWS's most
MODEL_SECONDS = 900  # how long the model may take: AWS's default
OVERDUE_SECONDS = QUEUE_SECONDS + MODEL_SECONDS + 60
"""Seconds from the request on, after which SageMaker writes nothing any more."""


@dataclass(frozen=True)
class Asked:
    """What the model is to be asked. `output_folder` is a path below the endpoint's S3OutputPath."""

    endpoint: str
    input_uri: str
    content_type: str
    accept: str
    inference_id: str
    output_folder: str


@dataclass(frozen=True)
class Queued:
    """Where SageMaker will write, as s3:// URIs: one of the two. No failure is written without S3FailurePath."""

    output_uri: str
    failure_uri: str | None


@problems()
def invoke(clients: Clients, asked: Asked) -> Queued:
    """Queue the request. Raises BadRequest, among other reasons, for an endpoint that is not asynchronous."""
    answer = clients.sagemaker_runtime.invoke_endpoint_async(
        EndpointName=asked.endpoint,
        InputLocation=asked.input_uri,
        ContentType=asked.content_type,
        Accept=asked.accept,
        InferenceId=asked.inference_id,
        S3OutputPathExtension=asked.output_folder,
        RequestTTLSeconds=QUEUE_SECONDS,
        InvocationTimeoutSeconds=MODEL_SECONDS,
    )
    return Queued(answer["OutputLocation"], answer.get("FailureLocation") or None)
