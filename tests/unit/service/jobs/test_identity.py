"""A name and a body mean one job."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from service.domain import identity
from service.errors import NameConflict
from service.schemas.job import TUNING_JOB_NAME_PATTERN
from service.schemas.training_job_request import TrainingJobRequest

CHANNELS = {"train": "s3://dogs/train", "validation": "s3://dogs/valid"}


def request(**members: Any) -> TrainingJobRequest:
    """A valid request."""
    return TrainingJobRequest.model_validate({"channels": CHANNELS, **members})


def test_digest_knows_neither_name_nor_order_nor_spelled_out_defaults() -> None:
    one = request(name="a", hyperparameters={"lr": 1, "b": 2})
    two = request(name="b", hyperparameters={"b": 2, "lr": 1}, instance_type="ml.m5.xlarge", debugger={})
    assert identity.own_tags(one) == identity.own_tags(two)


@pytest.mark.parametrize(
    "members", [{"hyperparameters": {"lr": 1}}, {"debugger": None}, {"from_tuning_job": "t"}, {"tags": {"a": "b"}}]
)
def test_digest_knows_every_other_difference(members: dict[str, Any]) -> None:
    assert identity.own_tags(request()) != identity.own_tags(request(**members))


def test_made_up_names_are_legal_for_both_kinds_and_differ() -> None:
    now = datetime(2026, 11, 22, 9, 5, 49, tzinfo=UTC)
    names = {identity.made_up_name("training", now) for _ in range(20)}
    assert len(names) > 1
    assert all(re.fullmatch(r"training-20261122-090549-[0-9a-f]{4}", name) for name in names)
    assert all(re.match(TUNING_JOB_NAME_PATTERN, name) and len(name) <= 32 for name in names)


def test_differences_are_named_with_both_values() -> None:
    there = {"lr": 0.1, "channels": {"train": "s3://a", "test": "s3://t"}, "image": "x"}
    asked = {"lr": 0.1, "channels": {"train": "s3://b"}, "image": "y"}
    assert identity.differences(there, asked, ("lr", "channels")) == [
        'channels.test is "s3://t" there and null here',
        'channels.train is "s3://a" there and "s3://b" here',
    ]


def test_conflict_says_what_differs_and_whose_the_job_is() -> None:
    body = request(hyperparameters={"lr": 1})
    identity.check_same("dogs", identity.own_tags(body), body, [])
    with pytest.raises(NameConflict, match=r"with another body: lr is 2 there\.") as caught:
        identity.check_same("dogs", {"sagehound:request-digest": "other"}, body, ["lr is 2 there"])
    assert caught.value.members == {"differences": ["lr is 2 there"]}
    with pytest.raises(NameConflict, match="in debugger, profiler"):
        identity.check_same("dogs", {"sagehound:request-digest": "other"}, body, [])
    with pytest.raises(NameConflict, match="this service did not make"):
        identity.check_same("dogs", {"team": "cats"}, body, [])
