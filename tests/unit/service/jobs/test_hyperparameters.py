"""What a user writes is what a user reads, whatever travels between."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain import hyperparameters
from service.schemas.job import HyperparameterValue

SCALARS = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()


@given(SCALARS | st.lists(SCALARS))
def test_round_trip_keeps_value_and_type(value: HyperparameterValue) -> None:
    text = hyperparameters.encode_value(value)
    decoded = hyperparameters.decode_value(text)
    assert decoded == value
    assert type(decoded) is type(value)


@given(st.text())
def test_any_text_that_somebody_sent_decodes_to_something_shown(text: str) -> None:
    decoded = hyperparameters.decode_value(text)
    assert isinstance(decoded, str | int | float | list)
    json.dumps(decoded, allow_nan=False)


@pytest.mark.parametrize(
    ("value", "text"), [(32, "32"), ("0.0004", '"0.0004"'), (True, "true"), ([1, 2], "[1, 2]"), (0.001, "0.001")]
)
def test_encoded_as_the_python_sdk_encodes(value: HyperparameterValue, text: str) -> None:
    assert hyperparameters.encode_value(value) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [("validation:loss", "validation:loss"), ("True", "True"), ("null", "null"), ('{"a": 1}', '{"a": 1}'),
     ("NaN", "NaN"), ("[[1]]", "[[1]]"), ("[null]", "[null]"), ("1e999", "1e999"), ("", "")],
)  # fmt: skip
def test_text_without_quotes_is_itself(text: str, value: HyperparameterValue) -> None:
    assert hyperparameters.decode_value(text) == value


def test_what_is_sagemakers_own_is_not_shown() -> None:
    texts = {"lr": "0.1", "_tuning_objective_metric": "loss", "sagemaker_program": '"hpo.py"', "batch-size": '"32"'}
    assert hyperparameters.decode(texts) == {"batch-size": "32", "lr": 0.1}
    assert hyperparameters.text_of(texts, "sagemaker_program") == "hpo.py"
    assert hyperparameters.text_of(texts, "sagemaker_region") is None


def test_script_is_named_as_the_python_sdk_names_it() -> None:
    assert hyperparameters.of_script("hpo.py", "s3://b/s.tar.gz", "dogs-1", "us-east-1") == {
        "sagemaker_submit_directory": '"s3://b/s.tar.gz"',
        "sagemaker_program": '"hpo.py"',
        "sagemaker_container_log_level": "20",
        "sagemaker_job_name": '"dogs-1"',
        "sagemaker_region": '"us-east-1"',
    }
