"""The service's errors. One class is one problem type and one status; service.problem_answers answers with them.

Problem
+-- InvalidRequest               422   the body or a parameter breaks the schema
+-- BadRequest                   400   the request is well formed but cannot be done (AWS's ValidationException)
+-- NotAnImage                   415
+-- UnreadableImage              422   the model could not read the image
+-- PayloadTooLarge              413
+-- TrainingJobNotFound          404
+-- TuningJobNotFound            404
+-- EndpointNotFound             404
+-- TensorsNotSaved              404   the job saves no tensors, so no rule can be judged
+-- TensorNotFound               404
+-- ProfileNotTaken              404   nobody measured the job's instances
+-- PlotNotFound                 404
+-- PredictionNotFound           404   no asynchronous prediction of this id
+-- RouteNotFound                404
+-- MethodNotAllowed             405
+-- NameConflict                 409   the name is taken by something made from another body
+-- StateConflict                409   the resource is in a state that does not allow it
+-- EndpointNotInService         409
+-- WrongEndpointKind            409   asynchronous or not, and asked the other way
+-- QuotaExceeded                429
+-- Throttled                    429
+-- ModelFailed                  502   the model raised on a readable image
+-- AccessDenied                 502   AWS refused the service's credentials
+-- AwsUnavailable               503
+-- EvaluationBusy               503
+-- EvaluationFailed             503
+-- PredictionTimeout            504
+-- InternalError                500
"""

from collections.abc import Mapping
from typing import Any, ClassVar

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """What happened and why (`detail`), and what to do next (`action`)."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    example: ClassVar[tuple[str, str]] = ("The service failed.", "Try again; if it stays, read the service's log.")
    """`detail` and `action` as /docs shows them."""

    def __init__(self, detail: str, action: str, *, headers: Mapping[str, str] | None = None, **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.action = action
        self.headers = headers
        self.members = members

    @classmethod
    def type_uri(cls) -> str:
        """`urn:sagehound:problem:training-job-not-found` for TrainingJobNotFound."""
        kebab = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in cls.__name__)
        return f"urn:sagehound:problem:{kebab.removeprefix('-')}"

    def body(self, instance: str) -> dict[str, Any]:
        """The problem details object."""
        return {
            "type": self.type_uri(),
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "action": self.action,
            "instance": instance,
            **self.members,
        }


class InvalidRequest(Problem):
    """A body or parameter breaks the schema; `errors` lists each place."""

    status = 422
    title = "The request does not match the schema"
    example = (
        "#/body/instance_count: Input should be greater than or equal to 1",
        "Correct the named members; /docs shows the schema.",
    )


class BadRequest(Problem):
    """Well formed, but AWS or the service cannot do it."""

    status = 400
    title = "The request cannot be done"
    example = (
        "There is no object s3://my-bucket/models/model.tar.gz.",
        "Correct the request and send it again.",
    )


class NotAnImage(Problem):
    """The first bytes are of no image format that the model reads."""

    status = 415
    title = "The upload is not an image"
    example = (
        "The upload is a PDF document, no image.",
        "Send a JPEG, PNG, WebP, BMP or GIF file.",
    )


class UnreadableImage(Problem):
    """The model could not decode the image, or refused its size in pixels."""

    status = 422
    title = "The image cannot be read"
    example = (
        "The JPEG ends before the image is complete.",
        "Send the image again, or another one; it may be damaged.",
    )


class PayloadTooLarge(Problem):
    """More bytes than the endpoint takes."""

    status = 413
    title = "The upload is too large"
    example = (
        "The image has more than 6,291,456 bytes (6 MiB).",
        "Send a smaller image.",
    )


class TrainingJobNotFound(Problem):
    """No training job of this name."""

    status = 404
    title = "Training job not found"
    example = (
        "There is no training job 'dogs-1'.",
        "GET /jobs/training lists the training jobs.",
    )


class TuningJobNotFound(Problem):
    """No tuning job of this name."""

    status = 404
    title = "Tuning job not found"
    example = (
        "There is no tuning job 'dogs-tuning-1'.",
        "GET /jobs/tuning lists the tuning jobs.",
    )


class EndpointNotFound(Problem):
    """No endpoint of this name."""

    status = 404
    title = "Endpoint not found"
    example = (
        "There is no endpoint 'dog-breeds'.",
        "GET /endpoints lists the endpoints; POST /endpoints makes one.",
    )


class TensorsNotSaved(Problem):
    """The job saves no tensors: there is nothing that a rule could judge."""

    status = 404
    title = "No tensors saved"
    example = (
        "The training job 'dogs-1' was made without a debugger, so it saves no tensors.",
        'Create the job with "debugger": {} to save tensors and judge them, with "collected_by": "script" as well '
        "where AWS refuses Debugger.",
    )


class TensorNotFound(Problem):
    """No tensor of this name was saved."""

    status = 404
    title = "Tensor not found"
    example = (
        "The training job 'dogs-1' saved no tensor 'CrossEntropyLoss_output_1'. Near it: CrossEntropyLoss_output_0.",
        "GET /jobs/training/dogs-1/debugger/tensors lists the tensors.",
    )


class ProfileNotTaken(Problem):
    """Nobody measured the job's instances."""

    status = 404
    title = "No system metrics"
    example = (
        "The training job 'dogs-1' was made without a profiler, so nobody measured its instances.",
        'Create the job with "profiler": {} to measure them.',
    )


