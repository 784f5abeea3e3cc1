"""What to do next with the model servers of a deployment: a pure decision over what is observed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from local_sagemaker.engine.endpoints.endpoint_failure import Failure, ModelDataFailure, PingFailure

# In service, so many starts in a row that end before they answer a ping make the endpoint Failed. A model server that
# answers and dies later is started again for ever, with growing pauses.
MAX_FAILED_STARTS = 5
# A server that lived so long after it answered died of something new.
LONG_LIFE_SECONDS = 60.0
MAX_PAUSE_SECONDS = 30.0

STARTING_POLL_SECONDS = 0.1
SERVING_POLL_SECONDS = 1.0
ENDING_POLL_SECONDS = 0.1


class Phase(Enum):
    """Where a model server is."""

    ABSENT = "not started"
    STARTING = "started, has not answered a ping"
    ANSWERING = "answers"
    ENDED = "ended"


@dataclass(frozen=True)
class ModelServer:
    """One model server of a variant. `since` (epoch seconds) is when its phase began.

    `failed_starts` and `short_lives` count its last attempts in a row that ended before, or soon after, they answered;
    what ended while nobody watched, as by a shutdown, is not counted. `ended_how` completes "The model server ...".
    """

    index: int
    phase: Phase
    since: float
    failed_starts: int = 0
    short_lives: int = 0
    ended_how: str = "ended"


class ModelData(Enum):
    """Where a variant's model data is."""

    MISSING = "not downloaded"
    FETCHING = "being downloaded"
    FETCHED = "unpacked"
    FAILED = "cannot be had"


@dataclass(frozen=True)
class Variant:
    """A production variant as observed. `fetching_since` in epoch seconds; limits in seconds, None for no limit.

    Servers of an index from `wanted` on are to end.
    """

    name: str
    model_data: ModelData
    servers: tuple[ModelServer, ...]
    wanted: int
    startup_timeout_seconds: float
    fetching_since: float = 0.0
    fetch_timeout_seconds: float | None = None
    fetch_error: str = ""


@dataclass(frozen=True)
class FetchModel:
    """Download and unpack a variant's model data."""

    variant: str


@dataclass(frozen=True)
class StartServer:
    """Start a model server, for the first time or again."""

    variant: str
    index: int


@dataclass(frozen=True)
class KillServer:
    """End a model server that does not come up."""

    variant: str
    index: int


@dataclass(frozen=True)
class EndServer:
    """Let a model server end that is in no route: when it is idle, and until nothing of it is left."""

    variant: str
    index: int


Action = FetchModel | StartServer | KillServer | EndServer


@dataclass(frozen=True)
class Plan:
    """What to do now, whether every server answers, why the deployment has failed, when to look again."""

    actions: tuple[Action, ...] = ()
    ready: bool = False
    failure: Failure | None = None
    check_in_seconds: float | None = None


def decide(variants: Iterable[Variant], now: float, *, in_service: bool) -> Plan:
    """The plan for a deployment that answers already (`in_service`), or that is being brought up.

    While it is brought up, the first model server that ends is a failure: what an update would replace is still there,
    and whoever creates an endpoint wants to hear why at once. In service, servers are started again.
    """
    return _together([_decide_variant(variant, now, in_service=in_service) for variant in variants])


def pause_seconds(server: ModelServer) -> float:
    """How long after its end an ended model server is started again: at once, then 1 s, 2 s, 4 s, ..."""
    crashes = server.failed_starts + server.short_lives
    return 0.0 if crashes <= 1 else min(2.0 ** (crashes - 2), MAX_PAUSE_SECONDS)


def _decide_variant(variant: Variant, now: float, *, in_service: bool) -> Plan:
    match variant.model_data:
        case ModelData.MISSING:
            return Plan(actions=(FetchModel(variant.name),), check_in_seconds=variant.fetch_timeout_seconds)
        case ModelData.FAILED:
            return Plan(failure=ModelDataFailure(variant.fetch_error))
        case ModelData.FETCHING:
            return _wait_for_model(variant, now)
        case ModelData.FETCHED:
            return _together(
                [_decide_server(variant, server, now, in_service=in_service) for server in variant.servers]
            )


def _together(plans: Sequence[Plan]) -> Plan:
    delays = [plan.check_in_seconds for plan in plans if plan.check_in_seconds is not None]
    return Plan(
        actions=tuple(action for plan in plans for action in plan.actions),
        ready=all(plan.ready for plan in plans),
        failure=next((plan.failure for plan in plans if plan.failure), None),
        check_in_seconds=min(delays, default=None),
    )


def _wait_for_model(variant: Variant, now: float) -> Plan:
    limit = variant.fetch_timeout_seconds
    if limit is None:
        return Plan()  # the end of the download wakes the engine
    left = variant.fetching_since + limit - now
    if left > 0:
        return Plan(check_in_seconds=left)
    return Plan(
        failure=ModelDataFailure(
            f"Model data of production variant {variant.name} was not downloaded and unpacked within"
            f" ModelDataDownloadTimeoutInSeconds, {limit:g} seconds."
        )
    )


def _decide_server(variant: Variant, server: ModelServer, now: float, *, in_service: bool) -> Plan:
    if server.index >= variant.wanted:
        return Plan(actions=(EndServer(variant.name, server.index),), check_in_seconds=ENDING_POLL_SECONDS)
    match server.phase:
        case Phase.ABSENT:
            return Plan(actions=(StartServer(variant.name, server.index),), check_in_seconds=STARTING_POLL_SECONDS)
        case Phase.ANSWERING:
            return Plan(ready=True, check_in_seconds=SERVING_POLL_SECONDS)
        case Phase.STARTING:
            if now - server.since <= variant.startup_timeout_seconds:
                return Plan(check_in_seconds=STARTING_POLL_SECONDS)
            kill = KillServer(variant.name, server.index)
            detail = f"No answer within {variant.startup_timeout_seconds:g} seconds"
            failure = None if in_service else PingFailure(variant.name, server.index, detail)
            return Plan(actions=(kill,), failure=failure, check_in_seconds=STARTING_POLL_SECONDS)
        case Phase.ENDED:
            return _restart(variant, server, now, in_service=in_service)


def _restart(variant: Variant, server: ModelServer, now: float, *, in_service: bool) -> Plan:
    crashes = server.failed_starts + server.short_lives
    if not in_service and crashes:
        return Plan(failure=PingFailure(variant.name, server.index, f"The model server {server.ended_how}"))
    if server.failed_starts >= MAX_FAILED_STARTS:
        detail = f"The model server {server.ended_how}, {server.failed_starts} times in a row before it answered"
        return Plan(failure=PingFailure(variant.name, server.index, detail))
    left = server.since + pause_seconds(server) - now
    if left > 0:
        return Plan(check_in_seconds=left)
    return Plan(actions=(StartServer(variant.name, server.index),), check_in_seconds=STARTING_POLL_SECONDS)
