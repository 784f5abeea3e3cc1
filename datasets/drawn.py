"""`python -m datasets.drawn FOLDER` draws a labelled set of dog breeds in train/, valid/ and test/.

The pictures are drawings, not photographs: they stand in for the real data set (see datasets/dog_images.py) where it
cannot be had, and a network learns them in a minute. The same settings draw the same pictures.
"""

import argparse
import io
import json
import os
import random
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import repeat
from pathlib import Path

from datasets.breeds import BREEDS, Breed
from datasets.pictures import draw_picture
from datasets.progress import Progress
from datasets.upload import UploadFailed, parse_s3_uri, upload

MANIFEST = "drawn.json"
README = "README.txt"
# Goes up when other code draws other pictures from the same seed.
DRAWING = 1
JPEG_QUALITY = 90


class FolderTaken(Exception):
    """The folder holds something that this command did not make with these settings."""


@dataclass(frozen=True)
class Settings:
    """What decides each pixel of the set."""

    seed: int = 7
    images_per_breed: int = 60
    size: int = 256
    drawing: int = DRAWING


def draw_set(folder: Path, settings: Settings) -> list[str]:
    """Draw what is missing of the set, and answer the names of all its files below `folder`, README.txt included.

    Raises FolderTaken for a folder that is not empty and not of this set.
    """
    _claim(folder, settings)
    names = [name for breed in BREEDS for name in picture_names(breed, settings)]
    missing = [name for name in names if not (folder / name).is_file()]
    for name in missing:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    if not missing:
        return [README, *names]
    processes = min(len(os.sched_getaffinity(0)), len(missing))
    with Progress("Drawing dogs", len(missing), "images") as progress:
        if processes > 1:
            with ProcessPoolExecutor(processes) as pool:
                for _ in pool.map(_draw_file, repeat(folder), missing, repeat(settings), chunksize=8):
                    progress.add()
        else:
            for name in missing:
                _draw_file(folder, name, settings)
                progress.add()
    return [README, *names]


def picture_names(breed: Breed, settings: Settings) -> list[str]:
    """`train/001.Beagle/Beagle_00001.jpg` and so on: a sixth for valid, a sixth for test, the rest for train."""
    sixth = max(1, settings.images_per_breed // 6)
    word = breed.folder.partition(".")[2]
    names = []
    for number in range(1, settings.images_per_breed + 1):
        split = "test" if number <= sixth else "valid" if number <= 2 * sixth else "train"
        names.append(f"{split}/{breed.folder}/{word}_{number:05d}.jpg")
    return names


def _claim(folder: Path, settings: Settings) -> None:
    """Note the settings in the folder, or check that it has the same."""
    manifest = folder / MANIFEST
    if manifest.is_file():
        try:
            found = json.loads(manifest.read_text())
        except ValueError:
            found = None
        if found != asdict(settings):
            raise FolderTaken(
                f"{folder} holds a drawn set of other settings ({found}): name another folder or delete it."
            )
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FolderTaken(f"{folder} is not empty and was not made by this command: name another folder.")
    else:
        folder.mkdir(parents=True, exist_ok=True)
        _write(manifest, json.dumps(asdict(settings)).encode())
    if not (folder / README).is_file():
        _write(folder / README, _readme(settings).encode())


def _readme(settings: Settings) -> str:
    breeds = "\n".join(f"  {breed.folder}" for breed in BREEDS)
    return f"""These pictures are drawings made by a program, not photographs of dogs.

Each folder is named after the breed that its drawings are to look like:
{breeds}

They show that a training job learns and an endpoint answers. A network trained on them knows drawn dogs only.
Made by: python -m datasets.drawn FOLDER --seed {settings.seed} --images-per-breed {settings.images_per_breed} \
--size {settings.size}
"""


def _draw_file(folder: Path, name: str, settings: Settings) -> None:
    breed = next(breed for breed in BREEDS if f"/{breed.folder}/" in name)
    # A picture depends on its own name alone: more images per breed leave the others as they are.
    dice = random.Random(f"{settings.seed}/{Path(name).stem}")
    stream = io.BytesIO()
    draw_picture(breed, settings.size, dice).save(stream, "JPEG", quality=JPEG_QUALITY)
    _write(folder / name, stream.getvalue())


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(data)
    temporary.rename(path)


def main(arguments: list[str] | None = None) -> int:
    """The command. Answers the exit status."""
    options = _parse(arguments)
    settings = Settings(options.seed, options.images_per_breed, options.size)
    try:
        names = draw_set(options.folder, settings)
        print(f"{len(names) - 1} drawn images of {len(BREEDS)} breeds are in {options.folder}")
        if options.upload:
            sent = upload(options.folder, names, options.upload)
            print(f"{sent} files were uploaded to {options.upload}, {len(names) - sent} were there already")
    except (FolderTaken, UploadFailed, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped: run the command again to go on", file=sys.stderr)
        return 130
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m datasets.drawn", description="Draw a labelled set of dog breeds.")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=Settings.seed)
    parser.add_argument(
        "--images-per-breed", type=int, default=Settings.images_per_breed, metavar="N", help="at least 6"
    )
    parser.add_argument("--size", type=int, default=Settings.size, metavar="PIXELS", help="32 to 1024")
    parser.add_argument("--upload", metavar="s3://BUCKET/PREFIX", help="to the S3 that AWS_ENDPOINT_URL names, or AWS")
    options = parser.parse_args(arguments)
    if not 6 <= options.images_per_breed <= 10_000:
        parser.error("--images-per-breed must be from 6 to 10000")
    if not 32 <= options.size <= 1024:
        parser.error("--size must be from 32 to 1024")
    if options.upload:
        try:
            parse_s3_uri(options.upload)
        except ValueError as error:
            parser.error(f"--upload: {error}")
    return options


if __name__ == "__main__":
    sys.exit(main())
