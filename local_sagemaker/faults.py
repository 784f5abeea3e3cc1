"""Faults on demand, so that users can test their own retry code: slow, throttled and failed requests, killed processes.

Written as rules between commas, `latency=0.2:0.5, throttling=0.1, ListTrainingJobs.error=0.05, kill=0.01, seed=7`:

    latency=SECONDS[:PROBABILITY]   the answer comes so much later
    throttling=PROBABILITY          ThrottlingException (S3: SlowDown) in place of the operation
    error=PROBABILITY               InternalFailure or ServiceUnavailable (S3: InternalError) in place of the operation
    kill=PROBABILITY                in each second of its life, a running process is killed
    seed=INTEGER                    the same faults each time for the same requests in the same order

`SCOPE.` before a rule confines it: an operation, a service (`s3` only so: rules without a scope spare it), and for kill
`training` (a training script's hosts) or `endpoint` (model servers). The narrowest rule of a kind holds.
"""

import math
import random
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from local_sagemaker.errors import AwsError, InternalFailure, ServiceUnavailable, ThrottlingException

SERVICES = ("sagemaker", "sagemaker-runtime", "logs", "cloudwatch", "iam", "sts", "s3")
PROCESSES = ("training", "endpoint")
REQUEST_KINDS = ("latency", "throttling", "error")
MAX_LATENCY_SECONDS = 600.0
_RULE = re.compile(
    r"(?:(?P<scope>[A-Za-z][A-Za-z0-9-]*)\.)?(?P<kind>[a-z]+)=(?P<value>[0-9.]+)(?::(?P<probability>[0-9.]+))?"
)


class BadFaults(ValueError):
    """The rules cannot be read; the message says which and what they may be."""


@dataclass(frozen=True)
class Rule:
    """How often a fault happens; `seconds` of latency."""

    probability: float
    seconds: float = 0.0


@dataclass(frozen=True)
class FaultRules:
    """Rules by (scope, kind); the scope of all is empty."""

    rules: Mapping[tuple[str, str], Rule] = field(default_factory=dict)
    seed: int | None = None

    def narrowest(self, kind: str, *scopes: str) -> Rule | None:
        """The rule of a kind for the first of the scopes that has one."""
        return next((self.rules[scope, kind] for scope in scopes if (scope, kind) in self.rules), None)


@dataclass(frozen=True)
class Fault:
    """What shall happen to a request."""

    latency_seconds: float = 0.0
    error: AwsError | None = None


class Faults:
    """The rules that hold now, and the dice."""

    def __init__(self, text: str = "", operations: Collection[str] = ()) -> None:
        self._operations = frozenset(operations)
        self.change(text)

    def change(self, text: str) -> None:
        """Put other rules in force, none for an empty text. Raises BadFaults and leaves them as they are."""
        self._rules = parse(text, self._operations)
        self.text = text.strip()
        self._seed = secrets.randbits(64) if self._rules.seed is None else self._rules.seed
        self._random = random.Random(self._seed)  # noqa: S311 - dice
        self.active = any(kind in REQUEST_KINDS for _, kind in self._rules.rules)
        self.kills = any(kind == "kill" for _, kind in self._rules.rules)

    def of_request(self, service: str, operation: str = "") -> Fault:
        """What shall happen to this request."""
        scopes = (service,) if service == "s3" else (operation, service, "")
        latency = self._thrown("latency", scopes)
        error: AwsError | None = None
        if self._thrown("throttling", scopes) is not None:
            error = ThrottlingException("Rate exceeded")
        elif (rule := self._thrown("error", scopes)) is not None:
            kind = self._random.choice((InternalFailure, ServiceUnavailable))
            error = kind(f"local_sagemaker was asked to fail so (faults: error={rule.probability:g}).")
        return Fault(latency.seconds if latency is not None else 0.0, error)

    def lifetime_seconds(self, process: str, name: str) -> float:
        """How long a process lives before it is killed; infinite when it is not. `process` is one of PROCESSES."""
        rule = self._rules.narrowest("kill", process, "")
        if rule is None or rule.probability == 0:
            return math.inf
        if rule.probability == 1:
            return 0.0
        survived = 1.0 - random.Random(f"{self._seed}/{process}/{name}").random()  # noqa: S311 - dice
        return math.log(survived) / math.log(1 - rule.probability)

    def _thrown(self, kind: str, scopes: Collection[str]) -> Rule | None:
        rule = self._rules.narrowest(kind, *scopes)
        return rule if rule is not None and self._random.random() < rule.probability else None


def parse(text: str, operations: Collection[str]) -> FaultRules:
    """The rules of a text; scopes are `operations`, services and kinds of processes. Raises BadFaults."""
    rules: dict[tuple[str, str], Rule] = {}
    seed: int | None = None
    for part in (part.strip() for part in text.split(",")):
        if not part:
            continue
        found = _RULE.fullmatch(part)
        if found is None:
            raise BadFaults(f"{part!r} is no rule: it must be like throttling=0.1 or latency=0.5:0.2")
        scope, kind = found["scope"] or "", found["kind"]
        if kind == "seed" and not scope and found["value"].isdecimal() and found["probability"] is None:
            seed = int(found["value"])
            continue
        _check_scope(part, scope, kind, operations)
        if (scope, kind) in rules:
            raise BadFaults(f"{part!r}: there is another rule of this kind and scope")
        rules[scope, kind] = _rule(part, kind, found["value"], found["probability"])
    return FaultRules(rules, seed)


def _check_scope(part: str, scope: str, kind: str, operations: Collection[str]) -> None:
    if kind not in (*REQUEST_KINDS, "kill"):
        raise BadFaults(f"{part!r}: there are the kinds {', '.join(REQUEST_KINDS)}, kill, and seed=INTEGER")
    known = PROCESSES if kind == "kill" else (*SERVICES, *operations)
    if scope and scope not in known:
        named = ", ".join(PROCESSES if kind == "kill" else SERVICES)
        raise BadFaults(
            f"{part!r}: the scope of {kind} is one of {named}{'' if kind == 'kill' else ' or an operation'}"
        )


def _rule(part: str, kind: str, value: str, probability: str | None) -> Rule:
    try:
        if kind == "latency":
            rule = Rule(float(probability or 1), float(value))
        elif probability is not None:
            raise BadFaults(f"{part!r}: only latency takes two numbers")
        else:
            rule = Rule(float(value))
    except ValueError as error:
        if isinstance(error, BadFaults):
            raise
        raise BadFaults(f"{part!r}: {error}") from None
    if rule.probability > 1:
        raise BadFaults(f"{part!r}: a probability is between 0 and 1")
    if rule.seconds > MAX_LATENCY_SECONDS:
        raise BadFaults(f"{part!r}: a latency is at most {MAX_LATENCY_SECONDS:g} seconds")
    return rule
