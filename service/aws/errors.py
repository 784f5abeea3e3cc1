"""AWS's errors as Problems: what happened in AWS's words, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from botocore import exceptions

from service import errors

CREDENTIALS = "Give the service AWS credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile or role)."
REACH = (
    "Check AWS_ENDPOINT_URL and that what it names is running (`make up` starts local_sagemaker); without it, "
    "check the way to AWS and AWS_DEFAULT_REGION."
)
RETRY_AFTER_SECONDS = 2

THROTTLED = {
    "Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded", "RequestThrottled",
    "TooManyRequestsException", "SlowDown", "LimitExceededException",
}  # fmt: skip
BAD_CREDENTIALS = {
    "ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidClientTokenId", "InvalidSignatureException",
    "MissingAuthenticationToken", "MissingAuthenticationTokenException", "SignatureDoesNotMatch",
    "UnrecognizedClientException", "IncompleteSignature",
}  # fmt: skip
REFUSED = {"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "AuthFailure", "UnauthorizedOperation", "403"}
NOT_FOUND = {"ResourceNotFound", "ResourceNotFoundException", "NoSuchKey", "404"}
NOT_FOUND_WORDS = ("could not find", "can't find", "cannot find", "not found", "does not exist")
IN_USE = {"ResourceInUse", "ConflictException", "ResourceAlreadyExists"}
IN_USE_WORDS = ("already exist", "already existing")


def code_of(error: Exception) -> str:
    """The error's code, e.g. `ValidationException`; "" for what is no answer of AWS."""
    response = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def message_of(error: Exception) -> str:
    """AWS's own message without boto3's frame around it."""
    response = getattr(error, "response", None)
    inner = response.get("Error", {}).get("Message") if isinstance(response, dict) else None
    return str(inner or error)


def is_not_found(error: Exception) -> bool:
    """Whether the named resource is not there. SageMaker says it with a code for some, with words for others."""
    if code_of(error) in NOT_FOUND:
        return True
    return code_of(error) == "ValidationException" and any(w in message_of(error).lower() for w in NOT_FOUND_WORDS)


def is_in_use(error: Exception) -> bool:
    """Whether the name to create is taken already."""
    if code_of(error) in IN_USE:
        return True
    return code_of(error) == "ValidationException" and any(w in message_of(error).lower() for w in IN_USE_WORDS)


@contextmanager
def problems(missing: errors.Problem | None = None, taken: errors.Problem | None = None) -> Iterator[None]:
    """Raise every boto3 error of the block as a Problem.

    `missing` is raised when AWS says that the resource is not there, `taken` when it says that the name is in use.
    """
    try:
        yield
    except exceptions.ClientError as error:
        if missing is not None and is_not_found(error):
            raise missing from error
        if taken is not None and is_in_use(error):
            raise taken from error
        raise problem_of_answer(error) from error
    except exceptions.BotoCoreError as error:
        raise problem_of_failure(error) from error


def problem_of_answer(error: Exception) -> errors.Problem:  # noqa: PLR0911 - one return a kind of error
    """The problem of an error answer (botocore's ClientError)."""
    code, message = code_of(error), message_of(error)
    operation = str(getattr(error, "operation_name", "the operation"))
    detail = f"{operation}: {message}"
    status = int(getattr(error, "response", {}).get("ResponseMetadata", {}).get("HTTPStatusCode", 400))
    if code in THROTTLED:
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
        return errors.Throttled(detail, "Wait some seconds, ask less often, and try again.", headers=headers)
    if code == "ResourceLimitExceeded":
        action = "Stop what runs, take another instance type, or ask for a higher quota in AWS Service Quotas."
        return errors.QuotaExceeded(detail, action)
    if code in BAD_CREDENTIALS:
        return errors.AccessDenied(f"{detail} ({code})", f"{CREDENTIALS} Those it has are refused.")
    if code in REFUSED or status == 403:
        return errors.AccessDenied(detail, _permission(operation, message))
    if code == "NoSuchBucket":
        return errors.BadRequest(
            detail, "Name a bucket that exists, or leave SAGEHOUND_BUCKET out for the default one."
        )
    if status >= 500:
        return errors.AwsUnavailable(f"{detail} (HTTP {status})", "Try again; if it stays, look at AWS's health page.")
    if is_in_use(error):
        return errors.NameConflict(detail, "Take another name.")
    return errors.BadRequest(detail, f"Correct what AWS names and send the request again (AWS's code: {code}).")


def problem_of_failure(error: Exception) -> errors.Problem:
    """The problem of a call that got no answer, or was never sent (botocore's BotoCoreError)."""
    no_credentials = (
        exceptions.NoCredentialsError,
        exceptions.PartialCredentialsError,
        exceptions.CredentialRetrievalError,
        exceptions.TokenRetrievalError,
        exceptions.UnauthorizedSSOTokenError,
        exceptions.SSOTokenLoadError,
        exceptions.ProfileNotFound,
    )
    if isinstance(error, no_credentials):
        return errors.AccessDenied(f"The service has no usable AWS credentials: {error}", CREDENTIALS)
    if isinstance(error, exceptions.ReadTimeoutError):
        return errors.AwsUnavailable(f"AWS did not answer in time: {error}", f"Try again. {REACH}")
    if isinstance(error, (exceptions.HTTPClientError, exceptions.ConnectionError)):
        return errors.AwsUnavailable(f"AWS cannot be reached: {error}", REACH)
    if isinstance(error, exceptions.ParamValidationError):
        return errors.BadRequest(f"AWS does not take these values: {error}", "Correct the named members.")
    return errors.AwsUnavailable(f"AWS could not be asked: {error}", REACH)


def _permission(operation: str, message: str) -> str:
    if "PassRole" in message:
        return (
            "Allow the service's credentials iam:PassRole on the execution role (SAGEHOUND_ROLE_ARN) for the "
            "service sagemaker.amazonaws.com."
        )
    return f"Allow the service's credentials the action {operation}, then try again."
