"""A zip of images in ImageFolder layout -> a folder. The archive is not trusted."""

import re
import shutil
import stat
import zipfile
import zlib
from pathlib import Path

from datasets.progress import Progress

# An outer folder or none, then train/<class>/<image>.
MEMBER = re.compile(r"(?:[^/]+/)?(?P<name>(?:train|valid|test)/[^/]+/[^/]+\.(?:jpe?g|png))", re.IGNORECASE)
MAX_TOTAL_BYTES = 8 << 30
MAX_IMAGE_BYTES = 64 << 20


class BadArchive(Exception):
    """The archive is damaged, or has members that no data set has."""


def unzip_images(archive: Path, folder: Path) -> list[str]:
    """Unpack the images below `folder` and answer their names, sorted: `train/001.Affenpinscher/a.jpg`.

    What is there with the right size is passed over; what is no image is left out. Raises BadArchive.
    """
    try:
        with zipfile.ZipFile(archive) as zipped:
            images = _images(zipped)
            with Progress("Unpacking", len(images), "images") as progress:
                for name, member in images.items():
                    _unpack(zipped, member, folder / name)
                    progress.add()
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise BadArchive(f"{archive} is damaged or no zip: {error}") from error
    return sorted(images)


def _images(zipped: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    images: dict[str, zipfile.ZipInfo] = {}
    for member in zipped.infolist():
        parts = member.filename.split("/")
        if member.filename.startswith("/") or ".." in parts or "\\" in member.filename or "\0" in member.orig_filename:
            raise BadArchive(f"{zipped.filename} has a member that would leave its folder: {member.filename!r}")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise BadArchive(f"{zipped.filename} has a link: {member.filename!r}")
        match = MEMBER.fullmatch(member.filename)
        # macOS keeps a file's attributes in __MACOSX/ and in ._ files that look like images.
        if not match or parts[0] == "__MACOSX" or parts[-1].startswith("."):
            continue
        if match["name"] in images:
            raise BadArchive(f"{zipped.filename} has two images named {match['name']}")
        images[match["name"]] = member
    sizes = [member.file_size for member in images.values()]
    if max(sizes, default=0) > MAX_IMAGE_BYTES or sum(sizes) > MAX_TOTAL_BYTES:
        raise BadArchive(f"{zipped.filename} unpacks to {sum(sizes):,} bytes: more than such a data set has")
    return images


def _unpack(zipped: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> None:
    if path.is_file() and path.stat().st_size == member.file_size:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    with zipped.open(member) as packed, temporary.open("wb") as file:
        shutil.copyfileobj(packed, file)
    temporary.rename(path)
