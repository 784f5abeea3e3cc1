"""The engine of a server: every reconciler, built here and nowhere else, and the order in which all of it ends."""

import asyncio
import threading

from local_sagemaker.engine.endpoints.async_invocations import THREADS, AsyncInvocationReconciler
from local_sagemaker.engine.endpoints.async_run import AsyncRun
from local_sagemaker.engine.endpoints.captures import CaptureReconciler
from local_sagemaker.engine.endpoints.endpoints import EndpointReconciler
from local_sagemaker.engine.evaluations.evaluations import EvaluationReconciler
from local_sagemaker.engine.killing import Killer
from local_sagemaker.engine.loop import Background, Engine, Reconciler
from local_sagemaker.engine.training.jobs import TrainingJobReconciler
from local_sagemaker.engine.training.tidying import Tidying
from local_sagemaker.engine.training.warm_starts import WarmStarts
from local_sagemaker.engine.tuning.jobs import TuningJobReconciler
from local_sagemaker.faults import Faults
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.runtime.serving.capture_spool import CaptureSpool
from local_sagemaker.settings import Settings
from local_sagemaker.store.database import Database


class RunningEngine:
    """The loop with its reconcilers. `routes` and `captures` are what invocations share with it."""

    def __init__(
        self, settings: Settings, database: Database, wake_engine: threading.Event, base_url: str, faults: Faults
    ) -> None:
        self._background = Background(wake_engine.set)
        self._objects = Objects(base_url, settings.buckets_dir)
        parts = (settings, database, self._background, self._objects)
        tidying = Tidying(settings, database, self._background)
        self._warm_starts = WarmStarts(settings, database)
        self._endpoints = EndpointReconciler(*parts)
        self.routes = self._endpoints.routes
        self.captures = CaptureSpool(settings.capture_dir, wake_engine.set)
        self._captures = CaptureReconciler(self.captures, self._background, self._objects)
        self._async_runs = Background(wake_engine.set, THREADS)
        run = AsyncRun(settings, database, self._objects, self.captures)
        self._async_invocations = AsyncInvocationReconciler(
            database, self.routes, self._async_runs, run, settings.async_invocations_dir
        )
        reconcilers: list[Reconciler] = [
            TuningJobReconciler(*parts),
            TrainingJobReconciler(*parts, tidying, warm_starts=self._warm_starts),
            self._warm_starts,
            EvaluationReconciler(*parts, tidying),
            self._endpoints,
            self._async_invocations,
            self._captures,
            Killer(settings, database, faults),
        ]
        self._engine = Engine(wake_engine, reconcilers)
        self._started = False
        self._stopping: threading.Thread | None = None

    def start(self) -> None:
        """Begin to reconcile."""
        self._started = True
        self._engine.start()

    async def stop(self, seconds: float) -> bool:
        """Stop everything within `seconds`; False when a long step was still under way then (it is repeated later)."""
        if self._stopping is None:
            self._stopping = threading.Thread(target=self._stop, name="stop engine", daemon=True)
            self._stopping.start()
        await asyncio.to_thread(self._stopping.join, seconds)
        return not self._stopping.is_alive()

    def _stop(self) -> None:
        if self._started:
            self._engine.stop()
        self._warm_starts.close()
        self._async_invocations.begin_close()
        self._endpoints.close()
        self._captures.close()
        self._objects.close()
        self._async_runs.close()
        self._background.close()
