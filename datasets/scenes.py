"""Where the dogs stand: any breed anywhere, so that a background tells nothing about the breed."""

import random
from collections.abc import Callable

from PIL import Image, ImageDraw, ImageOps

from datasets.breeds import Colour

Scene = Callable[[Image.Image, int, random.Random], None]


def scene(size: int, dice: random.Random, place: Scene | None = None) -> tuple[Image.Image, float]:
    """A background of size x size pixels, of any of SCENES unless told, and its horizon as a share of the height."""
    horizon = dice.uniform(0.42, 0.72)
    # Drawn small and enlarged: soft, as things behind the dog are in a photograph.
    half = size // 2
    picture = Image.new("RGB", (half, half))
    (place or dice.choice(SCENES))(picture, round(half * horizon), dice)
    return picture.resize((size, size), Image.Resampling.BICUBIC), horizon


def _meadow(picture: Image.Image, line: int, dice: random.Random) -> None:
    _gradient(picture, 0, line, _near(dice, (112, 172, 226)), _near(dice, (214, 234, 246)))
    _hills(picture, line, dice, (108, 150, 92))
    _gradient(picture, line, picture.height, _near(dice, (128, 176, 84)), _near(dice, (82, 132, 58)))
    _speckle(picture, line, dice, [(236, 228, 120), (240, 240, 240), (104, 150, 66), (70, 116, 50)], 60)


def _forest(picture: Image.Image, line: int, dice: random.Random) -> None:
    _gradient(picture, 0, line, _near(dice, (150, 184, 158)), _near(dice, (196, 214, 180)))
    pen = ImageDraw.Draw(picture)
    for _ in range(dice.randint(6, 12)):
        x, width = dice.uniform(0, picture.width), dice.uniform(4, 11)
        pen.rectangle((x, 0, x + width, line), fill=_near(dice, (88, 68, 52)))
    _blobs(picture, line * 0.25, dice, (58, 104, 62), 14)
    _gradient(picture, line, picture.height, _near(dice, (132, 112, 74)), _near(dice, (92, 76, 50)))
    _speckle(picture, line, dice, [(170, 110, 50), (110, 120, 60), (80, 64, 44)], 70)


def _beach(picture: Image.Image, line: int, dice: random.Random) -> None:
    _gradient(picture, 0, line, _near(dice, (128, 190, 232)), _near(dice, (226, 238, 244)))
    _gradient(picture, line - dice.randint(14, 30), line, _near(dice, (44, 122, 160)), _near(dice, (112, 190, 204)))
    _gradient(picture, line, picture.height, _near(dice, (238, 220, 178)), _near(dice, (206, 178, 128)))
    _speckle(picture, line, dice, [(250, 240, 210), (190, 160, 114), (250, 250, 246)], 50)


def _snow(picture: Image.Image, line: int, dice: random.Random) -> None:
    _gradient(picture, 0, line, _near(dice, (150, 172, 204)), _near(dice, (216, 222, 234)))
    pen = ImageDraw.Draw(picture)
    for _ in range(dice.randint(4, 9)):
        x, height, width = dice.uniform(0, picture.width), dice.uniform(20, 44), dice.uniform(7, 14)
        for part in range(3):
            top = line - height + part * height * 0.26
            wide = width * (0.5 + part * 0.25)
            pen.polygon([(x, top), (x - wide, top + height * 0.42), (x + wide, top + height * 0.42)], fill=(52, 88, 78))
    _gradient(picture, line, picture.height, _near(dice, (246, 248, 252)), _near(dice, (206, 216, 232)))
    _speckle(picture, 0, dice, [(255, 255, 255)], 50)


