"""Soft shapes on a mask, in a dog's own coordinates: turned, mirrored and scaled as the pose wants it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from PIL import Image, ImageDraw

Point = tuple[float, float]
STEPS = 6


@dataclass(frozen=True)
class Pose:
    """Where the dog's origin (on the ground, below its middle) stands, in pixels; the angle in radians."""

    x: float
    y: float
    scale: float
    angle: float
    mirrored: bool

    def moved(self, across: int, down: int) -> "Pose":
        """The pose on a part of the picture, so many pixels further."""
        return replace(self, x=self.x + across, y=self.y + down)

    def pixel(self, point: Point) -> Point:
        """The pixel of a point of the dog."""
        across, down = point
        sine, cosine = math.sin(self.angle), math.cos(self.angle)
        turned = across * cosine - down * sine
        return (
            self.x + (-turned if self.mirrored else turned) * self.scale,
            self.y + (across * sine + down * cosine) * self.scale,
        )


@dataclass(frozen=True)
class Limb:
    """A curve through points with a radius at each: legs, necks, tails, bodies, ears."""

    points: Sequence[Point]
    radii: Sequence[float]

    @cached_property
    def discs(self) -> list[tuple[float, float, float]]:
        """Points of a Catmull-Rom curve through the limb's points, with radii."""
        knots = [(*point, radius) for point, radius in zip(self.points, self.radii, strict=True)]
        if len(knots) < 3:
            return knots
        padded = [knots[0], *knots, knots[-1]]
        curve = [knots[0]]
        for before, start, end, after in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
            for step in range(1, STEPS + 1):
                t = step / STEPS
                x, y, radius = (_spline(a, b, c, d, t) for a, b, c, d in zip(before, start, end, after, strict=True))
                curve.append((x, y, max(radius, 0.0)))
        return curve


def ball(x: float, y: float, radius: float) -> Limb:
    """A disc."""
    return Limb([(x, y)], [radius])


def draw(image: Image.Image, pose: Pose, limbs: Sequence[Limb], colour: int | tuple[int, int, int]) -> None:
    """Fill the limbs, each as hulls of neighbouring discs along its curve."""
    pen = ImageDraw.Draw(image)
    for limb in limbs:
        circles = [(*pose.pixel((x, y)), radius * pose.scale) for x, y, radius in limb.discs]
        for x, y, radius in circles:
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
        for left, right in pairwise(circles):
            pen.polygon(_band(left, right), fill=colour)


def bounds(image: Image.Image, pose: Pose, limbs: Sequence[Limb]) -> tuple[int, int, int, int]:
    """The box of the image's pixels that the limbs may touch; empty when they lie outside."""
    circles = [(*pose.pixel((x, y)), radius * pose.scale + 2) for limb in limbs for x, y, radius in limb.discs]
    left = max(0, int(min(x - radius for x, _, radius in circles)))
    upper = max(0, int(min(y - radius for _, y, radius in circles)))
    right = min(image.width, int(max(x + radius for x, _, radius in circles)))
    lower = min(image.height, int(max(y + radius for _, y, radius in circles)))
    return left, upper, max(left, right), max(upper, lower)


def mask(size: tuple[int, int], pose: Pose, limbs: Sequence[Limb]) -> Image.Image:
    """The silhouette of the limbs, mode L."""
    image = Image.new("L", size)
    draw(image, pose, limbs, 255)
    return image


def grown(limbs: Sequence[Limb], by: float) -> list[Limb]:
    """The limbs with `by` more on every radius."""
    return [Limb(limb.points, [radius + by for radius in limb.radii]) for limb in limbs]


def shifted(silhouette: Image.Image, pose: Pose, across: float, down: float) -> Image.Image:
    """The silhouette moved by a distance of the dog's own."""
    (x, y), (u, v) = pose.pixel((0, 0)), pose.pixel((across, down))
    image = Image.new("L", silhouette.size)
    image.paste(silhouette, (round(u - x), round(v - y)))
    return image


def _spline(a: float, b: float, c: float, d: float, t: float) -> float:
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))


def _band(left: tuple[float, float, float], right: tuple[float, float, float]) -> list[Point]:
    (x, y, r), (u, v, s) = left, right
    length = math.hypot(u - x, v - y) or 1.0
    across, down = -(v - y) / length, (u - x) / length
    return [
        (x + across * r, y + down * r),
        (u + across * s, v + down * s),
        (u - across * s, v - down * s),
        (x - across * r, y - down * r),
    ]
