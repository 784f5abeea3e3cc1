"""STS: who is calling. Any credentials are taken, so it is always the account of the settings."""

from typing import Any

from local_sagemaker.operations.context import Context

# SDKs take the execution role from the caller: `get_execution_role` wants a caller that is a role.
ROLE_NAME = "SageMakerRole"
SESSION_NAME = "local-sagemaker"
ROLE_ID = "AROALOCALSAGEMAKER000"


def get_caller_identity(context: Context, members: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - takes none
    """A session of the account's SageMakerRole."""
    account = context.settings.account_id
    return {
        "Account": account,
        "UserId": f"{ROLE_ID}:{SESSION_NAME}",
        "Arn": f"arn:aws:sts::{account}:assumed-role/{ROLE_NAME}/{SESSION_NAME}",
    }
