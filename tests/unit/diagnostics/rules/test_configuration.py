"""DebugRuleConfigurations and their actions, as the SDK writes them."""

import importlib
import warnings

import pytest

from diagnostics.rules.configuration import Action, BadActions, RuleConfiguration, parse_actions, rule_configuration


def test_what_is_the_rules_and_what_the_platforms() -> None:
    found = rule_configuration(
        {
            "RuleConfigurationName": "mine",
            "RuleEvaluatorImage": "image",
            "RuleParameters": {
                "rule_to_invoke": "Custom",
                "source_s3_uri": "s3://bucket/rule.py",
                "action_json": '{"name": "stoptraining"}',
                "other_trial_1": "s3://bucket/b",
                "other_trial_0": "s3://bucket/a",
                "threshold": "3",
                "other_trial_rate": "2",
            },
        }
    )
    assert found == RuleConfiguration(
        name="mine",
        rule="Custom",
        parameters={"threshold": "3", "other_trial_rate": "2"},
        source="s3://bucket/rule.py",
        actions=(Action("stoptraining"),),
        other_trials=("s3://bucket/a", "s3://bucket/b"),
    )


def test_a_rule_without_parameters() -> None:
    assert rule_configuration({"RuleConfigurationName": "a"}) == RuleConfiguration("a", "")


def test_the_sdks_actions_are_read() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own, about escapes in strings
        sdk = importlib.import_module("smdebug_rulesconfig")
    actions = sdk.ActionList(sdk.StopTraining(), sdk.Email("a@bc.de"), sdk.SMS("+123"))
    actions.update_training_job_prefix_if_not_specified("dogs-1")
    assert parse_actions(actions.serialize()) == (
        Action("stoptraining", "dogs-1"),
        Action("email", "a@bc.de"),
        Action("sms", "+123"),
    )
    assert parse_actions(sdk.StopTraining("dogs").serialize()) == (Action("stoptraining", "dogs"),)


@pytest.mark.parametrize(
    ("action", "stops"),
    [
        (Action("stoptraining"), True),
        (Action("stoptraining", "dogs-1"), True),
        (Action("stoptraining", "dogs"), True),
        (Action("stoptraining", "cats"), False),
        (Action("email", "dogs-1"), False),
    ],
)
def test_which_jobs_are_stopped(action: Action, stops: bool) -> None:
    assert RuleConfiguration("a", "Overfit", actions=(Action("sms"), action)).stops("dogs-1") is stops


def test_no_actions() -> None:
    assert parse_actions("") == parse_actions("  ") == ()
    assert not RuleConfiguration("a", "Overfit").stops("dogs")


@pytest.mark.parametrize("text", ["{", "3", "null", '["stop"]', '{"name": "reboot"}', '{"endpoint": "x"}'])
def test_bad_actions_say_what_is_allowed(text: str) -> None:
    with pytest.raises(BadActions, match="stoptraining"):
        parse_actions(text)


def test_any_case() -> None:
    assert parse_actions('[{"name": "StopTraining"}]') == (Action("stoptraining"),)
