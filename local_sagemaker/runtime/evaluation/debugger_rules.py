"""The Debugger rules of a job: the built-in ones over one reading of its tensors, custom ones each on its own."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from diagnostics.rules.catalogue import build_rule
from diagnostics.rules.configuration import BadActions, RuleConfiguration, rule_configuration
from diagnostics.rules.evaluation import Evaluation
from diagnostics.rules.rule_evaluation import RuleEvaluation, RuleStatus
from diagnostics.source import Folder
from diagnostics.tensors.curve import Curve
from diagnostics.tensors.stream import TensorStream
from local_sagemaker.runtime.evaluation.custom_rules import CustomRule
from local_sagemaker.runtime.evaluation.request import EvaluationRequest
from local_sagemaker.runtime.evaluation.statuses import Standing

SLICE_SECONDS = 1.0  # of reading, until what was found is told


class DebuggerRules:
    """All of them, in the order of the request."""

    def __init__(self, request: EvaluationRequest, folder: Path) -> None:
        self._job = request.job.name
        self._names = [str(member["RuleConfigurationName"]) for member in request.debug_rules]
        self._configurations: list[RuleConfiguration] = []
        self._broken: dict[str, RuleEvaluation] = {}
        for member in request.debug_rules:
            self._add(member)
        self._stream = TensorStream([Folder(root) for root in request.tensors])
        built_in = [configuration for configuration in self._configurations if configuration.source is None]
        self._evaluation = Evaluation(built_in, self._stream, build_rule)
        self._custom = {
            configuration.name: CustomRule(configuration, request, folder / f"{number:02d}")
            for number, configuration in enumerate(self._configurations)
            if configuration.source is not None
        }
        self._newest = time.monotonic()
        self._seen = 0
        self._concluded = False

    @property
    def done(self) -> bool:
        """Whether every rule has said its last word."""
        return self._concluded and all(rule.done for rule in self._custom.values())

    @property
    def curves(self) -> Sequence[Curve]:
        """The losses so far."""
        return self._stream.losses()

    def advance(self, *, ended: bool) -> bool:
        """Read what has come, for a while. Whether nothing is left to read now."""
        caught_up = self._concluded or self._evaluation.advance(SLICE_SECONDS)
        now = time.monotonic()
        if self._stream.steps_seen != self._seen:
            self._seen, self._newest = self._stream.steps_seen, now
        if caught_up and ended and not self._concluded:
            self._evaluation.conclude()
            self._concluded = True
        elif caught_up and not ended:
            self._evaluation.idle(now - self._newest)
        for rule in self._custom.values():
            rule.advance(ended=ended)
        return caught_up

    def close(self) -> None:
        """End the custom rules' processes."""
        for rule in self._custom.values():
            rule.close()

    def evaluations(self) -> list[RuleEvaluation]:
        """How they stand, in the order of the request."""
        found = {evaluation.name: evaluation for evaluation in self._evaluation.evaluations()}
        found |= {name: rule.evaluation for name, rule in self._custom.items()} | self._broken
        return [found[name] for name in self._names]

    def standings(self) -> list[Standing]:
        """The same for the engine."""
        stops = {configuration.name: configuration.stops(self._job) for configuration in self._configurations}
        return [
            Standing(
                evaluation.name,
                evaluation.rule,
                evaluation.status,
                evaluation.details,
                stop_training=evaluation.status is RuleStatus.ISSUES_FOUND and stops.get(evaluation.name, False),
            )
            for evaluation in self.evaluations()
        ]

    def _add(self, member: Mapping[str, Any]) -> None:
        try:
            self._configurations.append(rule_configuration(member))
        except BadActions as error:
            name = str(member["RuleConfigurationName"])
            rule = str((member.get("RuleParameters") or {}).get("rule_to_invoke", ""))
            self._broken[name] = RuleEvaluation(name, rule, RuleStatus.ERROR, str(error))
