"""Folders of a training job that are kept in step with S3 while it runs: checkpoints, TensorBoard's and Debugger's."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from local_sagemaker.runtime.objects import Objects
from local_sagemaker.runtime.training.debugger_folders import END_MARKER, debugger_folders
from local_sagemaker.runtime.training.folder_look import Look, State, look
from local_sagemaker.runtime.training.spec import TrainingSpec

INDEX = "index/"  # smdebug's: a file there says that a step's events are complete
UNFINISHED = ".tmp"  # smdebug's files that are being written


@dataclass
class Uploaded:
    """What is in S3 already: files as they were, and what was settled then, by folder."""

    files: dict[Path, dict[str, State]] = field(default_factory=dict)
    settled: dict[Path, dict[str, int]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many files that are."""
        return sum(map(len, self.files.values()))


@dataclass(frozen=True)
class KeptFolder:
    """A folder of a host, where its files go, and whether Debugger's readers look there."""

    folder: Path
    uri: str
    debugger: bool = False

    def look(self, settled: Mapping[str, int]) -> Look:
        """The files that are to be uploaded.

        Indexes are looked for before the events that they name, so that each one's are there.
        """
        if not self.debugger:  # checkpoints may be written into after any time
            return Look(look(self.folder, {}).files)
        indexes, others = look(self.folder, settled, INDEX), look(self.folder, settled, but=INDEX)
        found = indexes.files | others.files
        return Look(
            {name: state for name, state in found.items() if not name.endswith((UNFINISHED, END_MARKER))},
            indexes.settled | others.settled,
        )

    def batches(self, names: Iterable[str]) -> list[list[str]]:
        """The names in the order in which they are uploaded: what an index names before it."""
        first: list[str] = []
        last: list[str] = []
        for name in names:
            (last if self.debugger and name.startswith(INDEX) else first).append(name)
        return [first, last]


def kept_folders(host: TrainingSpec) -> Iterator[KeptFolder]:
    """The folders of a host."""
    if checkpoint := host.request.get("CheckpointConfig"):
        yield KeptFolder(host.checkpoints, checkpoint["S3Uri"])
    if tensorboard := host.request.get("TensorBoardOutputConfig"):
        uri = f"{tensorboard['S3OutputPath'].rstrip('/')}/{host.name}/tensorboard-output"
        yield KeptFolder(host.tensorboard, uri)
    for folder, uri in debugger_folders(host):
        yield KeptFolder(folder, uri, debugger=True)


def upload_changes(spec: TrainingSpec, objects: Objects, uploaded: Uploaded, *, thorough: bool = False) -> None:
    """Upload the files that are not as they were `uploaded`, which is brought up to date.

    `thorough`: look at every file, also in settled folders.
    """
    for host in spec.all_hosts():
        for kept in kept_folders(host):
            settled = {} if thorough else uploaded.settled.get(kept.folder, {})
            known = uploaded.files.setdefault(kept.folder, {})
            found = kept.look(settled)
            for batch in kept.batches(name for name, state in found.files.items() if known.get(name) != state):
                if batch:
                    objects.upload_folder(kept.folder, kept.uri, batch)
            known |= found.files
            uploaded.settled[kept.folder] = {**settled, **found.settled}
