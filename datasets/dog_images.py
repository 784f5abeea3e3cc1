"""`python -m datasets.dog_images FOLDER` fetches the real set: 133 breeds, 8,351 photographs, about 1.1 GB.

Whatever breaks off, the same command goes on with: the download, the unpacking, the upload.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets.download import DownloadFailed, download
from datasets.unzip import BadArchive, unzip_images
from datasets.upload import UploadFailed, parse_s3_uri, upload

URL = "https://s3-us-west-1.amazonaws.com/udacity-aind/dog-project/dogImages.zip"


class WrongContents(Exception):
    """The folder has other numbers of breeds or images than the set has."""


@dataclass(frozen=True)
class Contents:
    """How many breeds each split has, and how many images."""

    breeds: int
    train: int
    valid: int
    test: int


DOG_IMAGES = Contents(breeds=133, train=6_680, valid=835, test=836)


def fetch(url: str, folder: Path, expected: Contents, *, keep_archive: bool = False) -> list[str]:
    """Bring the set into `folder` and answer the names of its images below it.

    A folder that has the whole set costs no request. Raises DownloadFailed, BadArchive, WrongContents.
    """
    names = image_names(folder)
    if _contents(names) == expected:
        return names
    archive = folder / "dogImages.zip"
    if not archive.exists():
        download(url, archive)
    try:
        names = unzip_images(archive, folder)
        check(names, expected)
    except (BadArchive, WrongContents) as error:
        archive.unlink()
        raise type(error)(f"{error}. The archive was removed: run the command again to fetch it anew.") from error
    strangers = sorted(set(image_names(folder)) - set(names))
    if strangers:
        raise WrongContents(f"{folder} has {len(strangers)} images that are not of the set, such as {strangers[0]}.")
    if not keep_archive:
        archive.unlink()
    return names


def image_names(folder: Path) -> list[str]:
    """Names of the images that are in the folder's train/, valid/ and test/."""
    found = (path for split in ("train", "valid", "test") for path in (folder / split).glob("*/*"))
    return sorted(
        path.relative_to(folder).as_posix() for path in found if path.suffix.lower() in {".jpg", ".jpeg", ".png"}
    )


def check(names: Sequence[str], expected: Contents) -> None:
    """Raises WrongContents, which tells what was found and what the set has."""
    found = _contents(names)
    if found != expected:
        raise WrongContents(f"The set should have {_text(expected)}; found {_text(found)}")


def _contents(names: Sequence[str]) -> Contents:
    """Breeds are counted where all three splits agree: a breed that one of them lacks is none."""
    breeds = {
        split: {name.split("/")[1] for name in names if name.startswith(f"{split}/")}
        for split in ("train", "valid", "test")
    }
    images = {split: sum(name.startswith(f"{split}/") for name in names) for split in breeds}
    return Contents(len(set.intersection(*breeds.values())), **images)


def _text(contents: Contents) -> str:
    return (
        f"{contents.breeds} breeds with {contents.train:,} images in train, {contents.valid:,} in valid, "
        f"{contents.test:,} in test"
    )


def main(arguments: list[str] | None = None, expected: Contents = DOG_IMAGES) -> int:
    """The command. Answers the exit status."""
    options = _parse(arguments)
    try:
        names = fetch(options.url, options.folder, expected, keep_archive=options.keep_archive)
        print(f"{_text(_contents(names))} are in {options.folder}")
        if options.upload:
            sent = upload(options.folder, names, options.upload)
            print(f"{sent} files were uploaded to {options.upload}, {len(names) - sent} were there already")
    except (DownloadFailed, BadArchive, WrongContents, UploadFailed, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped: run the command again to go on", file=sys.stderr)
        return 130
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m datasets.dog_images", description="Fetch, check and upload the dogImages set (1.1 GB)."
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--url", default=URL)
    parser.add_argument("--keep-archive", action="store_true", help="leave dogImages.zip in FOLDER after unpacking")
    parser.add_argument("--upload", metavar="s3://BUCKET/PREFIX", help="to the S3 that AWS_ENDPOINT_URL names, or AWS")
    options = parser.parse_args(arguments)
    if not options.url.startswith(("http://", "https://")):
        parser.error("--url must begin with http:// or https://")
    if options.upload:
        try:
            parse_s3_uri(options.upload)
        except ValueError as error:
            parser.error(f"--upload: {error}")
    return options


if __name__ == "__main__":
    sys.exit(main())
