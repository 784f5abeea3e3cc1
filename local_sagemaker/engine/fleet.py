"""The model servers of one deployment: observed, started, drained and stopped."""

import contextlib
import logging
import shutil
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path

from diagnostics.instances import instance_type
from local_sagemaker.engine import endpoint as decision
from local_sagemaker.engine.endpoint import ModelData, ModelServer, Phase
from local_sagemaker.engine.loop import Background
from local_sagemaker.engine.routing import Route, RoutedServer, RoutedVariant, RoutingTable
from local_sagemaker.runtime import process, serving, serving_model
from local_sagemaker.runtime.compute_share import compute_share, host_cores, host_gpus
from local_sagemaker.runtime.failure import error_message
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.runtime.process import Exited, Lost, NotStarted, Running
from local_sagemaker.runtime.serving import Serving, ServingFolder
from local_sagemaker.runtime.serving_logs import log_file
from local_sagemaker.runtime.serving_model import ModelSource
from local_sagemaker.settings import Settings
from local_sagemaker.store.endpoints import Deployment, Endpoint, Variant

logger = logging.getLogger(__name__)

STOP_GRACE_SECONDS = 10.0  # between SIGTERM, when nothing is under way any more, and SIGKILL
STOP_POLL_SECONDS = 0.1


@dataclass
class _Watched:
    """What the engine remembers of a model server. After a restart of the engine it is learnt again."""

    attempt: int = 0
    alive: bool = False  # seen alive in this attempt, by this engine
    answered_at: float | None = None
    routed: RoutedServer | None = None
    ended_at: float = 0.0
    failed_starts: int = 0
    short_lives: int = 0
    terminated_at: float | None = None


@dataclass
class _Fetch:
    """A download of model data."""

    since: float
    error: str = ""


