"""Uploads of rule-output beside the loop: now and then while the evaluator runs, and at its end."""

import logging
import time
from collections.abc import Collection

from local_sagemaker.engine.loop import Background
from local_sagemaker.engine.training.job import Step
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.runtime.training.evaluation_folder import EvaluationFolder
from local_sagemaker.runtime.training.rule_output import Files, upload_rule_output

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 60.0  # between two uploads; reports are written anew every minute


class RuleOutput:
    """Starts the uploads, one at a time of a job's name, and tells how the last went.

    What is in S3 is known by an evaluation's id: another job of the same name has other files, and waits for its turn.
    """

    def __init__(self, background: Background, objects: Objects) -> None:
        self._background = background
        self._objects = objects
        self._uploaded: dict[int, Files] = {}
        self._looked_at: dict[int, float] = {}

    def keep_only(self, ids: Collection[int]) -> None:
        """Forget the evaluations that are gone."""
        for known in (self._looked_at, self._uploaded):
            for gone in set(known) - set(ids):
                del known[gone]

    def keep_in_step(self, number: int, folder: EvaluationFolder) -> None:
        """Start to upload what is new, once a minute."""
        now = time.monotonic()
        if now - self._looked_at.setdefault(number, now) < PAUSE_SECONDS or self._under_way(folder):
            return
        self._looked_at[number] = now
        self._background.start(("rule-output", folder.spec.name), lambda: self._upload(number, folder))

    def start(self, number: int, folder: EvaluationFolder) -> None:
        """Start to upload the rest, and to remove what is of no more use; not while another upload is under way."""
        if not self._under_way(folder):
            self._background.start(("last rule-output", folder.spec.name), lambda: self._finish(number, folder))

    def state(self, name: str) -> tuple[Step, str]:
        """How the last upload of a job stands, and with FAILED why. DONE and FAILED are told once."""
        key = ("last rule-output", name)
        finished = self._background.poll(key)
        if finished is None:
            return (Step.UNDER_WAY if self._background.running(key) else Step.NOT_STARTED), ""
        error = finished.exception()
        if error is None:
            return Step.DONE, ""
        logger.warning("rule-output of training job %s", name, exc_info=error)
        return Step.FAILED, str(error) or type(error).__name__

    def _upload(self, number: int, folder: EvaluationFolder) -> None:
        known = self._uploaded.get(number, {})
        self._uploaded[number] = upload_rule_output(folder.spec, folder.rule_output, self._objects, known)

    def _finish(self, number: int, folder: EvaluationFolder) -> None:
        self._upload(number, folder)
        folder.tidy()

    def _under_way(self, folder: EvaluationFolder) -> bool:
        key = ("rule-output", folder.spec.name)
        finished = self._background.poll(key)
        if finished is not None and (error := finished.exception()) is not None:
            logger.warning("rule-output while a job runs: %s", error)  # tried again, and at the end
        return self._background.running(key)
