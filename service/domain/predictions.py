"""Asking the model behind an endpoint which breeds an image shows."""

from pydantic import ValidationError

from service.aws.runtime import Invocation, Runtime
from service.domain import image_formats
from service.domain.timings import Timings
from service.errors import ModelFailed, NotAnImage
from service.schemas.prediction import ModelAnswer, Prediction


async def predict(runtime: Runtime, image: bytes, content_type: str, top_k: int, timings: Timings) -> Prediction:
    """The `top_k` most probable breeds of one image, given as its file's bytes; all of a model that knows fewer.

    Asks the endpoint of `timings`, and adds to them. Raises what Runtime.invoke raises, and ModelFailed.
    """
    accept = f"application/json; top_k={top_k}"
    invocation = await runtime.invoke(timings.endpoint, image, content_type, accept, timings)
    return prediction_of(timings.endpoint, invocation, top_k)


def content_type_of(image: bytes) -> str:
    """The media type of the image, told from its first bytes. Raises NotAnImage with what they seem to be."""
    head = image[: image_formats.SIGNATURE_BYTES]
    content_type = image_formats.content_type_of(head)
    if content_type is None:
        raise NotAnImage(
            f"The upload is {image_formats.looks_like(head)}.",
            "Send the bytes of a JPEG, PNG, WebP, BMP or GIF file, with curl: --data-binary @dog.jpg",
        )
    return content_type


def prediction_of(endpoint: str, invocation: Invocation, top_k: int) -> Prediction:
    """The model's answer as the service tells it. Raises ModelFailed when it is of another form."""
    try:
        answer = ModelAnswer.model_validate_json(invocation.body)
    except ValidationError as error:
        raise ModelFailed(
            f"The model behind {endpoint!r} answered {invocation.content_type} that is not of the expected form "
            f"({error.error_count()} faults, the first: {error.errors()[0]['msg']}).",
            "Deploy a model of this service's training jobs on the endpoint, or ask another endpoint.",
        ) from error
    return Prediction(
        predictions=answer.predictions[:top_k], endpoint=endpoint, variant=invocation.variant, model=answer.model
    )
