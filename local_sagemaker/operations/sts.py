"""STS: who is calling. Any credentials are taken, so it is always the account of the settings."""

from typing import Any

from local_sagemaker.operations.context import Context


def get_caller_identity(context: Context, members: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001 - takes none
    """The account's root user."""
    account = context.settings.account_id
    return {"Account": account, "UserId": account, "Arn": f"arn:aws:iam::{account}:root"}
