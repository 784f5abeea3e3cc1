"""What makes a drawn dog this breed and no other. Lengths are in heights of a middling dog's chest, y points down."""

from dataclasses import dataclass
from typing import Literal

Colour = tuple[int, int, int]
Ears = Literal["hanging", "pricked", "folded", "laid back"]
Tail = Literal["whip", "upright", "sabre", "brush", "plume", "pompom", "curl"]
Hair = Literal["smooth", "fluffy", "clipped"]
Pattern = Literal["plain", "spots", "saddle", "tricolour", "points", "mask"]


@dataclass(frozen=True)
class Coat:
    """`base` covers the dog; `dark` and `light` are for its markings."""

    base: Colour
    dark: Colour
    light: Colour


@dataclass(frozen=True)
class Breed:
    """The build of a breed. Each dog varies all lengths by some percent and picks one coat."""

    folder: str
    body_length: float
    chest: float
    waist: float
    rump: float
    leg_length: float
    leg_width: float
    neck_length: float
    neck_angle: float
    head: float
    muzzle_length: float
    muzzle_width: float
    ears: Ears
    ear_length: float
    tail: Tail
    tail_length: float
    hair: Hair
    pattern: Pattern
    coats: tuple[Coat, ...]


WHITE, CREAM, BLACK = (244, 240, 232), (232, 212, 176), (44, 40, 42)
TAN, RED, BROWN, LIVER = (196, 140, 82), (168, 92, 48), (110, 70, 46), (92, 56, 40)
GREY, FAWN, APRICOT, BLUE = (150, 148, 150), (206, 168, 118), (220, 166, 108), (98, 104, 118)

BREEDS = (
    Breed(
        folder="001.Beagle",
        body_length=1.75, chest=0.50, waist=0.42, rump=0.43, leg_length=0.72, leg_width=0.155,
        neck_length=0.55, neck_angle=48, head=0.37, muzzle_length=0.52, muzzle_width=0.21,
        ears="hanging", ear_length=0.62, tail="upright", tail_length=0.85, hair="smooth", pattern="tricolour",
        coats=(Coat(WHITE, BLACK, TAN), Coat(WHITE, BROWN, FAWN), Coat(CREAM, RED, APRICOT), Coat(WHITE, BLUE, FAWN)),
    ),
    Breed(
        folder="002.Dachshund",
        body_length=2.65, chest=0.43, waist=0.36, rump=0.38, leg_length=0.25, leg_width=0.145,
        neck_length=0.58, neck_angle=42, head=0.32, muzzle_length=0.66, muzzle_width=0.16,
        ears="hanging", ear_length=0.60, tail="sabre", tail_length=0.95, hair="smooth", pattern="points",
        coats=(
            Coat(RED, BROWN, RED), Coat(BLACK, BLACK, TAN), Coat(BROWN, LIVER, FAWN), Coat(CREAM, TAN, CREAM),
            Coat(GREY, BLACK, TAN),
        ),
    ),
    Breed(
        folder="003.Dalmatian",
        body_length=1.85, chest=0.50, waist=0.38, rump=0.42, leg_length=1.05, leg_width=0.145,
        neck_length=0.72, neck_angle=56, head=0.35, muzzle_length=0.55, muzzle_width=0.19,
        ears="hanging", ear_length=0.46, tail="sabre", tail_length=1.05, hair="smooth", pattern="spots",
        coats=(
            Coat(WHITE, BLACK, WHITE), Coat(WHITE, LIVER, WHITE), Coat(CREAM, BLACK, CREAM), Coat(WHITE, BLUE, WHITE),
        ),
    ),
    Breed(
        folder="004.German_shepherd_dog",
        body_length=2.05, chest=0.54, waist=0.43, rump=0.44, leg_length=0.90, leg_width=0.165,
        neck_length=0.66, neck_angle=46, head=0.38, muzzle_length=0.62, muzzle_width=0.19,
        ears="pricked", ear_length=0.52, tail="brush", tail_length=1.05, hair="smooth", pattern="saddle",
        coats=(Coat(TAN, BLACK, FAWN), Coat(RED, BLACK, TAN), Coat(GREY, BLACK, CREAM), Coat(CREAM, BROWN, WHITE)),
    ),
    Breed(
        folder="005.Greyhound",
        body_length=2.00, chest=0.50, waist=0.24, rump=0.36, leg_length=1.25, leg_width=0.105,
        neck_length=0.88, neck_angle=52, head=0.27, muzzle_length=0.66, muzzle_width=0.12,
        ears="laid back", ear_length=0.32, tail="whip", tail_length=1.25, hair="smooth", pattern="plain",
        coats=(
            Coat(FAWN, BROWN, WHITE), Coat(BLACK, BLACK, WHITE), Coat(BLUE, BLACK, WHITE), Coat(WHITE, FAWN, WHITE),
            Coat(RED, BROWN, WHITE),
        ),
    ),
    Breed(
        folder="006.Pomeranian",
        body_length=1.30, chest=0.47, waist=0.44, rump=0.43, leg_length=0.62, leg_width=0.125,
        neck_length=0.52, neck_angle=54, head=0.36, muzzle_length=0.34, muzzle_width=0.12,
        ears="pricked", ear_length=0.27, tail="plume", tail_length=0.72, hair="fluffy", pattern="plain",
        coats=(
            Coat(APRICOT, RED, CREAM), Coat(WHITE, CREAM, WHITE), Coat(BLACK, BLACK, GREY), Coat(CREAM, TAN, WHITE),
            Coat(BROWN, LIVER, TAN),
        ),
    ),
    Breed(
        folder="007.Poodle",
        body_length=1.45, chest=0.46, waist=0.31, rump=0.34, leg_length=1.05, leg_width=0.09,
        neck_length=0.72, neck_angle=62, head=0.31, muzzle_length=0.55, muzzle_width=0.12,
        ears="hanging", ear_length=0.55, tail="pompom", tail_length=0.62, hair="clipped", pattern="plain",
        coats=(
            Coat(WHITE, CREAM, WHITE), Coat(BLACK, BLACK, GREY), Coat(APRICOT, TAN, CREAM), Coat(GREY, BLUE, WHITE),
            Coat(BROWN, LIVER, TAN),
        ),
    ),
    Breed(
        folder="008.Pug",
        body_length=1.55, chest=0.51, waist=0.44, rump=0.42, leg_length=0.72, leg_width=0.15,
        neck_length=0.48, neck_angle=46, head=0.42, muzzle_length=0.25, muzzle_width=0.25,
        ears="folded", ear_length=0.34, tail="curl", tail_length=0.60, hair="smooth", pattern="mask",
        coats=(
            Coat(FAWN, BLACK, CREAM), Coat(CREAM, BLACK, WHITE), Coat(APRICOT, BLACK, CREAM), Coat(GREY, BLACK, CREAM),
        ),
    ),
)  # fmt: skip
