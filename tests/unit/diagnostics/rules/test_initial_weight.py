"""Telling drawn weights from trained ones, and a fitting scale from one that is not."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from diagnostics.rules.initial_weight import MOST_VALUES, departure, initial_weight, sampled_units

Array = npt.NDArray[np.float32]
SHAPES = [(64, 3, 7, 7), (128, 64, 3, 3), (128, 64, 1, 1), (96, 1, 3, 3), (960, 160, 1, 1), (160, 960, 1, 1), (20, 512)]


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    kernel = int(np.prod(shape[2:]))
    return shape[1] * kernel, shape[0] * kernel


def normal(variance: Callable[[int, int], float]) -> Callable[[np.random.Generator, tuple[int, ...]], Array]:
    return lambda rng, shape: (rng.standard_normal(shape) * variance(*fans(shape)) ** 0.5).astype(np.float32)


def uniform(variance: Callable[[int, int], float]) -> Callable[[np.random.Generator, tuple[int, ...]], Array]:
    return lambda rng, shape: (rng.uniform(-1, 1, shape) * (3 * variance(*fans(shape))) ** 0.5).astype(np.float32)


def orthogonal(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    rows, columns = shape[0], int(np.prod(shape[1:]))
    matrix, _ = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    return (matrix if rows >= columns else matrix.T).reshape(shape).astype(np.float32)


def truncated(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    values = rng.standard_normal(2 * int(np.prod(shape)))
    return (values[np.abs(values) < 2][: int(np.prod(shape))] * 0.02).reshape(shape).astype(np.float32)


INITIALISERS = {
    "kaiming fan_in": normal(lambda fan_in, _: 2 / fan_in),
    "kaiming uniform": uniform(lambda fan_in, _: 2 / fan_in),
    "kaiming fan_out": normal(lambda _, fan_out: 2 / fan_out),
    "xavier": normal(lambda fan_in, fan_out: 2 / (fan_in + fan_out)),
    "xavier uniform": uniform(lambda fan_in, fan_out: 2 / (fan_in + fan_out)),
    "PyTorch's default": uniform(lambda fan_in, _: 1 / (3 * fan_in)),
    "LeCun": normal(lambda fan_in, _: 1 / fan_in),
    "orthogonal": orthogonal,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scheme", INITIALISERS)
def test_what_initialisers_draw_fits_and_is_fresh(scheme: str, shape: tuple[int, ...]) -> None:
    if scheme == "kaiming fan_out" and len(shape) == 2:
        return  # not what anybody draws a head from
    layer = initial_weight(INITIALISERS[scheme](np.random.default_rng(1), shape))
    assert layer is not None
    assert not layer.pretrained
    assert not layer.zero
    assert not layer.same_units
    assert 0.6 < layer.departure < 1.6  # chance may carry a small weight a little over the bound


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("factor", [100, 0.001])
@pytest.mark.parametrize("scheme", INITIALISERS)
def test_a_scale_far_off_departs(scheme: str, factor: float, shape: tuple[int, ...]) -> None:
    layer = initial_weight(INITIALISERS[scheme](np.random.default_rng(2), shape) * np.float32(factor))
    assert layer is not None
    assert not layer.pretrained
    assert layer.departure > 10 or layer.departure < 0.1


def test_departure_by_hand() -> None:
    assert departure(2 / 512, (20, 512)) == 1
    assert departure(1.0, (100, 512)) == pytest.approx(512 / 2)
    assert departure(1.0, (4, 512)) == pytest.approx(12)  # a head drawn from 1/sqrt(units): variance 1/(3 * 4) is fair
    assert departure(0.1 / 512 / 5, (20, 512)) == pytest.approx(0.2)
    assert departure(1.0, (64, 32, 3, 3)) == pytest.approx(32 * 9 / 2)


@pytest.mark.parametrize("seed", range(5))
def test_truncated_normal_is_fresh(seed: int) -> None:
    layer = initial_weight(truncated(np.random.default_rng(seed), (192, 768)))
    assert layer is not None
    assert not layer.pretrained


def test_traces_of_training() -> None:
    rng = np.random.default_rng(3)
    drawn = rng.standard_normal((64, 32, 3, 3))
    traces = {
        "heavy tails": drawn * np.abs(drawn) ** 0.5,
        "filters of different size": drawn * rng.uniform(0.5, 2, (64, 1, 1, 1)),
        "inputs of different size": drawn * rng.uniform(0.5, 2, (1, 32, 1, 1)),
        "a pattern in the kernel": drawn + 0.7 * rng.standard_normal((1, 1, 3, 3)),
        "filters of different mean": drawn + 0.4 * rng.standard_normal((64, 1, 1, 1)),
    }
    for trace, weight in traces.items():
        layer = initial_weight(weight.astype(np.float32))
        assert layer is not None
        assert layer.pretrained, trace


def test_fresh_at_every_seed() -> None:
    for seed in range(200):
        rng = np.random.default_rng(seed)
        for weight in (
            rng.standard_normal((24, 30)),
            rng.uniform(-1, 1, (16, 8, 3, 3)),
            rng.standard_normal((96, 1, 3, 3)),
        ):
            layer = initial_weight(weight.astype(np.float32))
            assert layer is not None
            assert not layer.pretrained, seed


def test_constants_and_zeros() -> None:
    zeros, constant = initial_weight(np.zeros((4, 3), np.float32)), initial_weight(np.full((4, 3), 0.1, np.float32))
    assert zeros is not None
    assert constant is not None
    assert (zeros.zero, zeros.same_units, zeros.pretrained) == (True, False, False)
    assert (constant.zero, constant.same_units, constant.pretrained) == (False, True, False)
    row = np.random.default_rng(0).standard_normal((1, 9)).astype(np.float32)
    same = initial_weight(np.repeat(row, 8, axis=0))
    depthwise = initial_weight(np.repeat(row, 8, axis=0).reshape(8, 1, 3, 3))
    assert same is not None
    assert depthwise is not None
    assert same.same_units
    assert not depthwise.same_units


def test_one_value_that_differs_is_seen_in_a_large_weight() -> None:
    weight = np.zeros((1024, 1024), np.float32)
    weight[1023, 1022] = 1
    layer = initial_weight(weight)
    assert layer is not None
    assert not layer.zero
    weight[:] = 0.5
    weight[1023, 1022] = 1
    layer = initial_weight(weight)
    assert layer is not None
    assert not layer.same_units


@pytest.mark.parametrize(
    "weight",
    [
        np.zeros(5, np.float32),
        np.float32(1),
        np.zeros((0, 3), np.float32),
        np.full((2, 2), np.nan, np.float32),
        np.full((2, 2), np.inf, np.float32),
        np.ones((2, 2), np.int64),
    ],
)
def test_what_is_no_layer(weight: npt.NDArray[np.generic]) -> None:
    assert initial_weight(np.asarray(weight)) is None


def test_large_weights_are_sampled_over_all_their_units() -> None:
    for shape in ((512, 512, 3, 3), (10, 2_000_000), (2_000_000, 2)):
        values = sampled_units(np.broadcast_to(np.float32(1), shape))
        assert 0.4 * MOST_VALUES < values.size < 2.5 * MOST_VALUES
        assert values.shape[0] >= min(shape[0], 32)
