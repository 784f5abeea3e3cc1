"""Kills running processes when faults ask for it (faults.py), for tests of what survives that."""

import contextlib
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from local_sagemaker import clock
from local_sagemaker.faults import Faults
from local_sagemaker.runtime import process
from local_sagemaker.settings import Settings
from local_sagemaker.store import pages, training_jobs
from local_sagemaker.store.database import Database
from local_sagemaker.store.rows import StaleRow

LOOK_SECONDS = 0.25
HELPERS = ("sampler", "evaluation")  # folders of what runs beside a script


class Killer:
    """A reconciler that is idle unless a rule `kill=` is in force. What it kills, others find and deal with."""

    def __init__(self, settings: Settings, database: Database, faults: Faults) -> None:
        self._settings = settings
        self._database = database
        self._faults = faults
        self._killed: Counter[Path] = Counter()  # a process that takes a killed one's place has a life of its own

    def reconcile(self) -> float | None:
        """Kill what has lived as long as it shall."""
        if not self._faults.kills:
            return None
        now = clock.now()
        for kind, folder in self._folders():
            try:
                lived = now - (folder / "process.json").stat().st_mtime
            except FileNotFoundError:  # a job or an endpoint that ended meanwhile
                continue
            name = f"{folder.relative_to(self._settings.state_dir).as_posix()}#{self._killed[folder]}"
            state = process.observe(folder)
            if isinstance(state, process.Running) and lived >= self._faults.lifetime_seconds(kind, name):
                if kind != "training" or not self._interrupted(folder, now):
                    process.send_signal(state, signal.SIGKILL)
                self._killed[folder] += 1
        return LOOK_SECONDS

    def _interrupted(self, folder: Path, now: float) -> bool:
        """Whether the process is a managed spot training job's: its instances are taken away, as AWS does."""
        job = training_jobs.get(self._database, folder.relative_to(self._settings.jobs_dir).parts[0])
        if job is None or not job.request.get("EnableManagedSpotTraining"):
            return False
        if job.status == "InProgress" and job.phase == "Training" and not job.interruption:
            with contextlib.suppress(StaleRow):  # it goes on, and lives a little longer
                training_jobs.request_interruption(self._database, job, now)
        return True

    def _folders(self) -> Iterator[tuple[str, Path]]:
        """The folders in which commands were started and may run."""
        for name, _ in pages.names(self._database, pages.ACTIVE_TRAINING_JOBS):
            for record in (self._settings.jobs_dir / name).glob("**/process.json"):
                if record.parent.name not in HELPERS:
                    yield "training", record.parent
        for record in self._settings.endpoints_dir.glob("**/process.json"):
            yield "endpoint", record.parent
