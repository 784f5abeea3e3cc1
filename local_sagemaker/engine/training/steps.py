"""The long steps of training jobs beside the loop: preparing input, uploading output and what is kept in step."""

import logging
import os
import socket
import time

from local_sagemaker.engine.loop import Background
from local_sagemaker.engine.training.job import Step
from local_sagemaker.engine.training.tidying import Tidying
from local_sagemaker.runtime.mount_namespace import OPT_ML
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.runtime.training import input as training_input
from local_sagemaker.runtime.training import job_venv
from local_sagemaker.runtime.training import output as training_output
from local_sagemaker.runtime.training.command import missing_program
from local_sagemaker.runtime.training.environment import search_path
from local_sagemaker.runtime.training.folder import TrainingFolder
from local_sagemaker.runtime.training.hosts import addresses, hosts_file
from local_sagemaker.runtime.training.kept_folders import Uploaded, kept_folders, upload_changes
from local_sagemaker.runtime.training.spec import TrainingSpec
from local_sagemaker.settings import Settings

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 5.0  # between two looks for files to upload
PAUSE_SECONDS_A_FILE = 0.0005  # a look takes some 4 us a file: 1 % of a core
DRIVERS = "sm_drivers"  # the channel of the SDK's own scripts, whose paths are written out

# What becomes of the model folder: an artifact always, when it holds something, or never.
MODEL_WANTED: dict[str, training_output.ModelWanted] = {"Completed": "always", "Stopped": "any", "Failed": "never"}


class TrainingSteps:
    """Starts steps, each at most once at a time, and tells how they went."""

    def __init__(self, settings: Settings, background: Background, objects: Objects, tidying: Tidying) -> None:
        self._background = background
        self._cache_dir = settings.state_dir.resolve() / "cache"
        self._objects = objects
        self._tidying = tidying
        self._uploaded: dict[str, Uploaded] = {}
        self._uploaded_at: dict[str, float] = {}

    def prepare(self, spec: TrainingSpec) -> None:
        """Start the step of Downloading; not while an earlier job of this name is tidied up."""
        if not self._tidying.under_way(spec.name):
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
        """Start the step of Uploading for a job that will end with `status`; not while another upload is under way.

        Its end wakes the engine; what is uploaded last must be the newest.
        """
        if self._upload_under_way(spec.name):
            return
        wanted, uploaded = MODEL_WANTED[status], self._uploaded_of(spec)
        self._background.start(
            ("Uploading", spec.name), lambda: training_output.upload(spec, self._objects, wanted, uploaded)
        )

    def upload_checkpoints(self, spec: TrainingSpec) -> None:
        """Start the step of Uploading for a job that will be started again; not while another upload is under way."""
        if not self._upload_under_way(spec.name):
            uploaded = self._uploaded_of(spec)
            self._background.start(
                ("Uploading", spec.name), lambda: training_output.upload_last(spec, self._objects, uploaded)
            )

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
        """Start to upload checkpoints, tensors and profiles that are new, now and then."""
        now = time.monotonic()
        if next(kept_folders(spec), None) is None or self._upload_under_way(spec.name):
            return
        uploaded = self._uploaded_of(spec)
        pause = max(PAUSE_SECONDS, uploaded.count * PAUSE_SECONDS_A_FILE)
        if now - self._uploaded_at.get(spec.name, 0.0) < pause:
            return
        self._uploaded_at[spec.name] = now
        self._background.start(("in step", spec.name), lambda: upload_changes(spec, self._objects, uploaded))

    def forget(self, name: str) -> None:
        """The job's script has ended."""
        self._uploaded.pop(name, None)
        self._uploaded_at.pop(name, None)

    def _uploaded_of(self, spec: TrainingSpec) -> Uploaded:
        return self._uploaded.setdefault(spec.name, Uploaded())

    def _upload_under_way(self, name: str) -> bool:
        key = ("in step", name)
        finished = self._background.poll(key)
        if finished is not None and (error := finished.exception()) is not None:
            logger.warning("upload of training job %s while it runs: %s", name, error)  # tried again, and at the end
        return self._background.running(key)


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
