"""A dog on a picture: its shapes in layers from far to near, its coat with the breed's markings."""

import random
from collections.abc import Callable, Sequence
from itertools import pairwise

from PIL import Image, ImageChops

from datasets.anatomy import Anatomy, anatomy
from datasets.breeds import Breed, Coat, Colour
from datasets.pencil import Limb, Pose, ball, discs, draw, grown, mask, shifted

OUTLINE = 0.035
COLLARS = ((176, 42, 48), (38, 84, 160), (232, 178, 36), (60, 130, 80), (120, 60, 140))
Paint = Callable[[Image.Image], None]


def draw_dog(picture: Image.Image, breed: Breed, pose: Pose, dice: random.Random) -> None:
    """Draw one dog of the breed; coat, measures, gait and markings come from the dice."""
    dog, coat = anatomy(breed, dice), _own_shade(dice.choice(breed.coats), dice)
    ears = _ear_colour(breed, coat)
    markings = _markings(breed, coat, dog, dice)
    line = _darker(coat.base, 0.3)

    def layer(limbs: Sequence[Limb], colour: Colour, paint: Paint | None = None, shade: float = 0.1) -> None:
        _layer(picture, pose, limbs, colour, line, paint, shade)

    layer(dog.far_legs, _darker(coat.base, 0.72), None, 0)
    layer([dog.far_ear], _darker(ears, 0.8), None, 0)
    layer(dog.tail, coat.base, markings(pose))
    layer([*dog.body, *dog.near_legs, *dog.head, dog.muzzle], coat.base, markings(pose))
    if breed.hair != "fluffy" and dice.random() < 0.35:
        neck = mask(picture.width, pose, [*dog.body, *dog.head])
        collar = mask(picture.width, pose, [dog.collar])
        picture.paste(dice.choice(COLLARS), mask=ImageChops.darker(neck, collar))
    _face(picture, pose, dog, line)
    layer([dog.near_ear], ears, _spotted(pose, [dog.near_ear], coat, dice) if breed.pattern == "spots" else None)


def _layer(
    picture: Image.Image,
    pose: Pose,
    limbs: Sequence[Limb],
    colour: Colour,
    line: Colour,
    paint: Paint | None,
    shade: float,
) -> None:
    size = picture.width
    draw(picture, pose, grown(limbs, OUTLINE), line)
    inside = mask(size, pose, limbs)
    hide = Image.new("RGB", picture.size, colour)
    if paint:
        paint(hide)
    if shade:
        below = ImageChops.subtract(inside, shifted(inside, pose, 0.03, -shade))
        hide.paste(hide.point([round(level * 0.82) for level in range(256)] * 3), mask=below)
    picture.paste(hide, mask=inside)


def _face(picture: Image.Image, pose: Pose, dog: Anatomy, line: Colour) -> None:
    draw(picture, pose, [dog.mouth], line)
    x, y = dog.eye
    size = max(0.055, dog.skull_radius * 0.17)
    draw(picture, pose, [ball(x, y, size * 1.3)], _darker(line, 0.8))
    draw(picture, pose, [ball(x + size * 0.1, y, size)], (74, 44, 24))
    draw(picture, pose, [ball(x + size * 0.15, y, size * 0.62)], (14, 10, 10))
    draw(picture, pose, [ball(x + size * 0.35, y - size * 0.35, size * 0.3)], (250, 250, 250))
    draw(picture, pose, [ball(*dog.nose, dog.nose_radius)], (28, 22, 24))
    draw(
        picture, pose, [ball(dog.nose[0], dog.nose[1] - dog.nose_radius * 0.4, dog.nose_radius * 0.3)], (110, 104, 108)
    )


