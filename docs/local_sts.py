"""Lets the SageMaker SDKs (v2 and v3) ask AWS_ENDPOINT_URL who they are.

The SDKs build their STS client with AWS's own address, so `get_execution_role()`, `account_id()` and the name of the
default bucket ask AWS although AWS_ENDPOINT_URL is set. Import this module before them; a notebook does so by itself
with PYTHONSTARTUP=<this file>. It needs boto3 alone and changes nothing but STS.
"""

from typing import Any

import boto3


class LocalSession(boto3.Session):
    """A boto3 session whose STS client is found as those of the other services are."""

    def client(self, service_name: str, *args: Any, **options: Any) -> Any:
        """As boto3's; an endpoint_url given for STS is left aside."""
        if service_name == "sts":
            options.pop("endpoint_url", None)
        return super().client(service_name, *args, **options)  # type: ignore[call-overload]


boto3.DEFAULT_SESSION = LocalSession()