@dataclass
class Fleet:
    """The model servers of one deployment of an endpoint. Used by the engine's thread alone."""

    endpoint: Endpoint
    deployment: Deployment
    settings: Settings
    background: Background
    objects: Objects
    routes: RoutingTable
    _watched: dict[tuple[str, int], _Watched] = field(default_factory=dict)
    _fetches: dict[str, _Fetch] = field(default_factory=dict)
    _retired_at: float | None = None

    @property
    def folder(self) -> Path:
        """Everything of the deployment but its logs."""
        return self.settings.endpoints_dir / self.endpoint.name.lower() / "deployments" / self.deployment.id

    def observe(self, now: float) -> list[decision.Variant]:
        """What is true of the deployment now."""
        return [self._observe_variant(variant, now) for variant in self.deployment.variants]

    def apply(self, action: decision.Action, now: float) -> None:
        """Carry out one step of a plan."""
        variant = next(variant for variant in self.deployment.variants if variant.name == action.variant)
        match action:
            case decision.FetchModel():
                self._fetch(variant, now)
            case decision.StartServer(index=index):
                self._start(variant, index)
            case decision.KillServer(index=index):
                self._signal(variant.name, index, signal.SIGKILL)

    def failure_reason(self, failure: decision.Failure) -> str:
        """The FailureReason, with the model's last error from its log."""
        if isinstance(failure, decision.ModelDataFailure):
            return decision.failure_reason(failure, "")
        return decision.failure_reason(failure, error_message(self._log(failure.variant, failure.index)))

    def route(self) -> Route:
        """The servers that answer at present."""
        return Route(
            tuple(
                RoutedVariant(variant.name, variant.weight, self._routed(variant), variant.least_loaded)
                for variant in self.deployment.variants
            )
        )

    def retire(self, now: float) -> float | None:
        """Let go of a fleet that is in no route: wait for its invocations, end its servers, remove its folder.

        Answers when to look again, None when all of it is gone.
        """
        self._retired_at = self._retired_at or now
        drained = now - self._retired_at > self.settings.invocation_timeout_seconds
        ended = [self._stop(key, now, drained=drained) for key in self._keys()]
        for variant in self.deployment.variants:
            self.background.poll(self._fetch_key(variant.name))
        busy = any(self.background.running(self._fetch_key(variant.name)) for variant in self.deployment.variants)
        if not all(ended) or busy:
            return STOP_POLL_SECONDS
        self._poll_pings()
        shutil.rmtree(self.folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # other deployments are there
            self.folder.parent.rmdir()
        return STOP_POLL_SECONDS if self.folder.exists() else None

    def terminate(self, signum: signal.Signals) -> bool:
        """Signal every model server without waiting for anything; False when none was left."""
        living = [key for key in self._keys() if isinstance(self._state(key), Running)]
        for name, index in living:
            self._signal(name, index, signum)
        return bool(living)

    def _observe_variant(self, variant: Variant, now: float) -> decision.Variant:
        model_data, fetch = self._observe_model_data(variant), self._fetches.get(variant.name)
        return decision.Variant(
            variant.name,
            model_data,
            tuple(self._observe_server(variant.name, index, now) for index in range(self._count(variant)))
            if model_data is ModelData.FETCHED
            else (),
            startup_timeout_seconds=variant.startup_timeout_seconds or self.settings.startup_timeout_seconds,
            fetching_since=fetch.since if fetch else now,
            fetch_timeout_seconds=variant.download_timeout_seconds,
            fetch_error=fetch.error if fetch else "",
        )

    def _observe_model_data(self, variant: Variant) -> ModelData:
        key = self._fetch_key(variant.name)
        finished = self.background.poll(key)
        error = finished.exception() if finished else None
        if error is not None:
            if not isinstance(error, serving_model.ModelDataFailed):
                logger.error("fetching model data failed", exc_info=error)
            self._fetches[variant.name].error = str(error) or type(error).__name__
        if serving_model.is_fetched(self._variant_folder(variant.name)):
            return ModelData.FETCHED
        fetch = self._fetches.get(variant.name)
        if fetch is not None and fetch.error:
            return ModelData.FAILED
        return ModelData.FETCHING if self.background.running(key) else ModelData.MISSING

    def _observe_server(self, name: str, index: int, now: float) -> ModelServer:
        watched = self._watch((name, index))
        state = self._state((name, index))
        if isinstance(state, Running):
            watched.alive = True
            if watched.answered_at is None:
                self._ping(name, index, watched, now)
            folder = self._attempt_folder((name, index))
            phase, since = (
                (Phase.STARTING, folder.started_at())
                if watched.answered_at is None
                else (Phase.ANSWERING, watched.answered_at)
            )
            return ModelServer(index, phase, since, watched.failed_starts, watched.short_lives)
        watched.routed = None
        if isinstance(state, NotStarted):
            return ModelServer(index, Phase.ABSENT, now, watched.failed_starts, watched.short_lives)
        if watched.alive:
            watched.ended_at = state.ended_at if isinstance(state, Exited) else now
            self._count_end(watched)
        return ModelServer(
            index, Phase.ENDED, watched.ended_at, watched.failed_starts, watched.short_lives, _ended_how(state)
        )

    def _count_end(self, watched: _Watched) -> None:
        if watched.answered_at is None:
            watched.failed_starts += 1
        elif watched.ended_at - watched.answered_at < decision.LONG_LIFE_SECONDS:
            watched.failed_starts, watched.short_lives = 0, watched.short_lives + 1
        else:
            watched.failed_starts, watched.short_lives = 0, 0
        watched.alive, watched.answered_at = False, None

    def _ping(self, name: str, index: int, watched: _Watched, now: float) -> None:
        folder = self._attempt_folder((name, index))
        port = folder.port()
        if port is None:
            return
        finished = self.background.poll(("ping", folder.path))
        if finished is not None and finished.exception() is None and finished.result():
            watched.answered_at = now
            watched.routed = RoutedServer(f"http://127.0.0.1:{port}/invocations", self._stream(name, index))
        else:
            self.background.start(("ping", folder.path), lambda: serving.answers_ping(port))

    def _poll_pings(self) -> None:
        for key in self._keys():
            self.background.poll(("ping", self._attempt_folder(key).path))

    def _fetch(self, variant: Variant, now: float) -> None:
        folder = self._variant_folder(variant.name)
        self._fetches[variant.name] = _Fetch(since=now)
        self.background.start(
            self._fetch_key(variant.name),
            lambda: serving_model.fetch(
                self.objects,
                ModelSource(variant.model_data_url, variant.environment, variant.volume_size_gb),
                folder,
                self.settings.state_dir / "cache",
                self._log(variant.name, 0),
            ),
        )

    def _start(self, variant: Variant, index: int) -> None:
        key = (variant.name, index)
        watched = self._watch(key)
        if not isinstance(self._state(key), NotStarted):
            shutil.rmtree(self._attempt_folder(key).path, ignore_errors=True)
            watched.attempt += 1
        watched.alive, watched.answered_at, watched.routed = True, None, None
        model_dir = self._variant_folder(variant.name) / "model"
        share = compute_share(
            instance_type(variant.instance_type), len(self._keys()), cores=host_cores(), gpus=host_gpus()
        )
        self._attempt_folder(key).start(
            Serving(
                model_dir=model_dir,
                code_dir=serving.code_dir(variant.environment, model_dir),
                packages_dir=serving_model.packages_dir(self._variant_folder(variant.name)),
                program=variant.environment.get("SAGEMAKER_PROGRAM"),
                timeout_seconds=self.settings.invocation_timeout_seconds,
            ),
            serving.environment(
                variant.environment,
                model_dir=model_dir,
                region=self.endpoint.arn.split(":")[3],
                share=share,
                endpoint_url=self.objects.endpoint_url,
            ),
            self._log(*key),
        )

    def _stop(self, key: tuple[str, int], now: float, *, drained: bool) -> bool:
        """Move one server towards its end; whether it has ended."""
        if not isinstance(self._state(key), Running):
            return True
        watched = self._watch(key)
        if watched.terminated_at is None:
            if drained or watched.routed is None or self.routes.idle(watched.routed):
                watched.terminated_at = now
                self._signal(*key, signal.SIGTERM)
        elif now - watched.terminated_at > STOP_GRACE_SECONDS:
            self._signal(*key, signal.SIGKILL)
        return False

    def _signal(self, name: str, index: int, signum: signal.Signals) -> None:
        state = self._state((name, index))
        if isinstance(state, Running):
            process.send_signal(state, signum)

    def _state(self, key: tuple[str, int]) -> NotStarted | Running | Exited | Lost:
        return process.observe(self._attempt_folder(key).path)

    def _watch(self, key: tuple[str, int]) -> _Watched:
        if key not in self._watched:
            attempts = [int(path.name) for path in self._server_folder(key).glob("[0-9]*")]
            self._watched[key] = _Watched(attempt=max(attempts, default=1))
        return self._watched[key]

    def _routed(self, variant: Variant) -> tuple[RoutedServer, ...]:
        watched = (self._watched.get((variant.name, index)) for index in range(self._count(variant)))
        return tuple(server.routed for server in watched if server and server.routed)

    def _keys(self) -> list[tuple[str, int]]:
        return [(variant.name, index) for variant in self.deployment.variants for index in range(self._count(variant))]

    def _count(self, variant: Variant) -> int:
        return min(variant.instance_count, host_cores())

    def _fetch_key(self, name: str) -> tuple[str, Path]:
        return ("model", self._variant_folder(name))

    def _variant_folder(self, name: str) -> Path:
        return self.folder / name

    def _server_folder(self, key: tuple[str, int]) -> Path:
        return self._variant_folder(key[0]) / "servers" / str(key[1])

    def _attempt_folder(self, key: tuple[str, int]) -> ServingFolder:
        return ServingFolder(self._server_folder(key) / str(self._watch(key).attempt))

    def _stream(self, name: str, index: int) -> str:
        return f"{name}/i-{self.deployment.id}{index}"

    def _log(self, name: str, index: int) -> Path:
        return log_file(self.settings, self.endpoint.name, self._stream(name, index))


def _ended_how(state: Exited | Lost) -> str:
    if isinstance(state, Lost):
        return "is gone without a record"
    if state.returncode >= 0:
        return f"exited with code {state.returncode}"
    hint = " (the machine may have run out of memory)" if state.returncode == -signal.SIGKILL else ""
    return f"was ended by {signal.Signals(-state.returncode).name}{hint}"


def stop_all(fleets: list[Fleet], grace_seconds: float = STOP_GRACE_SECONDS) -> None:
    """End the model servers of all fleets, for a shutdown: SIGTERM, and SIGKILL for what is left after the grace."""
    deadline = time.monotonic() + grace_seconds
    signum = signal.SIGTERM
    while fleets:
        fleets = [fleet for fleet in fleets if fleet.terminate(signum)]
        if time.monotonic() > deadline:
            signum = signal.SIGKILL
        time.sleep(0.02)
