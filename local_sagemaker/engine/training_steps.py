"""The long steps of training jobs beside the loop: preparing input, uploading output and checkpoints, tidying up."""

import logging
import time

from local_sagemaker.engine.loop import Background
from local_sagemaker.engine.training_job import Step
from local_sagemaker.runtime import training_input, training_output
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.runtime.training_environment import TrainingSpec
from local_sagemaker.runtime.training_folder import TrainingFolder
from local_sagemaker.settings import Settings

logger = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 5.0

# What becomes of the model folder: an artifact always, when it holds something, or never.
MODEL_WANTED: dict[str, training_output.ModelWanted] = {"Completed": "always", "Stopped": "any", "Failed": "never"}


class TrainingSteps:
    """Starts steps, each at most once at a time, and tells how they went."""

    def __init__(self, settings: Settings, background: Background, objects: Objects) -> None:
        self._background = background
        self._cache_dir = settings.state_dir.resolve() / "cache"
        self._objects = objects.with_cache(self._cache_dir / "objects")
        self._checkpoints: dict[str, training_output.FileStates] = {}
        self._checkpoints_at: dict[str, float] = {}
        self._tidying: set[str] = set()

    def prepare(self, spec: TrainingSpec) -> None:
        """Start the step of Downloading."""
        self._background.start(("Downloading", spec.name), lambda: self._prepare(spec))

    def _prepare(self, spec: TrainingSpec) -> None:
        training_input.prepare(spec, self._objects, self._cache_dir)

    def upload(self, spec: TrainingSpec, status: str) -> None:
        """Start the step of Uploading for a job that will end with `status`; not while checkpoints are under way.

        Their end wakes the engine; what is uploaded last must be the newest.
        """
        if self._checkpoints_under_way(spec.name):
            return
        wanted = MODEL_WANTED[status]
        self._background.start(("Uploading", spec.name), lambda: training_output.upload(spec, self._objects, wanted))

    def state(self, phase: str, name: str) -> tuple[Step, str]:
        """How the phase's step of a job stands, and with FAILED the FailureReason. DONE and FAILED are told once."""
        finished = self._background.poll((phase, name))
        if finished is None:
            return (Step.UNDER_WAY if self._background.running((phase, name)) else Step.NOT_STARTED), ""
        error = finished.exception()
        if error is None:
            return Step.DONE, ""
        if isinstance(error, training_input.InputFailed | training_output.OutputFailed):
            return Step.FAILED, str(error)
        logger.error("training job %s in %s", name, phase, exc_info=error)
        return Step.FAILED, f"InternalServerError: {phase} failed: {type(error).__name__}: {error}"

    def sync_checkpoints(self, spec: TrainingSpec) -> None:
        """Start to upload checkpoints that are new, now and then."""
        now = time.monotonic()
        if (
            not spec.request.get("CheckpointConfig")
            or self._checkpoints_under_way(spec.name)
            or now - self._checkpoints_at.get(spec.name, 0.0) < CHECKPOINT_SECONDS
        ):
            return
        self._checkpoints_at[spec.name] = now
        known = self._checkpoints.get(spec.name, {})

        def upload() -> None:
            self._checkpoints[spec.name] = training_output.upload_checkpoints(spec, self._objects, known)

        self._background.start(("checkpoints", spec.name), upload)

    def forget(self, name: str) -> None:
        """The job has ended."""
        self._checkpoints.pop(name, None)
        self._checkpoints_at.pop(name, None)

    def tidy(self, name: str, folder: TrainingFolder) -> None:
        """Start to remove the working files of a job that has ended."""
        self._tidying = {name for name in self._tidying if self._background.poll(("tidy", name)) is None}
        self._tidying.add(name)
        self._background.start(("tidy", name), folder.tidy)

    def _checkpoints_under_way(self, name: str) -> bool:
        key = ("checkpoints", name)
        finished = self._background.poll(key)
        if finished is not None and (error := finished.exception()) is not None:
            logger.warning("checkpoints of training job %s: %s", name, error)  # tried again, and at the end
        return self._background.running(key)
