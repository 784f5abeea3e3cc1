"""Hyperparameters: both SDKs' encodings, flags, environment variables."""

from local_sagemaker.runtime.training import hyperparameters as hps


def test_values_decode_as_json_or_stay() -> None:
    raw = {"a": "32", "b": '"0.0004"', "c": "true", "d": "[1, 2]", "e": "str", "f": "True", "g": "1e-05"}
    assert hps.decode(raw) == {"a": 32, "b": "0.0004", "c": True, "d": [1, 2], "e": "str", "f": "True", "g": 1e-05}


def test_json_that_is_nested_without_end_stays() -> None:
    assert hps.decode({"deep": "[" * 2000}) == {"deep": "[" * 2000}


def test_flags_are_sorted_and_one_letter_takes_one_dash() -> None:
    decoded = hps.decode(
        {
            "lr": '"0.0004"',
            "b": "true",
            "batch-size": "32",
            "l": "[1, 2]",
            "sagemaker_program": '"train.py"',
            "sagemaker_estimator_module": '"x"',
            "_tuning_objective_metric": "loss",
        }
    )
    user = hps.user_hyperparameters(decoded)
    assert hps.command_line(user) == ["-b", "True", "--batch-size", "32", "-l", "[1, 2]", "--lr", "0.0004"]
    assert hps.framework_parameters(decoded) == {"sagemaker_estimator_module": "x"}


def test_environment_variables() -> None:
    values = {"batch-size": 32, "name": "dogs", "none": None, "flags": {"b": 1, "a": True}}
    assert hps.as_environment(values, "SM_HP_") == {
        "SM_HP_BATCH-SIZE": "32",
        "SM_HP_NAME": "dogs",
        "SM_HP_NONE": "",
        "SM_HP_FLAGS": '{"a":true,"b":1}',
    }


def test_a_script_must_be_named() -> None:
    assert hps.missing({"sagemaker_program": "a.py"}) == ["sagemaker_submit_directory"]
    assert hps.missing({"sagemaker_program": "a.py", "sagemaker_submit_directory": "s3://b/c"}) == []


def test_objects_and_none_on_the_command_line() -> None:
    """As the toolkit: an object as pairs in the order of its keys, None as an empty argument."""
    user = {"weights": {"dog": 1.5, "cat": "x"}, "none": None, "empty": {}}
    assert hps.command_line(user) == ["--empty", "", "--none", "", "--weights", "cat=x,dog=1.5"]
