"""One training job in the process that judges jobs: its tensors and its profile, as far as they were read."""

from collections.abc import Sequence

from diagnostics.job import JobFacts
from diagnostics.profile.profile import Profile, ProfilerEvaluation
from diagnostics.profile.reader import ProfileReader
from diagnostics.rules.configuration import ACTION, RuleConfiguration, rule_configuration
from service.aws.clients import Clients
from service.aws.object_source import ObjectSource
from service.evaluation import profiler_rules
from service.evaluation.judged_tensors import JudgedTensors
from service.evaluation.patient_source import PatientSource
from service.evaluation.subject import RuleMembers, Subject


class Session:
    """`tensors` is None for a job that saves none. Reading raises AWS's Problems, and the session is then void."""

    def __init__(self, clients: Clients, subject: Subject) -> None:
        self.subject = subject
        self._sources = [ObjectSource(clients, uri) for uri in (subject.tensors, subject.profile) if uri is not None]
        sources = iter(self._sources)
        self.tensors = (
            None if subject.tensors is None else JudgedTensors(next(sources), _configurations(subject.debug_rules))
        )
        self._profile_files = None if subject.profile is None else PatientSource(next(sources))
        files = [] if self._profile_files is None else [self._profile_files]
        self._reader = ProfileReader(files, self.facts())

    def close(self) -> None:
        """Give threads back."""
        for source in self._sources:
            source.close()

    def facts(self) -> JobFacts:
        """What diagnostics has to know of the job."""
        subject = self.subject
        return JobFacts(
            name=subject.name,
            instance_type=subject.instance_type,
            instance_count=subject.instance_count,
            status=subject.status,
            started_at=subject.started_at,
            ended_at=subject.ended_at,
            hyperparameters=subject.hyperparameters,
        )

    def profile(self, seconds: float) -> tuple[Profile, bool]:
        """The profile so far, and whether all files could be read in the time."""
        if self._profile_files is not None:
            self._profile_files.begin(seconds)
        profile = self._reader.read(self.facts())
        return profile, self._profile_files is None or self._profile_files.left_out == 0

    def verdicts(self, profile: Profile) -> list[ProfilerEvaluation]:
        """What the job's Profiler rules make of it."""
        return profiler_rules.evaluated(profile, _configurations(self.subject.profiler_rules))


def changed(old: Subject, new: Subject) -> bool:
    """Whether what was read and evaluated for `old` cannot stand for `new`."""

    def judged(subject: Subject) -> tuple[str | None, str | None, Sequence[RuleMembers], float]:
        return subject.tensors, subject.profile, subject.debug_rules, subject.created_at

    return judged(old) != judged(new)


def _configurations(rules: Sequence[RuleMembers]) -> list[RuleConfiguration]:
    """What is to be done when a rule fires is not the service's business."""
    found = []
    for rule in rules:
        parameters = {name: value for name, value in rule["RuleParameters"].items() if name != ACTION}
        found.append(rule_configuration({**rule, "RuleParameters": parameters}))
    return found
