"""Every way in which AWS can refuse is a problem with something to do about it."""

import socket

import pytest
from botocore import exceptions

from service import errors
from service.aws.clients import Clients
from service.aws.errors import problems
from service.settings import Settings
from tests.unit.service.jobs.fake_aws import FakeAws, Refusal


def ask(clients: Clients, missing: errors.Problem | None = None) -> None:
    """A call that AWS answers as scripted."""
    with problems(missing=missing):
        clients.sagemaker.describe_training_job(TrainingJobName="dogs-1")


@pytest.mark.parametrize(
    ("refusal", "problem", "action"),
    [
        (Refusal("ValidationException", "1 validation error", 400), errors.BadRequest, "ValidationException"),
        (Refusal("ResourceLimitExceeded", "limit for ml.p3 is 0", 400), errors.QuotaExceeded, "Service Quotas"),
        (Refusal("AccessDeniedException", "not authorized", 400), errors.AccessDenied, "DescribeTrainingJob"),
        (
            Refusal("AccessDeniedException", "not authorized to perform: iam:PassRole", 400),
            errors.AccessDenied,
            "iam:PassRole",
        ),
        (Refusal("UnrecognizedClientException", "token is invalid", 400), errors.AccessDenied, "AWS_ACCESS_KEY_ID"),
        (Refusal("ExpiredTokenException", "expired", 400), errors.AccessDenied, "AWS_ACCESS_KEY_ID"),
        (Refusal("SomethingNew", "forbidden", 403), errors.AccessDenied, "Allow"),
        (Refusal("ResourceInUse", "already exists", 400), errors.NameConflict, "another name"),
        (Refusal("ResourceNotFound", "not found", 400), errors.BadRequest, "ResourceNotFound"),
    ],
)
def test_answers(
    *, clients: Clients, aws: FakeAws, refusal: Refusal, problem: type[errors.Problem], action: str
) -> None:
    aws.answers["DescribeTrainingJob"] = refusal
    with pytest.raises(problem) as caught:
        ask(clients)
    assert refusal.message in caught.value.detail
    assert action in caught.value.action
    assert len(aws.asked) == 1


def test_throttling_and_faults_are_tried_again_and_then_told(
    clients: Clients, aws: FakeAws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)  # botocore's pause between two tries
    aws.answers["DescribeTrainingJob"] = Refusal("ThrottlingException", "Rate exceeded")
    with pytest.raises(errors.Throttled) as caught:
        ask(clients)
    assert caught.value.headers == {"Retry-After": "2"}
    assert len(aws.asked) == 3
    aws.answers["DescribeTrainingJob"] = Refusal("InternalFailure", "oh", 500)
    with pytest.raises(errors.AwsUnavailable, match="HTTP 500"):
        ask(clients)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("ValidationException", "Requested resource not found."),
        ("ValidationException", 'Could not find endpoint "x".'),
        ("ResourceNotFound", "Amazon SageMaker can't find a tuning job with the name x."),
    ],
)
def test_missing_is_the_callers_problem(clients: Clients, aws: FakeAws, code: str, message: str) -> None:
    aws.answers["DescribeTrainingJob"] = Refusal(code, message)
    with pytest.raises(errors.TrainingJobNotFound, match="no dogs"):
        ask(clients, missing=errors.TrainingJobNotFound("no dogs", "look elsewhere"))


def test_nobody_listens(clients: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(errors.AwsUnavailable, match="cannot be reached") as caught:
        ask(clients)
    assert "AWS_ENDPOINT_URL" in caught.value.action
    assert "make up" in caught.value.action


def test_no_credentials(aws: FakeAws, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(errors.AccessDenied, match="no usable AWS credentials") as caught:
        ask(Clients(settings))
    assert "AWS_ACCESS_KEY_ID" in caught.value.action
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(errors.AccessDenied, match="nobody"):
        ask(Clients(settings))


@pytest.mark.parametrize(
    ("raised", "problem"),
    [
        (exceptions.ReadTimeoutError(endpoint_url="http://aws"), errors.AwsUnavailable),
        (exceptions.ConnectTimeoutError(endpoint_url="http://aws"), errors.AwsUnavailable),
        (exceptions.SSLError(endpoint_url="http://aws", error=OSError("bad")), errors.AwsUnavailable),
        (exceptions.ParamValidationError(report="too long"), errors.BadRequest),
        (exceptions.DataNotFoundError(data_path="x"), errors.AwsUnavailable),
    ],
)
def test_failures(raised: Exception, problem: type[errors.Problem]) -> None:
    with pytest.raises(problem), problems():
        raise raised


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), problems():
        raise KeyError("ours")
