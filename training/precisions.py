"""The precisions that a model can be served in, what was measured of each, and which one is to be served."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

# In the order of what a tie falls to. bf16 has no graph of its own: the CPU computes model.xml in bfloat16.
GRAPHS = {"fp32": "model.xml", "bf16": "model.xml", "int8": "model.int8.xml"}


@dataclass(frozen=True)
class Measurement:
    """One precision on the validation images, and milliseconds an image (one thread).

    `correct` of the `images` it got right; to `agreeing` of them it gives the class that fp32 gives, right or wrong.
    """

    precision: str
    correct: int
    agreeing: int
    images: int
    milliseconds: float

    @property
    def accuracy(self) -> float:
        """Top-1 accuracy, 0..1."""
        return self.correct / self.images

    @property
    def agreement(self) -> float:
        """Share of the images that it gives fp32's class to, 0..1."""
        return self.agreeing / self.images

    def points_below(self, other: "Measurement") -> Fraction:
        """Percentage points of accuracy that this one has less than `other`, exactly."""
        return 100 * (Fraction(other.correct, other.images) - Fraction(self.correct, self.images))

    def as_json(self) -> dict[str, str | float]:
        """Its member of model.json's `precisions`."""
        return {
            "graph": GRAPHS[self.precision],
            "top1_accuracy": self.accuracy,
            "top1_agreement": self.agreement,
            "milliseconds": self.milliseconds,
        }


@dataclass(frozen=True)
class Choice:
    """The precision to serve, why, and one line of the log a precision."""

    precision: str
    reason: str
    lines: tuple[str, ...]


def choose(measurements: Sequence[Measurement], tolerance_points: float) -> Choice:
    """The fastest precision that loses no more than `tolerance_points` percentage points of fp32's accuracy.

    `measurements` hold fp32. The tolerance is the decimal number that a person wrote: 0.1 allows one image of 1,000.
    """
    by_precision = {each.precision: each for each in measurements}
    fp32 = by_precision["fp32"]
    tolerance = Fraction(repr(tolerance_points))
    order = [name for name in GRAPHS if name in by_precision]
    allowed = [by_precision[name] for name in order if by_precision[name].points_below(fp32) <= tolerance]
    chosen = min(allowed, key=lambda each: each.milliseconds)
    within = f"within {tolerance_points:g} points of fp32's accuracy"
    lines = []
    for each in (by_precision[name] for name in order):
        if each is chosen:
            verdict = "chosen"
        elif each in allowed:
            verdict = f"not faster than {chosen.precision}"
        else:
            verdict = f"not {within}"
        lines.append(_line(each, fp32, verdict))
    lost = [each.precision for each in by_precision.values() if each not in allowed]
    reason = f"{chosen.precision} is the fastest {within}"
    if lost:
        reason += f"; {' and '.join(lost)} {'is' if len(lost) == 1 else 'are'} not within them"
    return Choice(chosen.precision, reason, tuple(lines))


def _line(measured: Measurement, fp32: Measurement, verdict: str) -> str:
    if measured is fp32:
        return f"fp32: accuracy {fp32.accuracy:.4f}, {fp32.milliseconds:.1f} ms an image: {verdict}"
    points = f"{float(-measured.points_below(fp32)):+.2f} points"
    return (
        f"{measured.precision}: accuracy {measured.accuracy:.4f} (fp32 {fp32.accuracy:.4f}, {points}), "
        f"fp32's class for {measured.agreement:.2%}, "
        f"{measured.milliseconds:.1f} ms an image (fp32 {fp32.milliseconds:.1f}): {verdict}"
    )