def _markings(breed: Breed, coat: Coat, dog: Anatomy, dice: random.Random) -> Callable[[Pose], Paint]:
    """What is painted over the base colour, clipped to the silhouette later."""
    strokes: list[tuple[Sequence[Limb], Colour]] = []
    (hip, loin, shoulder), (rump, waist, chest) = dog.back.points, dog.back.radii
    skull = ball(*dog.skull, dog.skull_radius * 1.25)
    feet = [Limb(leg.points[-2:], [radius * 1.5 for radius in leg.radii[-2:]]) for leg in dog.near_legs[:2]]
    bib = ball(*dog.chest, chest * dice.uniform(0.3, 0.5))
    front = Limb(dog.muzzle.points[1:], [radius * 1.2 for radius in dog.muzzle.radii[1:]])
    saddle = Limb(
        [
            (hip[0] - rump, hip[1] - rump * 0.5),
            (loin[0], loin[1] - waist * 0.5),
            (shoulder[0], shoulder[1] - chest * 0.55),
        ],
        [rump * dice.uniform(0.5, 0.9), waist * dice.uniform(0.6, 1.0), chest * dice.uniform(0.5, 0.8)],
    )
    if breed.pattern == "spots":
        return lambda pose: _spotted(pose, [dog.back, *dog.near_legs, dog.muzzle, *dog.body[1:], *dog.tail], coat, dice)
    if breed.pattern == "saddle":
        legs = [Limb(leg.points[1:], [radius * 1.6 for radius in leg.radii[1:]]) for leg in dog.near_legs]
        strokes = [(legs, coat.light), ([bib], coat.light), ([saddle, *dog.tail], coat.dark), ([front], coat.dark)]
    elif breed.pattern == "tricolour":
        tail = dog.tail[0]
        strokes = [([saddle, Limb(tail.points[:3], [0.2] * 3)], coat.dark), ([skull, *dog.body[1:]], coat.light)]
        strokes += [([front, bib, Limb([dog.chest, dog.collar.points[2]], [chest * 0.4, 0.1])], coat.base)]
    elif breed.pattern == "points":
        brow = ball(dog.eye[0], dog.eye[1] - dog.skull_radius * 0.38, dog.skull_radius * 0.14)
        strokes = [(feet, coat.light), ([front, brow], coat.light), ([bib], coat.light)]
    elif breed.pattern == "mask":
        strokes = [([Limb(dog.muzzle.points, [radius * 0.95 for radius in dog.muzzle.radii])], coat.dark)]
        strokes += [([ball(*dog.eye, dog.skull_radius * 0.36)], coat.dark)]
    elif dice.random() < 0.45:
        strokes = [([bib], coat.light), (feet, coat.light)]
    if breed.pattern == "plain" and breed.hair == "smooth" and dice.random() < 0.3:
        stripes = [
            Limb([(x, y - r), (x - 0.08, y), (x + 0.02, y + r)], [0.01, dice.uniform(0.02, 0.04), 0.01])
            for x, y, r in discs(dog.back)[::2]
        ]
        strokes.append((stripes, coat.dark))

    def painted(pose: Pose) -> Paint:
        def paint(hide: Image.Image) -> None:
            for limbs, colour in strokes:
                draw(hide, pose, limbs, colour)

        return paint

    return painted


def _spotted(pose: Pose, limbs: Sequence[Limb], coat: Coat, dice: random.Random) -> Paint:
    spots = []
    for limb in limbs:
        for (x, y, radius), _ in pairwise(discs(limb)[::2]):
            for _ in range(1 + round(radius * 5)):
                place = (x + dice.uniform(-1, 1) * radius, y + dice.uniform(-1, 1) * radius)
                spots.append(ball(*place, dice.uniform(0.025, 0.05 + radius * 0.12)))
    return lambda hide: draw(hide, pose, spots, coat.dark)


def _ear_colour(breed: Breed, coat: Coat) -> Colour:
    if breed.pattern in {"saddle", "mask"}:
        return coat.dark
    if breed.pattern == "tricolour":
        return _darker(coat.light, 0.88)
    return _darker(coat.base, 0.9)


def _own_shade(coat: Coat, dice: random.Random) -> Coat:
    """The coat a little lighter or darker, warmer or colder."""
    gain = dice.uniform(0.84, 1.08)
    gains = [gain * dice.uniform(0.98, 1.02) for _ in range(3)]

    def shade(colour: Colour) -> Colour:
        red, green, blue = (min(250, round(level * gain)) for level, gain in zip(colour, gains, strict=True))
        return red, green, blue

    return Coat(shade(coat.base), shade(coat.dark), shade(coat.light))


def _darker(colour: Colour, factor: float) -> Colour:
    red, green, blue = (round(level * factor) for level in colour)
    return red, green, blue
