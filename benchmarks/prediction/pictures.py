"""The benchmark's pictures: dogs of 133 classes, drawn, with what a camera adds, as 500x375 JPEGs of 50 to 80 KB.

A class is one of nineteen coats in one of seven places, on a dog of any build: a network learns them from scratch in
minutes and is sure of them, where the drawn set's own eight breeds would be too few for as wide a network as the real.
"""

import colorsys
import io
import random
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from datasets.breeds import BREEDS, Coat, Colour, Pattern
from datasets.pictures import draw_picture
from datasets.scenes import SCENES, Scene

WIDTH, HEIGHT = 500, 375
JPEG_QUALITY = 90
GRAIN = 9.0  # standard deviation of the noise, in levels of 255; it also gives the file a photograph's size
HUES = 10
SPOT_HUES = 6


@dataclass(frozen=True)
class Kind:
    """A class: its folder, and what is drawn."""

    folder: str
    pattern: Pattern
    coat: Coat
    place: Scene


def kinds() -> Sequence[Kind]:
    """All 133, in the order of their folders."""
    crossed = [(place, coat) for place in (*SCENES, _night) for coat in _coats()]
    return [
        Kind(f"{number:03d}.{name}_in_{place.__name__.removeprefix('_')}", pattern, coat, place)
        for number, (place, (name, pattern, coat)) in enumerate(crossed, 1)
    ]


def draw_split(folder: Path, split: str, images_a_class: int) -> None:
    """Draw `folder`/split/CLASS/NUMBER.jpg. Each picture depends on its name alone; no two splits share one."""
    tasks = [
        (number, f"{split}/{kind.folder}/{image}.jpg")
        for number, kind in enumerate(kinds())
        for image in range(images_a_class)
    ]
    for kind in kinds():
        (folder / split / kind.folder).mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor() as pool:
        for _ in pool.map(_draw_file, repeat(folder), *zip(*tasks, strict=True), chunksize=16):
            pass


def photograph(kind: Kind, dice: random.Random) -> Image.Image:
    """A 500x375 picture: the drawing, its sides continued, with light that falls off, blur and grain."""
    breed = replace(dice.choice(BREEDS), pattern=kind.pattern, coats=(kind.coat,))
    square = draw_picture(breed, HEIGHT, dice, kind.place)
    noise = np.random.default_rng(dice.getrandbits(63))
    left = (WIDTH - HEIGHT) // 2
    pixels = np.pad(np.asarray(square, np.float32), ((0, 0), (left, WIDTH - HEIGHT - left), (0, 0)), "reflect")
    soft = Image.fromarray(pixels.astype(np.uint8)).filter(ImageFilter.GaussianBlur(dice.uniform(0.3, 0.9)))
    down, across = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    light = 1 - dice.uniform(0.0, 0.15) * (down**2 + across**2)
    grain = noise.normal(0.0, GRAIN, (HEIGHT, WIDTH, 1)) + noise.normal(0.0, GRAIN / 3, (HEIGHT, WIDTH, 3))
    lit = np.asarray(soft, np.float32) * light[..., np.newaxis] + grain
    return Image.fromarray(lit.clip(0, 255).astype(np.uint8))


def _draw_file(folder: Path, number: int, name: str) -> None:
    stream = io.BytesIO()
    photograph(kinds()[number], random.Random(name)).save(stream, "JPEG", quality=JPEG_QUALITY)
    (folder / name).write_bytes(stream.getvalue())


def _coats() -> Iterator[tuple[str, Pattern, Coat]]:
    """Nineteen coats that nobody confuses, whatever the light: name, pattern, colours."""
    for step in range(HUES):
        hue = step / HUES
        yield f"plain_{step}", "plain", Coat(_hsv(hue, 0.8, 0.75), _hsv(hue, 0.85, 0.6), _hsv(hue, 0.7, 0.85))
    white: Colour = (244, 242, 238)
    for step in range(SPOT_HUES):
        yield f"spots_{step}", "spots", Coat(white, _hsv(step / SPOT_HUES, 0.85, 0.55), white)
    greys: Mapping[str, int] = {"white": 245, "grey": 128, "black": 40}
    for name, level in greys.items():
        yield name, "plain", Coat(_grey(level), _grey(round(level * 0.8)), _grey(min(250, round(level * 1.1))))


def _night(picture: Image.Image, line: int, dice: random.Random) -> None:
    """A sky of stars over a dark field."""
    picture.paste((12, 14, dice.randint(30, 50)), (0, 0, picture.width, line))
    picture.paste((dice.randint(20, 30), 24, 26), (0, line, picture.width, picture.height))
    pen = ImageDraw.Draw(picture)
    for _ in range(40):
        x, y, radius = dice.uniform(0, picture.width), dice.uniform(0, line), dice.uniform(0.4, 1.2)
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(230, 230, 210))


def _grey(level: int) -> Colour:
    return level, level, level


def _hsv(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(hue, saturation, value))
    return red, green, blue
