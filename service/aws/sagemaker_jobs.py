"""Training jobs and tuning jobs in SageMaker's API: one function an operation, requests and answers as AWS has them."""

from collections.abc import Mapping
from typing import Any, cast

from botocore.exceptions import ClientError

from service import errors
from service.aws.clients import Clients
from service.aws.errors import code_of, is_in_use, message_of, problems

Members = Mapping[str, Any]

NO_DEBUGGER = (
    'Send "collected_by": "script", and the training script saves the tensors and measures the instance by itself and '
    'the service evaluates the rules; or send "debugger": null and "profiler": null to train without them. AWS takes '
    "SageMaker Debugger from customers of before 2026-07-30 only."
)


class NameTaken(Exception):
    """A job of this name exists already."""


def no_such_training_job(name: str) -> errors.Problem:
    """The 404 of a training job."""
    return errors.TrainingJobNotFound(f"There is no training job {name}.", "GET /jobs/training lists those there are.")


def no_such_tuning_job(name: str) -> errors.Problem:
    """The 404 of a tuning job."""
    return errors.TuningJobNotFound(f"There is no tuning job {name}.", "GET /jobs/tuning lists those there are.")


def create_training_job(clients: Clients, request: Members) -> str:
    """CreateTrainingJob; answers the ARN. Raises NameTaken, and a Problem for every other refusal."""
    with problems():
        try:
            return clients.sagemaker.create_training_job(**cast("Any", request))["TrainingJobArn"]
        except ClientError as error:
            if is_in_use(error):
                raise NameTaken(request["TrainingJobName"]) from error
            if "DebugHookConfig" in request and _refuses_debugger(error):
                raise errors.BadRequest(f"CreateTrainingJob: {message_of(error)}", NO_DEBUGGER) from error
            raise


def describe_training_job(clients: Clients, name: str) -> Members:
    """DescribeTrainingJob. Raises TrainingJobNotFound."""
    with problems(missing=no_such_training_job(name)):
        return clients.sagemaker.describe_training_job(TrainingJobName=name)


def find_training_job(clients: Clients, name: str) -> Members | None:
    """DescribeTrainingJob, or None when there is no such job."""
    try:
        return describe_training_job(clients, name)
    except errors.TrainingJobNotFound:
        return None


def list_training_jobs(clients: Clients, request: Members) -> Members:
    """ListTrainingJobs."""
    with problems():
        return clients.sagemaker.list_training_jobs(**cast("Any", request))


def stop_training_job(clients: Clients, name: str) -> None:
    """StopTrainingJob. Raises TrainingJobNotFound, and StateConflict for a job that is over."""
    with problems(missing=no_such_training_job(name)):
        try:
            clients.sagemaker.stop_training_job(TrainingJobName=name)
        except ClientError as error:
            _raise_when_over(error)
            raise


def create_tuning_job(clients: Clients, request: Members) -> str:
    """CreateHyperParameterTuningJob; answers the ARN. Raises NameTaken, and a Problem for every other refusal."""
    with problems():
        try:
            answer = clients.sagemaker.create_hyper_parameter_tuning_job(**cast("Any", request))
        except ClientError as error:
            if is_in_use(error):
                raise NameTaken(request["HyperParameterTuningJobName"]) from error
            raise
        return answer["HyperParameterTuningJobArn"]


def describe_tuning_job(clients: Clients, name: str) -> Members:
    """DescribeHyperParameterTuningJob. Raises TuningJobNotFound."""
    with problems(missing=no_such_tuning_job(name)):
        return clients.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)


def find_tuning_job(clients: Clients, name: str) -> Members | None:
    """DescribeHyperParameterTuningJob, or None when there is no such job."""
    try:
        return describe_tuning_job(clients, name)
    except errors.TuningJobNotFound:
        return None


def list_tuning_jobs(clients: Clients, request: Members) -> Members:
    """ListHyperParameterTuningJobs."""
    with problems():
        return clients.sagemaker.list_hyper_parameter_tuning_jobs(**cast("Any", request))


def list_trials(clients: Clients, request: Members) -> Members:
    """ListTrainingJobsForHyperParameterTuningJob. Raises TuningJobNotFound."""
    with problems(missing=no_such_tuning_job(request["HyperParameterTuningJobName"])):
        return clients.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(**cast("Any", request))


def stop_tuning_job(clients: Clients, name: str) -> None:
    """StopHyperParameterTuningJob. Raises TuningJobNotFound, and StateConflict for a job that is over."""
    with problems(missing=no_such_tuning_job(name)):
        try:
            clients.sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        except ClientError as error:
            _raise_when_over(error)
            raise


def _refuses_debugger(error: ClientError) -> bool:
    """AWS closed Debugger to new customers without a code of its own: the message is what tells."""
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return status < 500 and "debug" in message_of(error).lower()


def _raise_when_over(error: ClientError) -> None:
    """AWS refuses to stop a job that is over with a ValidationException that names its status."""
    if code_of(error) == "ValidationException" and "in status" in message_of(error).lower():
        raise errors.StateConflict(message_of(error), "Nothing is left to stop.") from error
