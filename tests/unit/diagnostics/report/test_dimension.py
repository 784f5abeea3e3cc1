import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.report.dimension import Dimension, dimensions, varying
from diagnostics.report.tuning_report import Range, Trial
from tests.unit.diagnostics.report import examples


def trials(name: str, *values: str) -> list[Trial]:
    return [Trial(f"t{n}", n, "Completed", {name: value}, 1.0) for n, value in enumerate(values)]


def one(given_range: Range, *values: str) -> Dimension:
    (found,) = dimensions(examples.tuning(trials=trials("x", *values), ranges={"x": given_range}))
    return found


def test_a_logarithmic_range_has_its_decades() -> None:
    found = one(Range("Logarithmic", 0.001, 0.1), "0.01")
    assert found.place("0.01") == pytest.approx(0.5)
    assert [label for _, label in found.ticks()] == ["0.001", "0.003", "0.01", "0.03", "0.1"]
    assert found.place(None) is None


def test_a_reverse_logarithmic_range_is_fine_near_one() -> None:
    found = one(Range("ReverseLogarithmic", 0.9, 0.999), "0.99")
    assert found.place("0.99") == pytest.approx(0.5)
    assert {"0.9", "0.99", "0.999"} <= {label for _, label in found.ticks()}


def test_categories_are_in_their_order() -> None:
    numbers = one(Range("Categorical"), "128", "32", "64", "32")
    assert numbers.categories == ("32", "64", "128")
    assert numbers.place("64") == pytest.approx(0.5)
    assert numbers.place("7") is None
    assert one(Range("Linear", 0, 1), "0.5", "adam").scale == "categories"  # not all are numbers


def test_scaling_auto_looks_at_the_range() -> None:
    assert one(Range("Auto", 0.001, 0.1), "0.01").scale == "log"
    assert one(Range("Auto", 1, 10), "2").scale == "linear"


def test_values_outside_of_the_range_widen_the_axis() -> None:
    assert one(Range("Linear", 0, 1), "2").high == 2
    assert one(Range("Logarithmic", 0.1, 1), "0").scale == "linear"  # nothing has a logarithm of 0


def test_without_ranges_what_differs_is_shown() -> None:
    made = [Trial(f"t{n}", n, "Completed", {"lr": str(n), "epochs": "5"}, 1.0) for n in range(3)]
    assert varying(made) == ["lr"]
    assert [found.name for found in dimensions(examples.tuning(trials=made, ranges={}))] == ["lr"]


@given(
    st.sampled_from(["Auto", "Linear", "Logarithmic", "ReverseLogarithmic", "Categorical"]),
    st.lists(st.floats(-1e9, 1e9) | st.floats(0, 1), min_size=1, max_size=6),
)
def test_all_values_and_ticks_lie_on_the_axis(scaling: str, values: list[float]) -> None:
    written = [repr(value) for value in values]
    found = one(Range(scaling), *written)  # type: ignore[arg-type]
    for value in written:
        place = found.place(value)
        assert place is not None
        assert 0 <= place <= 1
    ticks = found.ticks()
    assert ticks
    assert all(0 <= at <= 1 for at, _ in ticks)
    assert len(ticks) <= 12