class PlotNotFound(Problem):
    """No plot of this name."""

    status = 404
    title = "Plot not found"
    example = (
        "A training job has no plot 'loss'.",
        "Its plots are losses, rules, metrics, cores, steps.",
    )


class PredictionNotFound(Problem):
    """No asynchronous prediction of this id."""

    status = 404
    title = "Prediction not found"
    example = (
        "The endpoint 'dog-breeds' has no asynchronous prediction 'rex-1'.",
        "Send the image: POST /endpoints/dog-breeds/predictions answers where its prediction will be.",
    )


class RouteNotFound(Problem):
    """No route of this path."""

    status = 404
    title = "No such route"
    example = (
        "No route /prediction.",
        "See /docs for the routes.",
    )


class MethodNotAllowed(Problem):
    """The route has other methods."""

    status = 405
    title = "Method not allowed"
    example = (
        "PATCH is not a method of /predict.",
        "See /docs for the methods.",
    )


class NameConflict(Problem):
    """The name is taken by something that another body made."""

    status = 409
    title = "The name is taken"
    example = (
        "'dog-breeds' exists and was made from another body.",
        "Choose another name, or PUT /endpoints/dog-breeds to change it.",
    )


class StateConflict(Problem):
    """The resource's state does not allow it."""

    status = 409
    title = "Not possible in this state"
    example = (
        "Training job 'dogs-1' is InProgress.",
        "Wait until GET /jobs/training/dogs-1 says Completed.",
    )


class EndpointNotInService(Problem):
    """The endpoint exists but answers no predictions now."""

    status = 409
    title = "Endpoint not in service"
    example = (
        "Endpoint 'dog-breeds' is Creating.",
        "Wait until GET /endpoints/dog-breeds says InService.",
    )


class WrongEndpointKind(Problem):
    """An asynchronous endpoint was asked for an answer at once, or another one for an asynchronous one."""

    status = 409
    title = "Another kind of endpoint"
    example = (
        "Endpoint dog-breeds of account 123456789012 is an asynchronous endpoint; use InvokeEndpointAsync.",
        "Send the image to POST /endpoints/dog-breeds/predictions, and ask its Location for the answer.",
    )


class QuotaExceeded(Problem):
    """An AWS quota allows no more."""

    status = 429
    title = "Quota exceeded"
    example = (
        "The account-level service limit 'ml.m5.large for endpoint usage' is 0 Instances.",
        "Ask for a higher quota in the Service Quotas console, or take another instance type.",
    )


class Throttled(Problem):
    """AWS or the model asks to slow down."""

    status = 429
    title = "Too many requests"
    example = (
        "Rate exceeded",
        "Send the request again after a second.",
    )


class ModelFailed(Problem):
    """The model raised, and not because of the image."""

    status = 502
    title = "The model failed"
    example = (
        "The model behind 'dog-breeds' answered 500: classes.json is missing",
        "Read the endpoint's log; the model raised, whatever the image.",
    )


class AccessDenied(Problem):
    """AWS refused the service's credentials or role."""

    status = 502
    title = "AWS refused access"
    example = (
        "InvokeEndpoint of 'dog-breeds' was refused: the security token is invalid",
        "Give the service credentials that allow it.",
    )


class AwsUnavailable(Problem):
    """The AWS endpoint cannot be reached or answers 5xx."""

    status = 503
    title = "AWS cannot be reached"
    example = (
        "http://127.0.0.1:4570 cannot be reached: connection refused",
        "Check AWS_ENDPOINT_URL and the network; GET /readyz tells whether AWS answers.",
    )


class EvaluationBusy(Problem):
    """Too many requests wait for the process that judges jobs."""

    status = 503
    title = "Evaluation busy"
    example = (
        "9 requests wait for the process that judges jobs.",
        "Send the request again after some seconds.",
    )


class EvaluationFailed(Problem):
    """The process that judges jobs did not survive the request."""

    status = 503
    title = "Evaluation failed"
    example = (
        "The process that judges jobs ended twice over this request.",
        "Try again; if it stays, give the service more memory, or save fewer tensors whole (reductions).",
    )


class PredictionTimeout(Problem):
    """No answer from the model within the deadline."""

    status = 504
    title = "The model took too long"
    example = (
        "The endpoint 'dog-breeds' gave no answer within 65 s.",
        "Try again; if it stays, the model is too slow for its instance type, or the endpoint is overloaded.",
    )


class InternalError(Problem):
    """A fault of the service itself."""
