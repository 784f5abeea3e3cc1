"""One dog's shapes: a breed's build with this dog's own measures, gait and mood."""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from datasets.breeds import Breed
from datasets.pencil import Limb, Point, ball

# Curves of unit length from the tail's base, and the radii at their points.
TAILS: dict[str, tuple[Sequence[Point], Sequence[float]]] = {
    "whip": ([(0, 0), (-0.22, 0.2), (-0.34, 0.6), (-0.55, 0.78)], [0.09, 0.06, 0.04, 0.03]),
    "upright": ([(0, 0), (-0.2, -0.3), (-0.24, -0.7), (-0.14, -1.0)], [0.11, 0.09, 0.08, 0.05]),
    "sabre": ([(0, 0), (-0.4, 0.0), (-0.75, -0.18), (-1.0, -0.48)], [0.11, 0.07, 0.05, 0.03]),
    "brush": ([(0, 0), (-0.3, 0.2), (-0.48, 0.6), (-0.62, 0.85)], [0.13, 0.17, 0.16, 0.05]),
    "plume": ([(0.05, 0.05), (-0.3, -0.4), (0.1, -0.85), (0.6, -0.7)], [0.2, 0.27, 0.29, 0.18]),
    "pompom": ([(0, 0), (-0.12, -0.4), (-0.16, -0.8)], [0.06, 0.05, 0.05]),
    "curl": (
        [(0, 0.05), (-0.25, -0.2), (-0.12, -0.55), (0.2, -0.5), (0.22, -0.2), (0.02, -0.2)],
        [0.13, 0.12, 0.11, 0.1, 0.08, 0.06],
    ),
}


@dataclass(frozen=True)
class Anatomy:
    """The dog looks to the right, stands on y = 0, its middle at x = 0."""

    body: list[Limb]
    head: list[Limb]
    muzzle: Limb
    near_legs: list[Limb]
    far_legs: list[Limb]
    tail: list[Limb]
    near_ear: Limb
    far_ear: Limb
    collar: Limb
    back: Limb
    chest: Point
    skull: Point
    skull_radius: float
    eye: Point
    nose: Point
    nose_radius: float
    mouth: Limb


