"""AWS's error for whatever a model answered but success, and for no answer."""

from dataclasses import dataclass

from local_sagemaker.errors import ModelError
from local_sagemaker.runtime.serving.logs import log_group


@dataclass(frozen=True)
class ModelLog:
    """Where the words of the model server in question are."""

    endpoint_name: str
    log_stream: str
    region: str
    account_id: str


def model_error(log: ModelLog, status: int, message: str) -> ModelError:
    """The model answered `status` with `message`; status 0 for no answer."""
    side = "client" if 400 <= status < 500 else "server"
    group = log_group(log.endpoint_name)
    console = f"https://{log.region}.console.aws.amazon.com/cloudwatch/home?region={log.region}"
    return ModelError(
        f'Received {side} error ({status}) from primary with message "{message}".'
        f" See {console}#logEventViewer:group={group} in account {log.account_id} for more information.",
        OriginalStatusCode=status,
        OriginalMessage=message,
        LogStreamArn=f"arn:aws:logs:{log.region}:{log.account_id}:log-group:{group}:log-stream:{log.log_stream}",
    )


def timed_out(log: ModelLog, seconds: float) -> ModelError:
    """The model did not answer within `seconds`."""
    message = (
        "Your invocation timed out while waiting for a response from container primary."
        f" The model may take {seconds:g} seconds. Review the log group {log_group(log.endpoint_name)},"
        " resolve the issue, and try again."
    )
    return model_error(log, 0, message)
