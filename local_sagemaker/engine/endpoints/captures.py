"""Captured invocations: complete files of the spool are uploaded to where DataCaptureConfig wants them."""

import logging

from local_sagemaker import clock
from local_sagemaker.engine.loop import Background
from local_sagemaker.runtime.objects import ObjectError, Objects
from local_sagemaker.runtime.serving.capture_spool import CaptureSpool, SpoolFile

RETRY_SECONDS = 30.0

logger = logging.getLogger(__name__)


class CaptureReconciler:
    """Uploads the spool's files. One that cannot be uploaded stays and is tried again."""

    def __init__(self, spool: CaptureSpool, background: Background, objects: Objects) -> None:
        self._spool = spool
        self._background = background
        self._objects = objects
        self._retry_at: dict[SpoolFile, float] = {}

    def reconcile(self) -> float | None:
        """One round over all files."""
        now = clock.now()
        for file in self._spool.ready(now):
            self._advance(file, now)
        due = [*self._retry_at.values(), self._spool.next_due()]
        return min((max(0.05, at - now) for at in due if at is not None), default=None)

    def close(self) -> None:
        """Upload what there is, after the engine's loop. What fails is uploaded after the next start."""
        for file in self._spool.close():
            if not self._background.running(file):
                try:
                    self._upload(file)
                except ObjectError as error:
                    logger.warning("captured data stays in %s until the next start: %s", file.path, error)

    def _advance(self, file: SpoolFile, now: float) -> None:
        finished = self._background.poll(file)
        error = finished.exception() if finished else None
        if error is not None:
            logger.warning("captured data cannot be written, trying again: %s", error)
            self._retry_at[file] = now + RETRY_SECONDS
        elif finished is None and self._retry_at.get(file, 0.0) <= now and not self._background.running(file):
            self._retry_at.pop(file, None)
            self._background.start(file, lambda: self._upload(file))

    def _upload(self, file: SpoolFile) -> None:
        self._objects.upload_file(file.path, file.uri)
        self._spool.uploaded(file)
