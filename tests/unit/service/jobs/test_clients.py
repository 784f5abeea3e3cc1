"""Clients, the account and the bucket."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from service.aws.clients import Clients
from service.errors import AccessDenied
from service.settings import Settings
from tests.unit.service.jobs.fake_aws import ACCOUNT, FakeAws

BUCKET = f"sagemaker-us-east-1-{ACCOUNT}"


def test_one_client_a_service_whoever_asks_first(clients: Clients) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: clients.sagemaker, range(16)))
    assert len({id(client) for client in made}) == 1
    config: Any = made[0].meta.config  # the stubs know none of its options
    assert (config.connect_timeout, config.retries["mode"]) == (3.0, "standard")


def test_default_bucket_is_made_once_and_again_when_it_was_removed(clients: Clients, aws: FakeAws) -> None:
    assert clients.bucket() == BUCKET
    assert aws.buckets == {BUCKET}
    assert clients.bucket() == BUCKET
    assert [operation for operation, _ in aws.asked] == ["GetCallerIdentity", "HEAD", "PUT", "HEAD"]
    aws.buckets.clear()
    clients.bucket()
    assert aws.buckets == {BUCKET}


def test_owner_of_the_default_bucket_is_checked_and_the_service_names_itself(clients: Clients, aws: FakeAws) -> None:
    clients.bucket()
    head = next(headers for headers in aws.headers if "x-amz-expected-bucket-owner" in headers)
    assert head["x-amz-expected-bucket-owner"] == ACCOUNT
    assert "sagehound/0.1.0" in head["User-Agent"]


def test_named_bucket_needs_no_account(aws: FakeAws) -> None:
    clients = Clients(Settings(bucket="dogs"))
    assert clients.bucket() == "dogs"
    assert aws.buckets == {"dogs"}
    assert "GetCallerIdentity" not in [operation for operation, _ in aws.asked]


def test_bucket_of_somebody_else_is_not_used(clients: Clients, aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(**_: object) -> None:
        raise ClientError(
            {"Error": {"Code": "403", "Message": "Forbidden"}, "ResponseMetadata": {"HTTPStatusCode": 403}},  # type: ignore[typeddict-item] # what botocore raises for a HEAD
            "HeadBucket",
        )

    monkeypatch.setattr(clients.s3, "head_bucket", refused)
    with pytest.raises(AccessDenied):
        clients.bucket()
    assert aws.buckets == set()
