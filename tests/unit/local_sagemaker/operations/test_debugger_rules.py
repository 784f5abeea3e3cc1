"""What CreateTrainingJob lets in of Debugger and Profiler."""

import importlib
import inspect
import warnings
from typing import Any

import pytest

from local_sagemaker.errors import ValidationException
from local_sagemaker.operations.jobs.debugger_rules import INTERVALS_MS, check_debugger
from tests.unit.local_sagemaker.operations.job_requests import rule

HOOK = {"DebugHookConfig": {"S3OutputPath": "s3://b/out"}}
PROFILER = {"ProfilerConfig": {"S3OutputPath": "s3://b/out"}}
# As smdebug_rulesconfig's StopTraining(), Email() and SMS() write themselves into the parameters.
STOP = '[{\\"name\\": \\"stoptraining\\", \\"training_job_prefix\\": \\"dogs\\"}]'
EMAIL = '[{"name": "email", "endpoint": "me@example.com"}]'
SMS = '[{"name": "sms", "endpoint": "+1234567890"}]'


def debug(*rules: dict[str, Any]) -> dict[str, Any]:
    return {**HOOK, "DebugRuleConfigurations": list(rules)}


def profile(*rules: dict[str, Any]) -> dict[str, Any]:
    return {**PROFILER, "ProfilerRuleConfigurations": list(rules)}


@pytest.mark.parametrize(
    "members",
    [
        {},
        debug(rule("VanishingGradient", threshold="1e-7"), rule("VanishingGradient", "again", threshold="0.1")),
        debug(rule("Overfit", action_json=STOP)),
        debug(rule("MyRule", source_s3_uri="s3://b/my_rule.py", anything="7")),  # a rule of the user's own
        debug(rule("TreeDepth", depth="4")),  # of another framework: it ends in Error, with words
        debug(
            {**rule("Overfit"), "S3OutputPath": "s3://b/rules", "InstanceType": "ml.t3.medium", "VolumeSizeInGB": 30}
        ),
        profile(rule("ProfilerReport", CPUBottleneck_cpu_threshold="90"), rule("IOBottleneck", threshold="40")),
        {"ProfilerConfig": {"DisableProfiler": True}},
        *(
            {"ProfilerConfig": {"S3OutputPath": "s3://b/p", "ProfilingIntervalInMilliseconds": ms}}
            for ms in INTERVALS_MS
        ),
    ],
)
def test_what_is_let_in(members: dict[str, Any]) -> None:
    check_debugger(members)


def test_what_the_sdk_itself_writes_is_let_in() -> None:
    """Every rule of smdebug_rulesconfig with its defaults, but the one that compares two jobs."""
    with warnings.catch_warnings(action="ignore"):  # it is from before Python 3.11
        sdk = importlib.import_module("smdebug_rulesconfig")
    checked = []
    for name, make in vars(sdk).items():
        if inspect.isclass(make) and make.__module__.endswith("profiler_rules.rules"):
            parameters = {key: str(value) for key, value in vars(make())["rule_parameters"].items()}
            check_debugger(profile({"RuleConfigurationName": name, "RuleParameters": parameters}))
        elif inspect.isfunction(make) and not inspect.signature(make).parameters and name != "similar_across_runs":
            parameters = make()["DebugRuleConfiguration"]["RuleParameters"]
            check_debugger(debug({"RuleConfigurationName": name, "RuleParameters": parameters}))
        else:
            continue
        checked.append(name)
    assert {"vanishing_gradient", "poor_weight_initialization", "ProfilerReport", "LowGPUUtilization"} <= set(checked)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (debug(rule("VanishingGradients")), r"DebugRuleConfigurations\[0\]: .*Did you mean VanishingGradient"),
        (debug(rule("Overfit"), rule("Overfit", "b", patients="3")), r"\[1\]: .*patients.*the parameters of Overfit"),
        (debug(rule("Overfit", patience="many")), "allowed: a whole number"),
        (debug({"RuleConfigurationName": "r"}), "must have rule_to_invoke"),
        (debug(rule("Overfit", "../../out")), r"RuleConfigurationName is '../../out', .*no / or control"),
        (profile(rule("ProfilerReport", "..")), r"ProfilerRuleConfigurations\[0\].RuleConfigurationName is '..'"),
        (profile(rule("ProfilerReport", "\u00e9" * 128)), "no more than 255 bytes"),
        (debug(rule("Overfit", "a\nb")), "control"),
        (debug(rule("Overfit"), rule("Overfit")), "Duplicate rule configuration name 'Overfit'"),
        (
            debug(rule("Overfit", action_json=EMAIL)),
            "does not support the action email .*: there is no SNS here; use Stop",
        ),
        (debug(rule("Overfit", action_json=SMS)), "the action sms"),
        (debug(rule("Overfit", action_json="stop it")), "action_json is 'stop it'"),
        (debug(rule("MyRule", source_s3_uri="https://b/my_rule.py")), "source_s3_uri .*is not a valid S3 URI"),
        (debug({**rule("Overfit"), "S3OutputPath": "b/x"}), r"DebugRuleConfigurations\[0\].S3OutputPath"),
        ({"DebugRuleConfigurations": [rule("Overfit")]}, "DebugHookConfig is required"),
        (profile(rule("IOBottlenecks")), r"ProfilerRuleConfigurations\[0\]: .*did you mean IOBottleneck"),
        (profile(rule("ProfilerReport", nonsense_threshold="1")), "nonsense_threshold"),
        (profile(rule("MyRule", source_s3_uri="s3://b/my_rule.py")), "put it into DebugRuleConfigurations"),
        ({"ProfilerRuleConfigurations": [rule("ProfilerReport")]}, "give a ProfilerConfig with S3OutputPath"),
        ({**profile(rule("ProfilerReport")), "ProfilerConfig": {"DisableProfiler": True}}, "without DisableProfiler"),
        ({"ProfilerConfig": {"ProfilingIntervalInMilliseconds": 500}}, "S3OutputPath is required"),
        (
            {"ProfilerConfig": {"S3OutputPath": "s3://b/p", "ProfilingIntervalInMilliseconds": 250}},
            "is 250. It must be one of 100, 200, 500, 1000, 5000, 60000",
        ),
        (
            {"DebugHookConfig": {"S3OutputPath": "s3://b", "CollectionConfigurations": [{"CollectionName": "a"}] * 2}},
            "Duplicate collection name 'a'",
        ),
    ],
)
def test_what_is_refused_says_what_is_allowed(members: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationException, match=message):
        check_debugger(members)
