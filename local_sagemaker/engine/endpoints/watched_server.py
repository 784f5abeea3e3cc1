"""One model server as the engine sees it, over all its starts: observed, started again, drained and stopped."""

import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local_sagemaker.engine.endpoints.endpoint import LONG_LIFE_SECONDS, ModelServer, Phase
from local_sagemaker.engine.endpoints.routing import RoutedServer, RoutingTable
from local_sagemaker.engine.loop import Background
from local_sagemaker.runtime import process
from local_sagemaker.runtime.memory import resident_bytes
from local_sagemaker.runtime.process import Exited, Lost, NotStarted, ProcessState, Running
from local_sagemaker.runtime.serving import environment as serving
from local_sagemaker.runtime.serving.folder import ServingFolder, Start
from local_sagemaker.runtime.serving.logs import write_line

STOP_GRACE_SECONDS = 10.0  # between SIGTERM, when nothing is under way any more, and SIGKILL


@dataclass
class WatchedServer:
    """A model server. Each start has a folder of its own below `folder`; the last one counts.

    What is kept here is learnt again after a restart of the engine: whether it answers, by a ping.
    """

    index: int
    folder: Path
    log: Path
    log_stream: str
    pings: Background
    memory_limit_mb: int | None = None
    routed: RoutedServer | None = None  # where invocations go while it answers
    _attempt: int = field(init=False)
    _seen_alive: bool = False
    _answering_since: float | None = None
    _ended_at: float = 0.0
    _failed_starts: int = 0
    _short_lives: int = 0
    _terminated_at: float | None = None
    _over_memory: str = ""  # completes "The model server ..."

    def __post_init__(self) -> None:
        """Find the last start."""
        self._attempt = max((int(path.name) for path in self.folder.glob("[0-9]*")), default=1)

    def observe(self, now: float) -> ModelServer:
        """Where it is now. The first look at a living one begins to ping it."""
        state = self._state()
        if isinstance(state, Running):
            self._seen_alive = True
            self._watch_memory(state)
            self._insist(now)
            self._ping(now)
            if self._terminated_at is not None:
                return self._in(Phase.STARTING, now)  # it is ending: wanted again, it is started anew afterwards
            if self._answering_since is None:
                return self._in(Phase.STARTING, self._start_folder.started_at())
            return self._in(Phase.ANSWERING, self._answering_since)
        self.routed = None
        if isinstance(state, NotStarted):
            return self._in(Phase.ABSENT, now)
        if self._terminated_at is not None:
            self._seen_alive, self._ended_at = False, now  # as asked for
        if self._seen_alive:
            self._count_end(state.ended_at if isinstance(state, Exited) else now)
        return self._in(Phase.ENDED, self._ended_at, self._over_memory or _ended_how(state))

    def start(self, what: Start, environment: Mapping[str, str], mounts: Mapping[str, Path]) -> None:
        """Start it, for the first time or again, with its own view of `mounts`."""
        state = self._state()
        if isinstance(state, Running):  # by a start whose shim had not been there yet at the last look
            return
        if not isinstance(state, NotStarted):
            shutil.rmtree(self._start_folder.path, ignore_errors=True)
            self._attempt += 1
        # Counted as seen: one that has ended before the next look has failed to start.
        self._seen_alive, self._answering_since, self.routed, self._over_memory = True, None, None, ""
        self._terminated_at = None
        self._start_folder.start(what, environment, self.log, mounts)

    def signal(self, signum: signal.Signals) -> bool:
        """Send a signal; False when it does not run."""
        state = self._state()
        if not isinstance(state, Running):
            return False
        process.send_signal(state, signum)
        return True

    def end(self, routes: RoutingTable, now: float, *, drained: bool) -> bool:
        """One step towards its end: SIGTERM when it is idle (or `drained`), SIGKILL later. Whether it has ended."""
        if not isinstance(self._state(), Running):
            self.pings.poll(self._ping_key)
            return not self.pings.running(self._ping_key)
        if self._terminated_at is None and (drained or self.routed is None or routes.idle(self.routed)):
            self._terminated_at, self.routed = now, None
            self.signal(signal.SIGTERM)
        self._insist(now)
        return False

    def runs(self) -> bool:
        """Whether its process is alive."""
        return isinstance(self._state(), Running)

    @property
    def _start_folder(self) -> ServingFolder:
        return ServingFolder(self.folder / str(self._attempt))

    @property
    def _ping_key(self) -> Path:
        return self._start_folder.path

    def _state(self) -> ProcessState:
        return process.observe(self._start_folder.path)

    def _in(self, phase: Phase, since: float, ended_how: str = "ended") -> ModelServer:
        return ModelServer(self.index, phase, since, self._failed_starts, self._short_lives, ended_how)

    def _ping(self, now: float) -> None:
        if self._answering_since is not None or self._terminated_at is not None:
            return
        port = self._start_folder.port()
        if port is None:
            return
        finished = self.pings.poll(self._ping_key)
        if finished is not None and finished.exception() is None and finished.result():
            self._answering_since = now
            self.routed = RoutedServer(f"http://127.0.0.1:{port}/invocations", self.log_stream)
        else:
            self.pings.start(self._ping_key, lambda: serving.answers_ping(port))

    def _insist(self, now: float) -> None:
        if self._terminated_at is not None and now - self._terminated_at > STOP_GRACE_SECONDS:
            self.signal(signal.SIGKILL)

    def _watch_memory(self, state: Running) -> None:
        """Kill a server that uses more than it may, as a container is."""
        if self.memory_limit_mb is None or state.pid <= 0 or self._over_memory:
            return
        used_mb = resident_bytes(state.pid) // 2**20
        if used_mb > self.memory_limit_mb:
            self._over_memory = f"used {used_mb} MB of memory, more than MemorySizeInMB, {self.memory_limit_mb}"
            write_line(self.log, f"local_sagemaker ends this model server: it {self._over_memory}")
            process.send_signal(state, signal.SIGKILL)

    def _count_end(self, ended_at: float) -> None:
        if self._answering_since is None:
            self._failed_starts += 1
        elif ended_at - self._answering_since < LONG_LIFE_SECONDS:
            self._failed_starts, self._short_lives = 0, self._short_lives + 1
        else:
            self._failed_starts, self._short_lives = 0, 0
        self._seen_alive, self._answering_since, self._ended_at = False, None, ended_at


def _ended_how(state: Exited | Lost) -> str:
    """Completes "The model server ..."."""
    if isinstance(state, Lost):
        return "is gone without a record"
    if state.returncode >= 0:
        return f"exited with code {state.returncode}"
    hint = " (the machine may have run out of memory)" if state.returncode == -signal.SIGKILL else ""
    return f"was ended by {signal.Signals(-state.returncode).name}{hint}"
