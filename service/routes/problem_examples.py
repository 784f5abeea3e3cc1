"""What the examples of problems say on the routes of jobs, endpoints and lists, as the service words them there."""

from service.errors import AccessDenied, BadRequest, InvalidRequest, NameConflict, QuotaExceeded, StateConflict
from service.schemas.problem import Told

CORRECT_MEMBERS = InvalidRequest.example[1]
QUOTA_ACTION = "Stop what runs, take another instance type, or ask for a higher quota in AWS Service Quotas."


def _quota(operation: str, usage: str) -> tuple[str, str]:
    detail = f"{operation}: The account-level service limit '{usage}' is 0 Instances, with current utilization of 0."
    return detail, QUOTA_ACTION


def refused(operation: str) -> tuple[str, str]:
    """AWS does not let the service call this operation."""
    return (
        f"{operation}: User: arn:aws:iam::123456789012:user/dogs is not authorized to perform: sagemaker:{operation}",
        f"Allow sagemaker:{operation} to the service's credentials.",
    )


def of_list(operation: str) -> Told:
    """A page of a list was asked for in a wrong way."""
    return {
        BadRequest: (
            f"{operation}: Invalid NextToken",
            "Correct what AWS names and send the request again (AWS's code: ValidationException).",
        ),
        InvalidRequest: ("#/query/limit: Input should be less than or equal to 100", CORRECT_MEMBERS),
        AccessDenied: refused(operation),
    }


def of_name(operation: str) -> Told:
    """One resource was asked for by its name."""
    return {
        InvalidRequest: ("#/path/name: String should have at most 63 characters", CORRECT_MEMBERS),
        AccessDenied: refused(operation),
    }


def of_events(operation: str) -> Told:
    """A job was to be followed."""
    return {
        **of_name(operation),
        BadRequest: (
            "The Last-Event-ID is none that this service gave.",
            "Send the id of the last event that you got, or leave the header out to begin at the start.",
        ),
    }


def of_stop(kind: str, name: str, operation: str) -> Told:
    """A job that is over cannot be stopped."""
    return {
        **of_name(operation),
        StateConflict: (f"The {kind} {name} is Completed already.", "Nothing is left to stop."),
    }


def of_new_job(name: str, operation: str) -> Told:
    """A job could not be made."""
    return {
        BadRequest: (
            f"{operation}: The specified S3 bucket does not exist.",
            "Name a bucket that exists, or leave SAGEHOUND_BUCKET out for the default one.",
        ),
        NameConflict: (
            f"The name {name} is taken by a job with another body: instance_count is 1 there and 2 here.",
            "Send the first body again to get the same job, or take another name (or none) for a new one.",
        ),
        StateConflict: (
            "The tuning job dogs-tuning-1 is InProgress and has no best training job: 0 completed, 3 in progress, "
            "0 failed.",
            "Wait until GET /jobs/tuning/dogs-tuning-1 shows a best_training_job, or name the hyperparameters "
            "yourself.",
        ),
        QuotaExceeded: _quota(operation, "ml.g4dn.xlarge for training job usage"),
        AccessDenied: refused(operation),
    }


def of_deployment(operation: str) -> Told:
    """An endpoint could not be made or changed."""
    return {
        QuotaExceeded: _quota(operation, "ml.m5.large for endpoint usage"),
        AccessDenied: refused(operation),
    }


BUSY_ENDPOINT: Told = {
    StateConflict: (
        "The endpoint 'dog-breeds' is Creating.",
        "Wait until GET /endpoints/dog-breeds says InService or Failed, then send this again.",
    ),
    BadRequest: (
        "DeleteEndpoint: Cannot update in-progress endpoint "
        '"arn:aws:sagemaker:us-east-1:123456789012:endpoint/dog-breeds".',
        "Correct what AWS names and send the request again (AWS's code: ValidationException).",
    ),
    **of_name("DeleteEndpoint"),
}
