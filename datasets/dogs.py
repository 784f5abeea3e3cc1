"""A dog on a picture: its shapes in layers from far to near, each with an outline, its coat and a shaded lower side."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops

from datasets.anatomy import Anatomy, anatomy
from datasets.breeds import Breed, Coat, Colour
from datasets.markings import Stroke, darker, ear_colour, markings, spots
from datasets.pencil import Limb, Pose, ball, bounds, draw, grown, mask, shifted

OUTLINE = 0.035
SHADE_DEPTH = 0.1
DARKER = [round(level * 0.82) for level in range(256)] * 3
COLLARS = ((176, 42, 48), (38, 84, 160), (232, 178, 36), (60, 130, 80), (120, 60, 140))


@dataclass(frozen=True)
class _Sheet:
    """What a dog is drawn on, where, and in which outline colour."""

    picture: Image.Image
    pose: Pose
    line: Colour


def draw_dog(picture: Image.Image, breed: Breed, pose: Pose, dice: random.Random) -> None:
    """Draw one dog of the breed; coat, measures, gait and markings come from the dice."""
    dog, coat = anatomy(breed, dice), _own_shade(dice.choice(breed.coats), dice)
    ears, strokes = ear_colour(breed, coat), markings(breed, coat, dog, dice)
    sheet = _Sheet(picture, pose, darker(coat.base, 0.3))
    far = darker(coat.base, 0.72)
    _layer(sheet, dog.far_legs, far)
    _layer(sheet, [dog.far_ear], darker(ears, 0.8))
    _layer(sheet, dog.tail, coat.base, strokes)
    _layer(sheet, [*dog.body, *dog.near_legs, *dog.head, dog.muzzle], coat.base, strokes)
    if breed.hair != "fluffy" and dice.random() < 0.35:
        _collar(sheet, dog, dice.choice(COLLARS))
    _face(sheet, dog)
    _layer(sheet, [dog.near_ear], ears, [spots([dog.near_ear], coat.dark, dice)] if breed.pattern == "spots" else [])


def _layer(sheet: _Sheet, limbs: Sequence[Limb], colour: Colour, strokes: Sequence[Stroke] = ()) -> None:
    draw(sheet.picture, sheet.pose, grown(limbs, OUTLINE), sheet.line)
    left, upper, right, lower = bounds(sheet.picture, sheet.pose, limbs)
    size, pose = (right - left, lower - upper), sheet.pose.moved(-left, -upper)
    inside = mask(size, pose, limbs)
    hide = Image.new("RGB", size, colour)
    for marking, marking_colour in strokes:
        draw(hide, pose, marking, marking_colour)
    below = ImageChops.subtract(inside, shifted(inside, pose, 0.03, -SHADE_DEPTH))
    hide.paste(hide.point(DARKER), mask=below)
    sheet.picture.paste(hide, (left, upper), mask=inside)


def _collar(sheet: _Sheet, dog: Anatomy, colour: Colour) -> None:
    neck = mask(sheet.picture.size, sheet.pose, [*dog.body, *dog.head])
    band = mask(sheet.picture.size, sheet.pose, [dog.collar])
    sheet.picture.paste(colour, mask=ImageChops.darker(neck, band))


def _face(sheet: _Sheet, dog: Anatomy) -> None:
    (x, y), size = dog.eye, max(0.055, dog.skull_radius * 0.17)
    nose_x, nose_y = dog.nose
    for limb, colour in (
        (dog.mouth, sheet.line),
        (ball(x, y, size * 1.3), darker(sheet.line, 0.8)),
        (ball(x + size * 0.1, y, size), (74, 44, 24)),
        (ball(x + size * 0.15, y, size * 0.62), (14, 10, 10)),
        (ball(x + size * 0.35, y - size * 0.35, size * 0.3), (250, 250, 250)),
        (ball(nose_x, nose_y, dog.nose_radius), (28, 22, 24)),
        (ball(nose_x, nose_y - dog.nose_radius * 0.4, dog.nose_radius * 0.3), (110, 104, 108)),
    ):
        draw(sheet.picture, sheet.pose, [limb], colour)


def _own_shade(coat: Coat, dice: random.Random) -> Coat:
    """The coat a little lighter or darker, warmer or colder."""
    gain = dice.uniform(0.84, 1.08)
    gains = [gain * dice.uniform(0.98, 1.02) for _ in range(3)]

    def shade(colour: Colour) -> Colour:
        red, green, blue = (min(250, round(level * gain)) for level, gain in zip(colour, gains, strict=True))
        return red, green, blue

    return Coat(shade(coat.base), shade(coat.dark), shade(coat.light))