def anatomy(breed: Breed, dice: random.Random) -> Anatomy:
    """Every length of the breed varied by up to 8 %, the gait and the head's and the tail's angle at random."""

    def vary(value: float, by: float = 0.08) -> float:
        return value * dice.uniform(1 - by, 1 + by)

    length, legs = vary(breed.body_length), vary(breed.leg_length)
    chest, waist, rump = vary(breed.chest), vary(breed.waist), vary(breed.rump)
    top = -(legs + 1.75 * chest)
    shoulder, hip = (length / 2 - chest, top + chest), (-length / 2 + rump, top + rump + 0.03)
    back = Limb([hip, (-0.06 * length, top + waist + 0.02), shoulder], [rump, waist, chest])

    lean = math.radians(breed.neck_angle + dice.uniform(-12, 10))
    neck_length = vary(breed.neck_length)
    nape = (shoulder[0] + chest * 0.35, top + chest * 0.62)
    throat = (nape[0] + math.cos(lean) * neck_length, nape[1] - math.sin(lean) * neck_length)
    radius = vary(breed.head, 0.06)
    skull = (throat[0] + radius * 0.25, throat[1] - radius * 0.25)
    neck = Limb(
        [nape, _between(nape, throat, 0.55), throat], [chest * 0.66, (chest * 0.4 + radius * 0.42), radius * 0.7]
    )

    pitch = math.radians(dice.uniform(-8, 24))
    at = _Frame(skull, radius, pitch)
    reach = (0.55 * radius + vary(breed.muzzle_length)) / radius
    width = vary(breed.muzzle_width)
    muzzle = Limb([at(0.3, 0.15), at((0.3 + reach) / 2, 0.22), at(reach, 0.26)], [radius * 0.72, width * 1.15, width])
    tip = at(reach, 0.26)
    nose = (tip[0] + width * 0.75 * math.cos(pitch), tip[1] - width * 0.45 + width * 0.75 * math.sin(pitch))
    mouth = Limb([(tip[0] + width * 0.4, tip[1] + width * 0.45), at(0.2 + reach / 2, 0.42), at(0.42, 0.4)], [0.012] * 3)

    gait = [dice.uniform(-0.2, 0.2) * legs for _ in range(4)]
    thickness = vary(breed.leg_width)
    near = [_front_leg(shoulder, chest, thickness, gait[0]), _hind_leg(hip, rump, legs, thickness, gait[1])]
    far = [
        _front_leg((shoulder[0] + 0.16, shoulder[1]), chest, thickness * 0.95, gait[2]),
        _hind_leg((hip[0] + 0.2, hip[1]), rump, legs, thickness * 0.95, gait[3]),
    ]
    tail = _tail(breed, (hip[0] - rump * 0.72, hip[1] - rump * 0.55), vary(breed.tail_length), dice)
    near_ear, far_ear = _ears(breed, at, radius, vary(breed.ear_length, 0.12))
    body, head = [back, neck], [ball(*skull, radius)]
    if breed.hair == "fluffy":
        body += _tufts([back, neck], dice)
        head += _tufts(head, dice)
        tail += _tufts(tail, dice)
    if breed.hair == "clipped":
        body += _curls(shoulder[0], shoulder[1] - 0.04, chest * 1.02, dice)
        body += _curls(hip[0] + 0.02, hip[1] - 0.02, rump * 0.92, dice)
        head += _curls(*at(-0.1, -0.62), radius * 0.72, dice)
        near += [curl for leg in near for curl in _curls(*leg.points[-3], 0.18, dice)]
        far += [curl for leg in far for curl in _curls(*leg.points[-3], 0.17, dice)]
    return Anatomy(
        body=body,
        head=head,
        muzzle=muzzle,
        near_legs=near,
        far_legs=far,
        tail=tail,
        near_ear=near_ear,
        far_ear=far_ear,
        collar=_collar(nape, throat, chest * 0.4 + radius * 0.42),
        back=back,
        chest=(shoulder[0] + chest * 0.75, shoulder[1] + chest * 0.25),
        skull=skull,
        skull_radius=radius,
        eye=at(0.42, -0.18),
        nose=nose,
        nose_radius=max(0.055, width * 0.36),
        mouth=mouth,
    )


class _Frame:
    """Points of the head: forward and down, in skull radii."""

    def __init__(self, skull: Point, radius: float, pitch: float) -> None:
        self._skull, self._radius = skull, radius
        self._sine, self._cosine = math.sin(pitch), math.cos(pitch)

    def __call__(self, forward: float, down: float) -> Point:
        return (
            self._skull[0] + self._radius * (forward * self._cosine - down * self._sine),
            self._skull[1] + self._radius * (forward * self._sine + down * self._cosine),
        )


def _between(start: Point, end: Point, share: float) -> Point:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def _front_leg(shoulder: Point, chest: float, width: float, swing: float) -> Limb:
    x, y = shoulder[0] + chest * 0.15, shoulder[1] + chest * 0.35
    paw = (x + swing, -width * 0.75)
    return Limb(
        [
            (x, y),
            (x - 0.03 + swing * 0.3, y * 0.55),
            (paw[0] - 0.02, y * 0.22),
            paw,
            (paw[0] + width * 0.75, -width * 0.6),
        ],
        [chest * 0.42, width * 1.15, width * 0.85, width * 0.8, width * 0.62],
    )


def _hind_leg(hip: Point, rump: float, legs: float, width: float, swing: float) -> Limb:
    x, y = hip[0] - rump * 0.05, hip[1] + rump * 0.25
    paw = (x - rump * 0.3 + swing, -width * 0.75)
    knee, hock = (x + rump * 0.28 + swing * 0.4, -legs * 0.62), (x - rump * 0.5 + swing * 0.8, -legs * 0.34)
    return Limb(
        [(x, y), knee, hock, paw, (paw[0] + width * 0.8, -width * 0.6)],
        [rump * 0.78, max(width * 1.3, rump * 0.36), width * 0.85, width * 0.78, width * 0.62],
    )


