"""Index and collections files."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.tensors.collections import BrokenCollections, default_collections, parse_collections
from diagnostics.tensors.index import BrokenIndex, Location, index_file, parse_index, step_and_worker, tensor_of
from diagnostics.tensors.saved_step import Mode

EVENTS = "events/000000000012/000000000012_worker_0.tfevents"
DOCUMENT: dict[str, Any] = {
    "meta": {"mode": "EVAL", "mode_step": 2, "event_file_name": EVENTS},
    "tensor_payload": [
        {"tensorname": "fc.weight", "start_idx": 0, "length": 275},
        {"tensorname": "smdebug/reductions/min/gradient/fc.bias", "start_idx": 275, "length": 114},
        {"tensorname": "smdebug/reductions/abs_mean/gradient/fc.bias", "start_idx": 389, "length": 113},
    ],
    "shape_payload": [{"tensorname": "fc.weight", "originalname": "fc.weight", "shape": [2, 3]}],
}


def test_reads_what_was_saved_and_where() -> None:
    index = parse_index(12, json.dumps(DOCUMENT).encode())
    assert (index.step, index.mode, index.mode_step, index.event_file) == (12, Mode.EVAL, 2, EVENTS)
    assert index.wholes() == {"fc.weight"}
    assert index.reductions() == {"gradient/fc.bias": {"min", "abs_mean"}}
    assert index.locations["smdebug/reductions/min/gradient/fc.bias"] == Location(275, 114)
    assert {tensor_of(name) for name in index.locations} == {"fc.weight", "gradient/fc.bias"}


def test_a_step_with_shapes_alone_has_no_tensors() -> None:
    shapes = {
        "meta": {"mode": "TRAIN", "mode_step": 0},
        "tensor_payload": [],
        "shape_payload": DOCUMENT["shape_payload"],
    }
    assert parse_index(0, json.dumps(shapes).encode()).locations == {}


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"meta": {}}',
        json.dumps(DOCUMENT | {"meta": DOCUMENT["meta"] | {"mode": "SLEEP"}}).encode(),
        json.dumps(DOCUMENT | {"tensor_payload": [{"tensorname": "a"}]}).encode(),
        json.dumps(DOCUMENT | {"tensor_payload": [{"tensorname": "a", "start_idx": -1, "length": 3}]}).encode(),
        json.dumps(DOCUMENT | {"tensor_payload": 3}).encode(),
    ],
)
def test_a_broken_index_says_which_step(broken: bytes) -> None:
    with pytest.raises(BrokenIndex, match="step 12"):
        parse_index(12, broken)


@pytest.mark.parametrize("name", ["/etc/passwd", "../../secrets", "events/../../x"])
def test_an_index_names_files_of_its_job_only(name: str) -> None:
    with pytest.raises(BrokenIndex, match="no file of this job"):
        parse_index(1, json.dumps(DOCUMENT | {"meta": DOCUMENT["meta"] | {"event_file_name": name}}).encode())


@given(step=st.integers(0, 10**11), worker=st.sampled_from(["worker_0", "worker_12", "_job-worker_replica-0"]))
def test_names_of_index_files(step: int, worker: str) -> None:
    assert step_and_worker(index_file(step, worker)) == (step, worker)


@pytest.mark.parametrize("name", ["index/x", "index/000000000/a_worker_0.json", "events/000000000/1_worker_0.json"])
def test_other_names_are_none(name: str) -> None:
    assert step_and_worker(name) is None


def test_collections_by_regex_and_by_name() -> None:
    content = {"collections": {"mine": {"include_regex": ["relu"], "tensor_names": ["loss"]}}, "_meta": {}}
    found = parse_collections(json.dumps(content).encode())
    assert [name for name in ("relu_1", "loss", "fc") if found.holds("mine", name)] == ["relu_1", "loss"]
    assert not found.holds("weights", "fc.weight")


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"[]",
        b'{"collections": {"a": {}}}',
        b'{"collections": {"a": {"include_regex": ["("], "tensor_names": []}}}',
    ],
)
def test_broken_collections_say_so(broken: bytes) -> None:
    with pytest.raises(BrokenCollections, match="collections cannot be read"):
        parse_collections(broken)


def test_the_default_collections_are_the_hooks() -> None:
    found = default_collections()
    assert found.holds("losses", "CrossEntropyLoss_output_0")
    assert not found.holds("losses", "CrossEntropyLoss_input_0")
    assert found.holds("gradients", "gradient/fc.weight")
    assert not found.holds("weights", "gradient/fc.weight")
