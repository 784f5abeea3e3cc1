"""The long steps of training jobs beside the loop: preparing input, uploading output and checkpoints, tidying up."""

import logging
import os
import socket
import time

from local_sagemaker.engine.loop import Background
from local_sagemaker.engine.training.job import Step
from local_sagemaker.runtime.mount_namespace import OPT_ML
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.runtime.training import input as training_input
from local_sagemaker.runtime.training import job_venv
from local_sagemaker.runtime.training import output as training_output
from local_sagemaker.runtime.training.command import missing_program
from local_sagemaker.runtime.training.environment import search_path
from local_sagemaker.runtime.training.folder import TrainingFolder
from local_sagemaker.runtime.training.hosts import addresses, hosts_file
from local_sagemaker.runtime.training.spec import TrainingSpec
from local_sagemaker.settings import Settings

logger = logging.getLogger(__name__)

CHECKPOINT_SECONDS = 5.0
DRIVERS = "sm_drivers"  # the channel of the SDK's own scripts, whose paths are written out

# What becomes of the model folder: an artifact always, when it holds something, or never.
MODEL_WANTED: dict[str, training_output.ModelWanted] = {"Completed": "always", "Stopped": "any", "Failed": "never"}


class TrainingSteps:
    """Starts steps, each at most once at a time, and tells how they went."""

    def __init__(self, settings: Settings, background: Background, objects: Objects) -> None:
        self._background = background
        self._cache_dir = settings.state_dir.resolve() / "cache"
        self._objects = objects
        self._uploaded: dict[str, training_output.FileStates] = {}
        self._uploaded_at: dict[str, float] = {}
        self._tidying: set[str] = set()

    def prepare(self, spec: TrainingSpec) -> None:
        """Start the step of Downloading; not while an earlier job of this name is tidied up.

        The end of that wakes the engine.
        """
        self._tidying = self._still_tidying()
        if spec.name in self._tidying:
            return
        self._background.start(("Downloading", spec.name), lambda: self._prepare(spec))

    def _prepare(self, spec: TrainingSpec) -> None:
        if len(spec.hosts) > 1 and not spec.folder.mounted:
            _check_names(spec)
        for host in spec.all_hosts():
            training_input.prepare(host, self._objects, self._cache_dir)
            _prepare_place(host)
        if program := missing_program(spec, search_path(spec)):
            raise training_input.InputFailed(
                f"AlgorithmError: ContainerEntrypoint {program!r} is not a program on this machine. local_sagemaker"
                " runs no container images: name a program that is installed here, or one in a channel, or give"
                " sagemaker_program and sagemaker_submit_directory"
            )

    def upload(self, spec: TrainingSpec, status: str) -> None:
        """Start the step of Uploading for a job that will end with `status`; not while checkpoints are under way.

        Their end wakes the engine; what is uploaded last must be the newest.
        """
        if self._upload_under_way(spec.name):
            return
        wanted = MODEL_WANTED[status]
        self._background.start(("Uploading", spec.name), lambda: training_output.upload(spec, self._objects, wanted))

    def upload_checkpoints(self, spec: TrainingSpec) -> None:
        """Start the step of Uploading for a job that will be started again; not while checkpoints are under way."""
        if not self._upload_under_way(spec.name):
            self._background.start(("Uploading", spec.name), lambda: training_output.upload_last(spec, self._objects))

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

    def keep_in_step(self, spec: TrainingSpec) -> None:
        """Start to upload checkpoints and TensorBoard's files that are new, now and then."""
        now = time.monotonic()
        if (
            not training_output.is_kept_in_step(spec)
            or self._upload_under_way(spec.name)
            or now - self._uploaded_at.get(spec.name, 0.0) < CHECKPOINT_SECONDS
        ):
            return
        self._uploaded_at[spec.name] = now
        known = self._uploaded.get(spec.name, {})

        def upload() -> None:
            self._uploaded[spec.name] = training_output.upload_changes(spec, self._objects, known)

        self._background.start(("checkpoints", spec.name), upload)

    def forget(self, name: str) -> None:
        """The job's script has ended."""
        self._uploaded.pop(name, None)
        self._uploaded_at.pop(name, None)

    def tidy(self, spec: TrainingSpec) -> None:
        """Start to remove the working files of a job that has ended."""
        self._tidying = {*self._still_tidying(), spec.name}
        self._background.start(("tidy", spec.name), lambda: tidy(spec))

    def _still_tidying(self) -> set[str]:
        return {name for name in self._tidying if self._background.poll(("tidy", name)) is None}

    def _upload_under_way(self, name: str) -> bool:
        key = ("checkpoints", name)
        finished = self._background.poll(key)
        if finished is not None and (error := finished.exception()) is not None:
            logger.warning("checkpoints of training job %s: %s", name, error)  # tried again, and at the end
        return self._background.running(key)


def tidy(spec: TrainingSpec) -> None:
    """Remove the working files of all hosts; the first one's last, by which an unfinished removal is known."""
    for host in reversed(spec.all_hosts()):
        host.folder.tidy()


def _prepare_place(host: TrainingSpec) -> None:
    """What the script finds beside its input: its Python environment, its names of hosts, its paths."""
    job_venv.make(host.folder.venv)
    host.folder.hosts_file.write_text(hosts_file(host.hosts), encoding="utf-8")
    if not host.folder.mounted:
        _move_drivers(host.folder)


def _move_drivers(folder: TrainingFolder) -> None:
    """Have the SDK's scripts find the job's folder where nothing is mounted on /opt/ml."""
    for path in (folder.data / DRIVERS).rglob("*"):
        if not path.is_file() or OPT_ML.encode() not in (text := path.read_bytes()):
            continue
        moved = path.with_name(path.name + ".moved")  # never in place: the file may be a link to a cached one
        moved.write_bytes(text.replace(OPT_ML.encode(), os.fsencode(folder.ml.resolve())))
        moved.chmod(path.stat().st_mode)
        moved.replace(path)


def _check_names(spec: TrainingSpec) -> None:
    missing = []
    for host, address in addresses(spec.hosts).items():
        try:
            socket.gethostbyname(host)
        except OSError:
            missing.append(f"{address} {host}")
    if missing:
        raise training_input.InputFailed(
            "ClientError: The hosts of a training job cannot find each other on this machine, where mount namespaces"
            " are forbidden. Add to its /etc/hosts: " + "; ".join(missing)
        )