def _room(picture: Image.Image, line: int, dice: random.Random) -> None:
    wall: Colour = dice.choice([(224, 206, 180), (180, 204, 196), (212, 178, 170), (176, 188, 214), (236, 232, 220)])
    _gradient(picture, 0, line, _near(dice, wall), _near(dice, wall))
    pen = ImageDraw.Draw(picture)
    for _ in range(dice.randint(0, 2)):
        x, y, width = dice.uniform(0, picture.width * 0.8), dice.uniform(4, line * 0.4), dice.uniform(18, 36)
        pen.rectangle((x - 2, y - 2, x + width + 2, y + width * 0.8 + 2), fill=(96, 72, 54))
        pen.rectangle((x, y, x + width, y + width * 0.8), fill=_near(dice, (150, 180, 190), 60))
    floor: Colour = dice.choice([(166, 120, 80), (196, 158, 114), (128, 92, 70), (178, 176, 172)])
    _gradient(picture, line, picture.height, _near(dice, floor), _near(dice, floor))
    pen.rectangle((0, line - 4, picture.width, line), fill=(244, 240, 232))
    for step in range(1, 8):
        y = line + (picture.height - line) * step**1.5 / 20
        pen.line((0, y, picture.width, y), fill=tuple(round(level * 0.86) for level in floor))
    if dice.random() < 0.5:
        middle, wide = picture.width * dice.uniform(0.3, 0.7), picture.width * dice.uniform(0.3, 0.5)
        depth = picture.height - line
        box = (middle - wide, line + depth * 0.25, middle + wide, line + depth * 1.1)
        pen.ellipse(box, fill=_near(dice, (150, 80, 80), 70))


def _street(picture: Image.Image, line: int, dice: random.Random) -> None:
    _gradient(picture, 0, line, _near(dice, (96, 96, 150)), _near(dice, (240, 176, 132)))
    pen = ImageDraw.Draw(picture)
    x = -dice.uniform(0, 12)
    while x < picture.width:
        width, height = dice.uniform(14, 32), line * dice.uniform(0.35, 0.95)
        pen.rectangle((x, line - height, x + width - 2, line), fill=_near(dice, (112, 92, 98), 36))
        for row in range(int(height // 9)):
            for column in range(int(width // 8)):
                lit = (250, 224, 150) if dice.random() < 0.4 else (74, 74, 92)
                left, top = x + 3 + column * 8, line - height + 4 + row * 9
                pen.rectangle((left, top, left + 3, top + 4), fill=lit)
        x += width
    _gradient(picture, line, picture.height, _near(dice, (146, 142, 144)), _near(dice, (104, 102, 108)))
    _speckle(picture, line, dice, [(122, 118, 120), (160, 158, 158)], 50)


SCENES: tuple[Scene, ...] = (_meadow, _forest, _beach, _snow, _room, _street)


def _near(dice: random.Random, colour: Colour, by: int = 18) -> Colour:
    """A colour like this one."""
    red, green, blue = (min(255, max(0, level + dice.randint(-by, by))) for level in colour)
    return red, green, blue


def _gradient(picture: Image.Image, top: int, bottom: int, first: Colour, last: Colour) -> None:
    ramp = Image.linear_gradient("L").resize((picture.width, max(1, bottom - top)))
    picture.paste(ImageOps.colorize(ramp, first, last), (0, top))


def _speckle(picture: Image.Image, top: int, dice: random.Random, colours: list[Colour], count: int) -> None:
    pen = ImageDraw.Draw(picture)
    for _ in range(count):
        x, y, radius = dice.uniform(0, picture.width), dice.uniform(top, picture.height), dice.uniform(0.4, 1.3)
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=dice.choice(colours))


def _hills(picture: Image.Image, line: int, dice: random.Random, colour: Colour) -> None:
    pen = ImageDraw.Draw(picture)
    for _ in range(dice.randint(2, 4)):
        x, wide, high = dice.uniform(0, picture.width), dice.uniform(30, 70), dice.uniform(8, 26)
        pen.ellipse((x - wide, line - high, x + wide, line + high), fill=_near(dice, colour))


def _blobs(picture: Image.Image, middle: float, dice: random.Random, colour: Colour, count: int) -> None:
    pen = ImageDraw.Draw(picture)
    for _ in range(count):
        x, y, radius = dice.uniform(0, picture.width), dice.uniform(0, middle * 2), dice.uniform(5, 14)
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_near(dice, colour))
