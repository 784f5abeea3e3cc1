"""What a job asks for: its DebugRuleConfigurations, told apart into what is the rule's and what is the platform's."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

RULE = "rule_to_invoke"
SOURCE = "source_s3_uri"
ACTION = "action_json"
OTHER_TRIAL = "other_trial_"  # and a number: the SDK's other_trials_s3_input_paths

STOP_TRAINING = "stoptraining"
EMAIL, SMS = "email", "sms"
_TARGETS = {STOP_TRAINING: "training_job_prefix", EMAIL: "endpoint", SMS: "endpoint"}


class BadActions(ValueError):
    """action_json cannot be read, or asks for what there is not; the message says what is allowed."""


@dataclass(frozen=True)
class Action:
    """What is to be done when a rule fires: stoptraining, email or sms.

    `target`: the beginning of the training job's name (None: this job), an e-mail address, or a telephone number.
    """

    name: str
    target: str | None = None

    def stops(self, job: str) -> bool:
        """Whether it asks to stop this job."""
        return self.name == STOP_TRAINING and job.startswith(self.target or job)


@dataclass(frozen=True)
class RuleConfiguration:
    """A DebugRuleConfiguration: the rule called `rule`, under a name of the job's own.

    `parameters` are the rule's own. `source` is where the code of a custom rule lies, None for a built-in one.
    """

    name: str
    rule: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    source: str | None = None
    actions: tuple[Action, ...] = ()
    other_trials: tuple[str, ...] = ()

    def stops(self, job: str) -> bool:
        """Whether the job is to be stopped when the rule fires."""
        return any(action.stops(job) for action in self.actions)


def rule_configuration(member: Mapping[str, Any]) -> RuleConfiguration:
    """Of a DebugRuleConfiguration or ProfilerRuleConfiguration, as in CreateTrainingJob. Raises BadActions."""
    given = {str(name): str(value) for name, value in (member.get("RuleParameters") or {}).items()}
    others = sorted((name for name in given if _is_other_trial(name)), key=lambda name: int(name.rpartition("_")[2]))
    return RuleConfiguration(
        name=str(member["RuleConfigurationName"]),
        rule=given.get(RULE, ""),
        parameters={
            name: value
            for name, value in given.items()
            if name not in (RULE, SOURCE, ACTION) and not _is_other_trial(name)
        },
        source=given.get(SOURCE),
        actions=(*parse_actions(given.get(ACTION, "")), *_of_stalled_training(given)),
        other_trials=tuple(given[name] for name in others),
    )


def _of_stalled_training(given: Mapping[str, str]) -> tuple[Action, ...]:
    """The one rule whose action is a parameter of its own."""
    if given.get(RULE) != "StalledTrainingRule" or given.get("stop_training_on_fire", "").lower() != "true":
        return ()
    return (Action(STOP_TRAINING, given.get("training_job_name_prefix")),)


def parse_actions(text: str) -> tuple[Action, ...]:
    """Of action_json, as the SDK's actions write themselves: JSON, or JSON with a backslash before each quote.

    Raises BadActions.
    """
    if not text.strip():
        return ()
    try:
        found = _json(text)
        members = [found] if isinstance(found, dict) else list(found)
        return tuple(_action(member) for member in members)
    except (ValueError, TypeError, AttributeError) as error:
        raise BadActions(
            f'action_json is {text!r}: {error}. It is JSON such as [{{"name": "stoptraining", "training_job_prefix": '
            "\"<the job's name>\"}}], as smdebug_rulesconfig's StopTraining() writes it."
        ) from error


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return json.loads(text.replace('\\"', '"'))


def _action(member: Mapping[str, Any]) -> Action:
    name = str(member.get("name")).lower()
    if name not in _TARGETS:
        raise ValueError(f"there is no action {member.get('name')!r}, only {', '.join(_TARGETS)}")
    target = member.get(_TARGETS[name])
    return Action(name, None if target is None else str(target))


def _is_other_trial(name: str) -> bool:
    return name.startswith(OTHER_TRIAL) and name.removeprefix(OTHER_TRIAL).isdigit()
