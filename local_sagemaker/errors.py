"""AWS's errors as local_sagemaker raises them. One class is one code; the wire turns them into AWS's shapes.

AwsError
+-- ValidationException          400   the request breaks a constraint, or names something that is not there
+-- SerializationException       400   the body is no JSON, or a member has the wrong type
+-- UnknownOperationException    400
+-- ThrottlingException          400   only when faults ask for it
+-- ResourceNotFound             400
+-- ResourceInUse                400
+-- ResourceLimitExceeded        400
+-- ResourceNotFoundException    400   CloudWatch Logs
+-- InvalidParameterException    400   CloudWatch Logs
+-- InvalidParameterValueException        400   CloudWatch
+-- InvalidParameterCombinationException  400   CloudWatch
+-- MissingRequiredParameterException     400   CloudWatch
+-- ValidationError              400   sagemaker-runtime
+-- ModelError                   424   sagemaker-runtime
+-- ModelStreamError             424   sagemaker-runtime, in the middle of a streamed answer
+-- ServerlessThrottled          429   sagemaker-runtime, with the code ThrottlingException
+-- ServiceUnavailable           503   sagemaker-runtime; elsewhere only when faults ask for it
+-- InternalFailure              500
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar


class AwsError(Exception):
    """An error with AWS's code, an HTTP status, and the members of its shape beside the message."""

    status: ClassVar[int] = 400

    def __init__(self, message: str, **members: Any) -> None:
        super().__init__(message)
        self.message = message
        self.members = members

    @property
    def code(self) -> str:
        """The code that SDKs show: the class's name."""
        return type(self).__name__

    @property
    def headers(self) -> Mapping[str, str]:
        """Headers of the response beside those of every error."""
        return {}

    @property
    def query_code(self) -> str:
        """The code of services that are, or once were, spoken to in forms: STS, IAM, CloudWatch."""
        return self.code.removesuffix("Exception")


class ValidationException(AwsError):
    """The request breaks a constraint, or names something that is not there."""

    @property
    def query_code(self) -> str:
        """In forms, AWS calls it so."""
        return "ValidationError"


class SerializationException(AwsError):
    """The body is no JSON, or a member has the wrong type."""


class UnknownOperationException(AwsError):
    """The operation is not one of local_sagemaker's."""

    @property
    def query_code(self) -> str:
        """In forms, AWS calls it so."""
        return "InvalidAction"


class ThrottlingException(AwsError):
    """More requests than AWS takes; here only when faults ask for it."""


class ResourceNotFound(AwsError):
    """What is described or changed is not there."""


class ResourceInUse(AwsError):
    """What is created is there already, or is in use."""


class ResourceLimitExceeded(AwsError):
    """More than a quota allows."""


class ResourceNotFoundException(AwsError):
    """CloudWatch Logs: no such group or stream."""


class InvalidParameterException(AwsError):
    """CloudWatch Logs: a parameter is not acceptable."""


class InvalidParameterValueException(AwsError):
    """CloudWatch: a parameter has a value that is not acceptable."""


class InvalidParameterCombinationException(AwsError):
    """CloudWatch: parameters that do not go together, or ask for too much together."""


class MissingRequiredParameterException(AwsError):
    """CloudWatch: one of several parameters is needed."""

    @property
    def query_code(self) -> str:
        """In forms, AWS calls it so."""
        return "MissingParameter"


class ValidationError(AwsError):
    """sagemaker-runtime: no such endpoint, or it is not in service, or the body is too large."""


class ModelError(AwsError):
    """sagemaker-runtime: the model answered an error. Members: OriginalStatusCode, OriginalMessage, LogStreamArn."""

    status = 424


class ModelStreamError(AwsError):
    """sagemaker-runtime: the answer broke off. ErrorCode is ModelInvocationTimeExceeded or StreamBroken."""

    status = 424


class ServerlessThrottled(AwsError):
    """sagemaker-runtime: a serverless endpoint has MaxConcurrency invocations under way."""

    status = 429

    @property
    def code(self) -> str:
        """AWS's name for it."""
        return "ThrottlingException"


class ServiceUnavailable(AwsError):
    """sagemaker-runtime: the model server cannot be reached, or its queue is full.

    `retry_after` is in seconds, where it is known when another try is worth while.
    """

    status = 503

    def __init__(self, message: str, retry_after: str | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after

    @property
    def headers(self) -> Mapping[str, str]:
        """Retry-After."""
        return {} if self.retry_after is None else {"retry-after": self.retry_after}


class InternalFailure(AwsError):
    """A fault of local_sagemaker itself."""

    status = 500


class DiskFull(InternalFailure):
    """Nothing could be written; nothing was changed."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"The disk of {folder} is full, so nothing was changed. Free some space there and try again; jobs that run"
            " wait for it."
        )

    @property
    def code(self) -> str:
        """AWS has no code of its own for it."""
        return InternalFailure.__name__
