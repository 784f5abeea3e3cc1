"""One picture of the drawn set: a scene, a dog's shadow, a dog."""

import math
import random

from PIL import Image, ImageDraw, ImageEnhance

from datasets.breeds import Breed
from datasets.dogs import draw_dog
from datasets.pencil import Pose
from datasets.scenes import Scene, scene

# Drawn larger than asked, then scaled down: smooth edges.
ENLARGED = 1.5


def draw_picture(breed: Breed, size: int, dice: random.Random, place: Scene | None = None) -> Image.Image:
    """A size x size RGB picture of one dog; all that varies is of the dice, but `place` may say where it stands."""
    canvas = round(size * ENLARGED)
    picture, horizon = scene(canvas, dice, place)
    pose = _pose(breed, canvas, horizon, dice)
    _shadow(picture, breed, pose)
    draw_dog(picture, breed, pose, dice)
    picture = picture.resize((size, size), Image.Resampling.BICUBIC)
    picture = ImageEnhance.Brightness(picture).enhance(dice.uniform(0.8, 1.12))
    return ImageEnhance.Color(picture).enhance(dice.uniform(0.7, 1.15))


def _pose(breed: Breed, canvas: int, horizon: float, dice: random.Random) -> Pose:
    """The dog fills about two thirds of the picture, feet on the ground."""
    mirrored = dice.random() < 0.5
    width = breed.body_length + 2.1
    height = breed.leg_length + 1.75 * breed.chest + breed.neck_length + 2.2 * breed.head
    scale = canvas * dice.uniform(0.66, 0.98) / max(width, height * 1.08)
    room = max(0.0, (canvas - width * scale) / 2)
    ground = dice.uniform(max(horizon + 0.1, height * scale / canvas + 0.04), 0.97)
    # The head reaches further than the tail: the body stands a little to the tail's side.
    ahead = 0.25 * scale * (1 if mirrored else -1)
    return Pose(
        x=canvas / 2 + ahead + dice.uniform(-room, room),
        y=canvas * ground,
        scale=scale,
        angle=math.radians(dice.gauss(0, 4)),
        mirrored=mirrored,
    )


def _shadow(picture: Image.Image, breed: Breed, pose: Pose) -> None:
    wide, high = breed.body_length * 0.62 * pose.scale, 0.14 * pose.scale
    shade = Image.new("L", picture.size)
    ImageDraw.Draw(shade).ellipse((pose.x - wide, pose.y - high, pose.x + wide, pose.y + high), fill=90)
    picture.paste((20, 20, 30), mask=shade)
