"""Accept header and probabilities -> the answer."""

import io
import json
from types import ModuleType
from typing import Any

import numpy as np
import pytest

Modules = dict[str, ModuleType]


def prediction(modules: Modules, model: Any, probabilities: Any) -> Any:
    return modules["inference"].Prediction(np.asarray(probabilities, np.float64), model)


@pytest.mark.parametrize(
    ("header", "media_type", "top_k"),
    [
        (None, "application/json", 3),
        ("", "application/json", 3),
        ("*/*", "application/json", 3),
        ("application/*", "application/json", 3),
        ("application/json; top_k=2", "application/json", 2),
        ('Application/JSON;TOP_K="1";charset=UTF-8', "application/json", 1),
        ("text/html, application/xml;q=0.9, */*;q=0.8", "application/json", 3),
        ("application/json;q=0.2;top_k=1, application/x-npy", "application/x-npy", 3),
        ("application/x-npy;q=0, application/json;top_k=3", "application/json", 3),
    ],
)
def test_accept(modules: Modules, header: str | None, media_type: str, top_k: int) -> None:
    asked = modules["answers"].parse_accept(header or "", 3)
    assert (asked.media_type, asked.top_k) == (media_type, top_k)


def test_five_classes_unless_asked_otherwise(modules: Modules) -> None:
    assert modules["answers"].parse_accept("application/json", 133).top_k == 5


@pytest.mark.parametrize("top_k", ["4", "004", "100", "9" * 5000])
def test_top_k_is_at_most_the_number_of_classes(modules: Modules, model: Any, top_k: str) -> None:
    answer = prediction(modules, model, [0.2, 0.3, 0.5])
    body, _ = modules["inference"].output_fn(answer, f"application/json; top_k={top_k}")
    assert [place["class_index"] for place in json.loads(body)["predictions"]] == [2, 1, 0]


@pytest.mark.parametrize("top_k", ["0", "000", "-1", "1.5", "all", "", "²", "x" * 5000])
def test_top_k_that_is_no_number_of_classes(modules: Modules, model: Any, top_k: str) -> None:
    answer = prediction(modules, model, [0.2, 0.3, 0.5])
    with pytest.raises(modules["errors"].InvalidAccept, match="must be a whole number, 1 or more") as caught:
        modules["inference"].output_fn(answer, f"application/json; top_k={top_k}")
    assert caught.value.status_code == 400


@pytest.mark.parametrize("header", ["application/json; topk=2", "application/x-npy; top_k=2", "application/json;q=2"])
def test_parameters_that_would_be_ignored_are_refused(modules: Modules, header: str) -> None:
    with pytest.raises(modules["errors"].InvalidAccept):
        modules["answers"].parse_accept(header, 3)


@pytest.mark.parametrize("header", ["text/html", "image/png, text/csv", "application/json;q=0"])
def test_not_acceptable_names_what_is(modules: Modules, header: str) -> None:
    with pytest.raises(modules["errors"].NotAcceptable, match=r"application/json .* or application/x-npy") as caught:
        modules["answers"].parse_accept(header, 3)
    assert caught.value.status_code == 406


def test_json(modules: Modules, model: Any) -> None:
    body, content_type = modules["inference"].output_fn(
        prediction(modules, model, [0.25, 0.1234567, 0.6265433]), "application/json; top_k=2"
    )
    assert content_type == "application/json"
    assert json.loads(body) == {
        "predictions": [
            {"class_index": 2, "class_name": "003.Blue_épagneul", "breed": "Blue épagneul", "probability": 0.626543},
            {"class_index": 0, "class_name": "001.Red_setter", "breed": "Red setter", "probability": 0.25},
        ],
        "model": {"architecture": "colour", "version": "colours-1"},
    }


def test_a_batch_answers_a_list_for_each_image(modules: Modules, model: Any) -> None:
    body, _ = modules["inference"].output_fn(prediction(modules, model, [[1, 0, 0], [0, 0, 1]]), "*/*")
    indices = [[place["class_index"] for place in row] for row in json.loads(body)["predictions"]]
    assert indices == [[0, 1, 2], [2, 0, 1]]


def test_npy_has_all_probabilities(modules: Modules, model: Any) -> None:
    for probabilities in ([0.25, 0.25, 0.5], [[0.25, 0.25, 0.5], [1, 0, 0]]):
        body, content_type = modules["inference"].output_fn(
            prediction(modules, model, probabilities), "application/x-npy"
        )
        assert content_type == "application/x-npy"
        array = np.load(io.BytesIO(body), allow_pickle=False)
        assert array.dtype == np.float32
        assert array.tolist() == probabilities


def test_softmax_of_any_logits(modules: Modules) -> None:
    softmax = modules["answers"].softmax
    assert softmax(np.array([1e4, -1e4, 1e4], np.float32)).tolist() == [0.5, 0.0, 0.5]
    rows = softmax(np.random.default_rng(1).normal(0, 30, (50, 133)).astype(np.float32))
    assert rows.dtype == np.float64
    assert np.allclose(rows.sum(axis=1), 1, rtol=0, atol=1e-12)


def test_rounded_probabilities_give_one_and_keep_their_order(modules: Modules) -> None:
    for spread in (0.001, 1, 30):
        for row in modules["answers"].softmax(np.random.default_rng(2).normal(0, spread, (50, 133))):
            millionths = modules["answers"].in_millionths(row)
            assert millionths.sum() == 1_000_000
            assert np.abs(millionths / 1e6 - row).max() < 1e-6
            assert (np.diff(millionths[np.argsort(row)]) >= 0).all()