def _tail(breed: Breed, base: Point, length: float, dice: random.Random) -> list[Limb]:
    curve, radii = TAILS[breed.tail]
    wag = math.radians(dice.uniform(-16, 16))
    sine, cosine = math.sin(wag), math.cos(wag)
    points = [
        (base[0] + length * (x * cosine - y * sine), base[1] + length * (x * sine + y * cosine)) for x, y in curve
    ]
    tail = [Limb(points, [radius * (0.5 + length / 2) for radius in radii])]
    return tail + _curls(*points[-1], 0.2, dice) if breed.tail == "pompom" else tail


def _ears(breed: Breed, at: _Frame, radius: float, length: float) -> tuple[Limb, Limb]:
    """Near and far ear; `length` in the dog's unit, the frame in skull radii."""
    reach = length / radius
    if breed.ears == "hanging":
        points = [at(-0.25, -0.62), at(-0.52, -0.62 + reach * 0.5), at(-0.42, -0.62 + reach)]
        radii = [radius * 0.2, radius * 0.34, radius * 0.24]
        far = [at(0.15, -0.7), at(0.05, -0.62 + reach * 0.3), at(0.05, -0.62 + reach * 0.5)]
    elif breed.ears == "pricked":
        points, radii = (
            [at(-0.4, -0.55), at(-0.52, -0.6 - reach * 0.55), at(-0.5, -0.6 - reach)],
            [radius * 0.42, radius * 0.26, radius * 0.04],
        )
        far = [at(0.2, -0.6), at(0.16, -0.65 - reach * 0.55), at(0.22, -0.62 - reach)]
    elif breed.ears == "folded":
        points, radii = (
            [at(-0.3, -0.72), at(-0.2, -0.72 + reach * 0.45), at(0.0, -0.72 + reach * 0.85)],
            [radius * 0.28, radius * 0.24, radius * 0.06],
        )
        far = [at(0.35, -0.85), at(0.5, -0.8), at(0.62, -0.62)]
    else:
        points, radii = (
            [at(-0.25, -0.6), at(-0.7, -0.62), at(-0.4 - reach, -0.35)],
            [radius * 0.24, radius * 0.22, radius * 0.06],
        )
        far = [at(0.0, -0.75), at(-0.4, -0.95), at(-0.7, -0.85)]
    return Limb(points, radii), Limb(far, radii)


def _collar(nape: Point, throat: Point, radius: float) -> Limb:
    middle = _between(nape, throat, 0.62)
    length = math.hypot(throat[0] - nape[0], throat[1] - nape[1]) or 1.0
    across, down = -(throat[1] - nape[1]) / length * radius * 1.1, (throat[0] - nape[0]) / length * radius * 1.1
    ends = (middle[0] - across, middle[1] - down), (middle[0] + across, middle[1] + down)
    return Limb([ends[0], (middle[0] - 0.03, middle[1] + 0.05), ends[1]], [0.055] * 3)


def _tufts(limbs: Sequence[Limb], dice: random.Random) -> list[Limb]:
    """Tips of hair all around."""
    tips = []
    for limb in limbs:
        for x, y, radius in limb.discs[::2]:
            for number in range(8):
                turn = (number + dice.random()) * 2 * math.pi / 8
                start = (x + math.cos(turn) * radius * 0.8, y + math.sin(turn) * radius * 0.8)
                end = (x + math.cos(turn + 0.25) * radius * 1.16, y + math.sin(turn + 0.25) * radius * 1.16 + 0.03)
                tips.append(Limb([start, end], [radius * 0.3, radius * 0.03]))
    return tips


def _curls(x: float, y: float, radius: float, dice: random.Random) -> list[Limb]:
    """A ball of wool."""
    turns = [(number + dice.random() * 0.6) * 2 * math.pi / 9 for number in range(9)]
    return [ball(x, y, radius)] + [
        ball(x + math.cos(turn) * radius * 0.86, y + math.sin(turn) * radius * 0.86, radius * 0.36) for turn in turns
    ]
