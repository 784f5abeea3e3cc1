"""Starting scripts from a process that has imported what they import (runtime/warm_pool), where that is wanted.

It is for the jobs of a warm pool, and for the trials of a tuning job, which share one without being asked.
"""

import logging
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local_sagemaker.engine.training.shared_imports import SharedImports
from local_sagemaker.runtime import process
from local_sagemaker.runtime.process import Command
from local_sagemaker.runtime.training.command import torch_distributed
from local_sagemaker.runtime.training.source import EntryPoint, entry_point
from local_sagemaker.runtime.training.spec import TrainingSpec
from local_sagemaker.runtime.warm_pool.imports import LearnedImports
from local_sagemaker.runtime.warm_pool.kind import Kind, kind_of
from local_sagemaker.settings import Settings
from local_sagemaker.store import training_jobs, tuning_jobs, warm_pools
from local_sagemaker.store.database import Database
from local_sagemaker.store.training_jobs import TrainingJob

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
MOST = 4  # templates at once: each has the memory of its imports


@dataclass(frozen=True)
class Start:
    """A start of a job that is under way."""

    attempt: int
    kind: Kind
    command: Command


class WarmStarts:
    """The templates of this process. They end with it, or when nobody has a use for them."""

    def __init__(self, settings: Settings, database: Database) -> None:
        state_dir = settings.state_dir.resolve()
        self._warm_trials = settings.warm_trials
        self._database = database
        self._learned = LearnedImports(state_dir / "cache/imports")
        self._folder = state_dir / "warm-pools"
        shutil.rmtree(self._folder, ignore_errors=True)  # of an earlier process, whose templates have ended with it
        self._folders = 0
        self._shared: dict[tuple[str, str], SharedImports] = {}
        self._starts: dict[str, Start] = {}
        self._pruned_at = 0.0

    def start(self, job: TrainingJob, host: TrainingSpec, command: Callable[[], Command]) -> None:
        """Start the host's script, or do nothing yet: then it is to be asked again, soon."""
        if not self._is_wanted(job) or not is_plain(host):
            process.start(host.folder.root, command())
            return
        begun = self._starts.get(job.name)
        if begun is None or begun.attempt != job.attempt:
            made = command()
            begun = Start(job.attempt, kind_of(made, host.folder.code, host.folder.site_packages), made)
            self._starts[job.name] = begun
        template = self._shared_by(job, begun.kind).template()
        if template is None or template.ready:
            process.start(host.folder.root, begun.command, None if template is None else template.run)

    def ended(self, job: TrainingJob, folder: Path) -> None:
        """A job has ended in `folder`."""
        start = self._starts.pop(job.name, None)
        shared = None if start is None else self._shared.get(start.kind.key)
        if shared is not None:
            self._prune(shared)
            try:
                shared.learn(folder)
            except OSError as error:  # a full disk: it is learned another time
                logger.warning("warm pool: what training job %s has imported is not known: %s", job.name, error)

    def reconcile(self) -> float | None:
        """End the templates that nobody has a use for. Answers when to look again."""
        now = time.monotonic()
        if self._shared and now - self._pruned_at >= LOOK_SECONDS:
            self._pruned_at = now
            for key, shared in list(self._shared.items()):
                self._prune(shared)
                if not shared.wanted:
                    shared.end()
                    del self._shared[key]
        return LOOK_SECONDS if self._shared else None

    def close(self) -> None:
        """End all templates; jobs go on."""
        for shared in self._shared.values():
            shared.end()
        self._shared.clear()

    def _is_wanted(self, job: TrainingJob) -> bool:
        if job.tuning_job_name is not None and self._warm_trials:
            return True
        return warm_pools.get(self._database, job.name) is not None

    def _shared_by(self, job: TrainingJob, kind: Kind) -> SharedImports:
        shared = self._shared.setdefault(kind.key, SharedImports(kind, self._learned, self._new_folder))
        shared.training_jobs.add(job.name)
        if job.tuning_job_name is not None and self._warm_trials:
            shared.tuning_jobs.add(job.tuning_job_name)
        return shared

    def _new_folder(self) -> Path | None:
        if sum(shared.running for shared in self._shared.values()) >= MOST:
            return None
        self._folders += 1
        return self._folder / str(self._folders)

    def _prune(self, shared: SharedImports) -> None:
        shared.tuning_jobs = {name for name in shared.tuning_jobs if self._tunes(name)}
        shared.training_jobs = {name for name in shared.training_jobs if self._holds(name)}

    def _tunes(self, name: str) -> bool:
        job = tuning_jobs.get(self._database, name)
        return job is not None and job.status in tuning_jobs.ACTIVE

    def _holds(self, name: str) -> bool:
        job = training_jobs.get(self._database, name)
        if job is not None and job.phase != "Ended":
            return True
        pool = warm_pools.get(self._database, name)
        return pool is not None and pool.status == "Available"


def is_plain(host: TrainingSpec) -> bool:
    """Whether the script is a Python file that is run by itself: no launcher, no package, no other program."""
    if len(host.hosts) > 1 or host.entrypoint or torch_distributed(host):
        return False
    return entry_point(host.program, host.folder.code) is EntryPoint.PYTHON_PROGRAM
