"""What may be asked of Debugger's and Profiler's rules: their names, parameters and actions."""

from collections.abc import Mapping, Sequence
from typing import Any

from diagnostics.profile.rules import catalogue as profiler_rules
from diagnostics.rules import catalogue as debugger_rules
from diagnostics.rules.configuration import EMAIL, RULE, SMS, BadActions, RuleConfiguration, rule_configuration
from local_sagemaker.errors import ValidationException
from local_sagemaker.operations.request_values import check_uri, refuse_twice
from local_sagemaker.operations.unsupported import refuse

MAX_NAME_BYTES = 255  # of a file system's names

Rules = Sequence[Mapping[str, Any]]


def check_debugger_rules(rules: Rules) -> None:
    """DebugRuleConfigurations. A rule of AWS's for another framework is let in, and ends in Error with words."""
    for where, rule in _configurations("DebugRuleConfigurations", rules):
        if rule.source is not None:
            check_uri(rule.source, f"{where}.RuleParameters.source_s3_uri")
            continue
        try:
            debugger_rules.build_rule(rule.rule, rule.parameters)
        except debugger_rules.RuleForOtherFramework:
            continue
        except (debugger_rules.UnknownRule, debugger_rules.BadRuleParameter) as error:
            raise ValidationException(f"{where}: {error}") from error


def check_profiler_rules(rules: Rules, profiler: Mapping[str, Any]) -> None:
    """ProfilerRuleConfigurations, beside the ProfilerConfig that will be in force."""
    if rules and (profiler.get("DisableProfiler") or not profiler.get("S3OutputPath")):
        raise ValidationException(
            "ProfilerRuleConfigurations judge what the Profiler measures: give a ProfilerConfig with S3OutputPath and"
            " without DisableProfiler, or leave the rules out."
        )
    for where, rule in _configurations("ProfilerRuleConfigurations", rules):
        if rule.source is not None:
            refuse(f"custom rules in {where}", "a custom rule reads tensors; put it into DebugRuleConfigurations")
        try:
            profiler_rules.check(rule.rule, rule.parameters)
        except (profiler_rules.UnknownProfilerRule, profiler_rules.BadProfilerParameter) as error:
            raise ValidationException(f"{where}: {error}") from error


def _configurations(where: str, rules: Rules) -> list[tuple[str, RuleConfiguration]]:
    """The rules with where each stands in the request, as far as all rules are checked alike."""
    refuse_twice("rule configuration", (rule["RuleConfigurationName"] for rule in rules))
    found = []
    for number, member in enumerate(rules):
        place = f"{where}[{number}]"
        _check_name(member["RuleConfigurationName"], f"{place}.RuleConfigurationName")
        if uri := member.get("S3OutputPath"):
            check_uri(uri, f"{place}.S3OutputPath")
        if not (member.get("RuleParameters") or {}).get(RULE):
            raise ValidationException(f"{place}.RuleParameters must have {RULE}, the name of the rule.")
        try:
            rule = rule_configuration(member)
        except BadActions as error:
            raise ValidationException(f"{place}.RuleParameters: {error}") from error
        for action in rule.actions:
            if action.name in (EMAIL, SMS):
                refuse(f"the action {action.name} in {place}", "there is no SNS here; use StopTraining")
        found.append((place, rule))
    return found


def _check_name(name: str, where: str) -> None:
    """The name is a folder's, below rule-output."""
    if "/" in name or not name.isprintable() or name in (".", "..") or len(name.encode()) > MAX_NAME_BYTES:
        raise ValidationException(
            f"{where} is {name!r}, and names the folder of what the rule writes: it must have no / or control"
            f" character, no more than {MAX_NAME_BYTES} bytes, and not be . or .. itself."
        )
