"""What lies over a coat's base colour: strokes in the dog's own coordinates, clipped to its silhouette when painted."""

import random
from collections.abc import Sequence

from datasets.anatomy import Anatomy
from datasets.breeds import Breed, Coat, Colour
from datasets.pencil import Limb, ball

Stroke = tuple[Sequence[Limb], Colour]


def markings(breed: Breed, coat: Coat, dog: Anatomy, dice: random.Random) -> list[Stroke]:
    """The breed's pattern on this dog, first stroke lowest."""
    return {
        "plain": _plain,
        "spots": _spots,
        "saddle": _saddled,
        "tricolour": _tricolour,
        "points": _points,
        "mask": _mask,
    }[breed.pattern](breed, coat, dog, dice)


def spots(limbs: Sequence[Limb], colour: Colour, dice: random.Random) -> Stroke:
    """Round spots all over the limbs."""
    places = []
    for limb in limbs:
        for x, y, radius in limb.discs[::3]:
            for _ in range(1 + round(radius * 6)):
                place = x + dice.uniform(-1, 1) * radius, y + dice.uniform(-1, 1) * radius
                places.append(ball(*place, dice.uniform(0.025, 0.05 + radius * 0.12)))
    return places, colour


def ear_colour(breed: Breed, coat: Coat) -> Colour:
    """Of the ears: darker than the head, so that they stand out."""
    if breed.pattern in {"saddle", "mask"}:
        return coat.dark
    return darker(coat.light, 0.88) if breed.pattern == "tricolour" else darker(coat.base, 0.9)


def darker(colour: Colour, factor: float) -> Colour:
    """The colour with each channel multiplied."""
    red, green, blue = (round(level * factor) for level in colour)
    return red, green, blue


def _plain(breed: Breed, coat: Coat, dog: Anatomy, dice: random.Random) -> list[Stroke]:
    strokes: list[Stroke] = []
    if dice.random() < 0.45:
        strokes += [([_bib(dog, dice)], coat.light), (_feet(dog), coat.light)]
    if breed.hair == "smooth" and dice.random() < 0.3:  # brindle
        stripes = [
            Limb([(x, y - radius), (x - 0.08, y), (x + 0.02, y + radius)], [0.01, dice.uniform(0.02, 0.04), 0.01])
            for x, y, radius in dog.back.discs[1::2]
        ]
        strokes.append((stripes, coat.dark))
    return strokes


def _spots(_: Breed, coat: Coat, dog: Anatomy, dice: random.Random) -> list[Stroke]:
    return [spots([*dog.body, dog.muzzle, *dog.near_legs, *dog.tail, *dog.head], coat.dark, dice)]


def _saddled(_: Breed, coat: Coat, dog: Anatomy, dice: random.Random) -> list[Stroke]:
    legs = [Limb(leg.points[1:], [radius * 1.6 for radius in leg.radii[1:]]) for leg in dog.near_legs]
    return [
        (legs, coat.light),
        ([_bib(dog, dice)], coat.light),
        ([_saddle(dog, dice), *dog.tail, _snout(dog)], coat.dark),
    ]


def _tricolour(_: Breed, coat: Coat, dog: Anatomy, dice: random.Random) -> list[Stroke]:
    tail = Limb(dog.tail[0].points[:3], [0.2] * 3)  # its tip stays white
    face = ball(*dog.skull, dog.skull_radius * 1.25)
    return [
        ([_saddle(dog, dice), tail], coat.dark),
        ([face, *dog.body[1:]], coat.light),
        ([_snout(dog), _bib(dog, dice), Limb([dog.chest, dog.collar.points[2]], [0.2, 0.1])], coat.base),
    ]


def _points(_: Breed, coat: Coat, dog: Anatomy, dice: random.Random) -> list[Stroke]:
    brow = ball(dog.eye[0], dog.eye[1] - dog.skull_radius * 0.38, dog.skull_radius * 0.14)
    return [([*_feet(dog), _snout(dog), brow, _bib(dog, dice)], coat.light)]


def _mask(_: Breed, coat: Coat, dog: Anatomy, __: random.Random) -> list[Stroke]:
    face = Limb(dog.muzzle.points, [radius * 0.95 for radius in dog.muzzle.radii])
    return [([face, ball(*dog.eye, dog.skull_radius * 0.36)], coat.dark)]


def _bib(dog: Anatomy, dice: random.Random) -> Limb:
    return ball(*dog.chest, dog.back.radii[-1] * dice.uniform(0.3, 0.5))


def _feet(dog: Anatomy) -> list[Limb]:
    return [Limb(leg.points[-2:], [radius * 1.5 for radius in leg.radii[-2:]]) for leg in dog.near_legs[:2]]


def _snout(dog: Anatomy) -> Limb:
    return Limb(dog.muzzle.points[1:], [radius * 1.2 for radius in dog.muzzle.radii[1:]])


def _saddle(dog: Anatomy, dice: random.Random) -> Limb:
    (hip, loin, shoulder), (rump, waist, chest) = dog.back.points, dog.back.radii
    return Limb(
        [
            (hip[0] - rump, hip[1] - rump * 0.5),
            (loin[0], loin[1] - waist * 0.5),
            (shoulder[0], shoulder[1] - chest * 0.55),
        ],
        [rump * dice.uniform(0.5, 0.9), waist * dice.uniform(0.6, 1.0), chest * dice.uniform(0.5, 0.8)],
    )
