"""AWS's errors as local_sagemaker raises them. One class is one code; the wire turns them into AWS's shapes.

AwsError
+-- ValidationException          400   the request breaks a constraint, or names something that is not there
+-- SerializationException       400   the body is no JSON, or a member has the wrong type
+-- UnknownOperationException    400
+-- ResourceNotFound             400
+-- ResourceInUse                400
+-- ResourceLimitExceeded        400
+-- ResourceNotFoundException    400   CloudWatch Logs
+-- InvalidParameterException    400   CloudWatch Logs
+-- ValidationError              400   sagemaker-runtime
+-- ModelNotReadyException       429   sagemaker-runtime
+-- ModelError                   424   sagemaker-runtime
+-- ServiceUnavailable           503   sagemaker-runtime
+-- InternalFailure              500
"""

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


class ValidationException(AwsError):
    """The request breaks a constraint, or names something that is not there."""


class SerializationException(AwsError):
    """The body is no JSON, or a member has the wrong type."""


class UnknownOperationException(AwsError):
    """The operation is not one of local_sagemaker's."""


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


class ValidationError(AwsError):
    """sagemaker-runtime: no such endpoint, or it is not in service, or the body is too large."""


class ModelNotReadyException(AwsError):
    """sagemaker-runtime: the model takes no request at present."""

    status = 429


class ModelError(AwsError):
    """sagemaker-runtime: the model answered an error. Members: OriginalStatusCode, OriginalMessage, LogStreamArn."""

    status = 424


class ServiceUnavailable(AwsError):
    """sagemaker-runtime: the model server cannot be reached."""

    status = 503


class InternalFailure(AwsError):
    """A fault of local_sagemaker itself."""

    status = 500
