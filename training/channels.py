"""ImageFolder channels: CHANNEL/CLASS/IMAGE."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from errors import ChannelError


@dataclass(frozen=True)
class Channel:
    """One channel's images: `paths[i]` (relative to `folder`) belongs to class `labels[i]` of `classes`."""

    name: str
    folder: Path
    classes: tuple[str, ...]
    paths: tuple[str, ...]
    labels: tuple[int, ...]


def read_channel(name: str, folders: Mapping[str, Path], classes: tuple[str, ...] | None = None) -> Channel:
    """List the channel's images without opening them; its class folders must be among `classes` where given.

    Without `classes` the class folders that hold a file become the classes, in the order of their names. Hidden
    files and folders are nobody's images. Raises ChannelError, naming the channel and what to do.
    """
    folder = folders.get(name)
    if folder is not None and not folder.is_dir():
        raise ChannelError(f'channel "{name}" is missing: there is no folder {folder}')
    if folder is None:
        given = ", ".join(sorted(folders)) or "none"
        raise ChannelError(f'channel "{name}" is missing: give the job an input channel of that name (it has: {given})')
    files = {entry.name: _files(entry) for entry in sorted(folder.iterdir()) if entry.is_dir() and _visible(entry.name)}
    found = tuple(name for name, images in files.items() if images)
    if not found:
        raise ChannelError(
            f'channel "{name}" has no images: it needs one folder a class with the images in it, {name}/CLASS/IMAGE'
        )
    if classes is None:
        classes = found
        if len(classes) < 2:
            raise ChannelError(f'channel "{name}" has one class only ({classes[0]}): there is nothing to tell apart')
    unknown = [name for name in found if name not in classes]
    if unknown:
        raise ChannelError(
            f'channel "{name}" has classes that channel "train" does not have images of: {_some(unknown)}; '
            "the folders must be named alike in all channels"
        )
    paths = [(f"{class_name}/{path}", classes.index(class_name)) for class_name in found for path in files[class_name]]
    return Channel(name, folder, classes, tuple(path for path, _ in paths), tuple(label for _, label in paths))


def _files(class_folder: Path) -> list[str]:
    """Paths, relative to the class folder, of all visible files below it, sorted."""
    paths: list[str] = []
    for root, folders, names in os.walk(class_folder):
        folders[:] = [name for name in folders if _visible(name)]
        inside = Path(root).relative_to(class_folder)
        paths += [str(inside / name) for name in names if _visible(name)]
    return sorted(paths)


def _visible(name: str) -> bool:
    return not name.startswith(".") and name != "__MACOSX"


def _some(names: list[str], limit: int = 5) -> str:
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")
