"""The Profiler rules of a job, and what they write for people."""

import json
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from diagnostics.job import JobFacts
from diagnostics.profile.profile import Profile, ProfilerEvaluation
from diagnostics.profile.reader import ProfileReader
from diagnostics.profile.rules.catalogue import check, evaluate, evaluate_all
from diagnostics.profile.rules.report import PROFILER_REPORT
from diagnostics.report.report import JobReport
from diagnostics.rules.configuration import RuleConfiguration, rule_configuration
from diagnostics.rules.rule_evaluation import RuleEvaluation, RuleStatus, condition_met, short
from diagnostics.source import Folder
from diagnostics.tensors.curve import Curve
from local_sagemaker.runtime import shim
from local_sagemaker.runtime.evaluation.request import EvaluationRequest
from local_sagemaker.runtime.evaluation.statuses import Standing

OUTPUT = "profiler-output"

logger = logging.getLogger(__name__)


class ProfilerRules:
    """All of them. Their verdicts are on the profile as a whole, so they are InProgress until the job has ended; what
    they write is refreshed meanwhile.
    """

    def __init__(self, request: EvaluationRequest, output: Path) -> None:
        self._reader = ProfileReader([Folder(root) for root in request.profiles], request.job)
        self._output = output
        self._rules: list[RuleConfiguration] = []
        self._standings: dict[str, Standing] = {}
        self.told(request)

    @property
    def active(self) -> bool:
        """Whether any rule goes on."""
        return any(standing.status is RuleStatus.IN_PROGRESS for standing in self._standings.values())

    def told(self, request: EvaluationRequest) -> None:
        """Take the rules of the request: UpdateTrainingJob may have changed them."""
        self._rules, self._standings = [], {}
        for member in request.profiler_rules:
            self._add(member)

    def standings(self) -> list[Standing]:
        """How they stand."""
        return list(self._standings.values())

    def refresh(self, job: JobFacts, curves: Sequence[Curve], debugger: Sequence[RuleEvaluation]) -> None:
        """Write anew what is known so far; when the job has ended, judge."""
        profile = self._reader.read(job)
        for rule in self._rules:
            if self._standings[rule.name].status is not RuleStatus.IN_PROGRESS:
                continue
            standing = self._judge(rule, profile, curves, debugger)
            if job.ended_at is not None:
                self._standings[rule.name] = standing

    def _judge(
        self, rule: RuleConfiguration, profile: Profile, curves: Sequence[Curve], debugger: Sequence[RuleEvaluation]
    ) -> Standing:
        try:
            found = evaluate(rule.rule, profile, rule.parameters)
            if rule.rule == PROFILER_REPORT:
                each = evaluate_all(profile, rule.parameters)
                self._write_page(rule, JobReport(profile.job, curves, debugger, each, profile))
            else:
                each = [found]
            for evaluation in each:
                self._write_json(rule, evaluation)
        except Exception as error:  # the other rules go on, and this one says what happened
            logger.exception("the rule %s failed", rule.rule)
            return _standing(rule, RuleStatus.ERROR, f"The rule {rule.rule} failed: {type(error).__name__}: {error}")
        return standing_of(rule, found)

    def _add(self, member: Mapping[str, Any]) -> None:
        rule = RuleConfiguration(str(member["RuleConfigurationName"]), "")
        try:
            rule = rule_configuration(member)
            check(rule.rule, rule.parameters)
        except ValueError as error:  # such a rule there is not, or not with such parameters
            self._standings[rule.name] = _standing(rule, RuleStatus.ERROR, str(error))
            return
        self._rules.append(rule)
        self._standings[rule.name] = _standing(rule, RuleStatus.IN_PROGRESS, "")

    def _write_page(self, rule: RuleConfiguration, report: JobReport) -> None:
        from diagnostics.report.job_page import job_page  # noqa: PLC0415 - matplotlib costs a second and 50 MB

        _write(self._output / rule.name / OUTPUT / "profiler-report.html", job_page(report))

    def _write_json(self, rule: RuleConfiguration, evaluation: ProfilerEvaluation) -> None:
        path = self._output / rule.name / OUTPUT / "profiler-reports" / f"{evaluation.rule}.json"
        _write(path, json.dumps(evaluation.as_aws_json(), indent=1, default=_plain))


def standing_of(rule: RuleConfiguration, evaluation: ProfilerEvaluation) -> Standing:
    """The last word of a rule on a whole profile. SageMaker writes step 0 where there is none."""
    finding = evaluation.finding
    if finding is not None:
        details = condition_met(rule.rule, 0, (finding.what, finding.why, *finding.advice))
        return _standing(rule, RuleStatus.ISSUES_FOUND, details)
    if evaluation.unjudged is not None:
        return _standing(rule, RuleStatus.ERROR, f"{rule.rule} could not be evaluated. {evaluation.unjudged}")
    return _standing(rule, RuleStatus.NO_ISSUES_FOUND, "")


def _standing(rule: RuleConfiguration, status: RuleStatus, details: str) -> Standing:
    return Standing(rule.name, rule.rule, status, short(details))


def _write(path: Path, text: str) -> None:
    """By rename: the engine uploads it while it is refreshed. A full disk is waited for."""
    temporary = path.with_name(f"{path.name}.tmp")

    def write() -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)

    shim.patiently(write)


def _plain(value: Any) -> Any:
    """Of a number of numpy's."""
    return value.item()
