"""PoorWeightInitialization: bad starts fire, and good ones and transfer learning do not."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from diagnostics.rules.finding import Finding
from diagnostics.rules.parameters import ParameterOutOfRange
from diagnostics.rules.poor_weight_initialization import PoorWeightInitialization
from diagnostics.tensors.saved_step import Mode, SavedStep
from tests.unit.diagnostics.steps import broken, run, saved_step

Array = npt.NDArray[Any]
LOSS = "CrossEntropyLoss_output_0"
STEM, CONV, DEPTHWISE, HEAD = "Net_stem.weight", "Net_conv.weight", "Net_depthwise.weight", "Net_head.weight"
SHAPES = {STEM: (32, 3, 3, 3), CONV: (64, 32, 3, 3), DEPTHWISE: (64, 1, 3, 3), HEAD: (20, 64)}


def f32(values: npt.ArrayLike) -> Array:
    return np.asarray(values, dtype=np.float32)


def drawn(seed: int = 0) -> dict[str, Array]:
    """Layers by kaiming's initialiser, and a normalisation."""
    rng = np.random.default_rng(seed)
    layers = {name: f32(rng.standard_normal(shape) * (2 / np.prod(shape[1:])) ** 0.5) for name, shape in SHAPES.items()}
    return layers | {"Net_bn.weight": np.ones(32, np.float32)}


def trained(seed: int = 0) -> dict[str, Array]:
    """The same as training leaves it: filters and inputs of different size, heavy tails."""
    rng = np.random.default_rng(seed)
    return {
        name: f32(
            np.sign(weight) * np.abs(weight) ** 1.5 * rng.uniform(1, 9, (weight.shape[0],) + (1,) * (weight.ndim - 1))
        )
        if weight.ndim > 1
        else weight
        for name, weight in drawn(seed).items()
    }


def gradients(weights: Mapping[str, Array], scale: float = 0.1, seed: int = 1) -> dict[str, Array]:
    """Gradients as wide as `scale` times the weights; the head's is that of a softmax: it adds up to zero."""
    rng = np.random.default_rng(seed)
    found = {}
    for name, weight in weights.items():
        size = scale * (float(np.sqrt(np.mean(weight**2))) or 0.1)
        gradient = f32(rng.standard_normal(weight.shape) * size)
        found[f"gradient/{name}"] = gradient - gradient.mean(axis=0) if name == HEAD else gradient
    return found


def stream(
    weights: Mapping[str, Array],
    grads: Mapping[str, Array] | None = None,
    *,
    losses: Callable[[int], float] = lambda step: 3.0 - 0.1 * step,
    steps: int = 12,
) -> list[SavedStep]:
    """So many steps, one in ten saved; by default a loss that falls and gradients as they should be."""
    grads = gradients(weights) if grads is None else grads
    return [saved_step(10 * step, {**weights, **grads, LOSS: np.float32(losses(step))}) for step in range(steps)]


def changed(name: str, change: Callable[[Array], Array]) -> dict[str, Array]:
    weights = drawn()
    return weights | {name: f32(change(weights[name]))}


# --- good starts

GOOD: dict[str, Mapping[str, Array]] = {
    "kaiming": drawn(),
    "three times as large": {name: weight * np.float32(2.5) for name, weight in drawn().items()},
    "a head of zeros": changed(HEAD, np.zeros_like),
    "a small head": changed(HEAD, lambda weight: weight / 1000),
    "pretrained": trained(),
    "pretrained with a new head": trained() | {HEAD: drawn()[HEAD]},
    "pretrained with a head of zeros": trained() | {HEAD: np.zeros(SHAPES[HEAD], np.float32)},
    "pretrained, of any scale": {name: weight * 100 for name, weight in trained().items()},
    "an embedding": drawn() | {"Net_embedding.weight": f32(np.random.default_rng(0).standard_normal((50, 300)))},
    "averages as a depthwise kernel": changed(DEPTHWISE, lambda weight: np.full_like(weight, 1 / 9)),
}


@pytest.mark.parametrize("case", GOOD)
def test_a_good_start(case: str) -> None:
    rule = PoorWeightInitialization()
    assert run(rule, stream(GOOD[case])) is None
    assert rule.unjudged() is None


def test_small_gradients_of_a_large_network_are_healthy() -> None:
    """AWS's own condition, p95 - p5 < 0.001 of any gradient, holds here."""
    weights = drawn()
    small = gradients(weights, scale=0.002)
    assert np.subtract(*np.percentile(small[f"gradient/{CONV}"], [95, 5])) < 0.001
    assert run(PoorWeightInitialization(), stream(weights, small, losses=lambda _: 3.0)) is None


# --- bad starts

BAD: dict[str, tuple[Mapping[str, Array], str, float]] = {
    "weights x100": ({name: weight * 100 for name, weight in drawn().items()}, STEM, 10),
    "weights / 1000": ({name: weight / 1000 for name, weight in drawn().items()}, STEM, 10),
    "constant weights": ({name: np.full_like(weight, 0.01) for name, weight in drawn().items()}, CONV, 0),
    "a constant layer": (changed(CONV, lambda weight: np.full_like(weight, 0.05)), CONV, 0),
    "units all alike": (changed(CONV, lambda weight: np.repeat(weight[:1], 64, axis=0)), CONV, 0),
    "one layer x100": (changed(CONV, lambda weight: weight * 100), CONV, 10),
    "one layer / 1000": (changed(CONV, lambda weight: weight / 1000), CONV, 10),
    "standard normal weights": (changed(CONV, lambda weight: weight / weight.std()), CONV, 10),
    "uniform from 0 to 1": (changed(CONV, lambda weight: np.random.default_rng(0).random(weight.shape)), CONV, 10),
    "a pretrained backbone, the head x100": (trained() | {HEAD: drawn()[HEAD] * 100}, HEAD, 10),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_start_fires_at_the_first_saved_step(case: str) -> None:
    weights, tensor, threshold = BAD[case]
    found = run(PoorWeightInitialization(), stream(weights))
    assert found is not None
    assert (found.step, found.threshold) == (0, threshold)
    assert found.tensor == tensor or case.startswith("weights")
    assert found.tensor in found.what
    assert found.value > threshold or threshold == 0
    assert any("torch.nn.init" in advice for advice in found.advice)


def test_the_spread_is_that_of_all_layers() -> None:
    """4 times the most and 4 times less than the least: neither is above 10, both together are."""

    def scaled(name: str, square: float) -> Callable[[Array], Array]:
        return lambda weight: weight * (square / float(np.mean(weight**2))) ** 0.5

    large = changed(CONV, scaled(CONV, 4 * 2 / 288))
    small = changed(STEM, scaled(STEM, 0.1 / 288 / 4))
    assert run(PoorWeightInitialization(), stream(large)) is None
    assert run(PoorWeightInitialization(), stream(small)) is None
    found = run(PoorWeightInitialization(), stream(large | {STEM: small[STEM]}))
    assert found is not None
    assert found.value == pytest.approx(16, rel=1e-3)
    assert run(PoorWeightInitialization(threshold=17), stream(large | {STEM: small[STEM]})) is None


def test_frozen_layers_are_not_judged_and_said_to_be() -> None:
    weights = trained() | {CONV: drawn()[CONV] * 100, HEAD: drawn()[HEAD] * 100}
    grads = {name: grad for name, grad in gradients(weights).items() if name == f"gradient/{HEAD}"}
    frozen = weights | {HEAD: drawn()[HEAD]}
    rule = PoorWeightInitialization()
    assert run(rule, stream(frozen, grads)) is None
    assert rule.summary() == f"2 layers look pretrained, 2 of them frozen: only the weights of {HEAD} were judged."
    found = run(PoorWeightInitialization(), stream(weights, grads))
    assert found is not None
    assert found.tensor == HEAD
    assert found.what.endswith(rule.summary())


def test_summary_of_a_fresh_network() -> None:
    rule = PoorWeightInitialization()
    run(rule, stream(drawn()))
    assert rule.summary() == "No layer looks pretrained: the weights of 4 freshly drawn layers were judged."


# --- zeros


def test_a_hidden_layer_of_zeros_fires_at_the_second_saved_step() -> None:
    weights = changed(CONV, np.zeros_like)
    grads = gradients(weights) | {f"gradient/{CONV}": np.zeros(SHAPES[CONV], np.float32)}
    found = run(PoorWeightInitialization(), stream(weights, grads))
    assert found is not None
    assert (found.step, found.tensor) == (10, CONV)
    assert run(PoorWeightInitialization(), stream(weights, grads)[:1]) is None


def test_zeros_that_the_gradient_reaches_at_the_next_step_are_fair() -> None:
    """As the last layer of a residual branch below a head of zeros."""
    weights = changed(CONV, np.zeros_like) | {HEAD: np.zeros(SHAPES[HEAD], np.float32)}
    at_first = gradients(weights) | {f"gradient/{CONV}": np.zeros(SHAPES[CONV], np.float32)}
    steps = [*stream(weights, at_first)[:1], *stream(weights)[1:]]
    assert run(PoorWeightInitialization(), steps) is None


def test_zeros_by_reductions_of_the_gradients() -> None:
    weights = changed(CONV, np.zeros_like)
    steps = [
        saved_step(step, weights, reductions={f"gradient/{CONV}": {"abs_mean": 0.0}, f"gradient/{STEM}": {"std": 0.1}})
        for step in (0, 100)
    ]
    found = run(PoorWeightInitialization(), steps)
    assert found is not None
    assert (found.step, found.tensor) == (100, CONV)


# --- stalls


def narrow(factor: float = 1.0) -> dict[str, Array]:
    """Gradients whose p95 - p5 is just below 0.001 of their weights' RMS: of a normal it is 3.29 deviations."""
    return gradients(drawn(), scale=0.00095 / 3.29 * factor)


def test_narrow_gradients_and_a_flat_loss_fire_after_patience() -> None:
    found = run(PoorWeightInitialization(), stream(drawn(), narrow(0.5), losses=lambda _: 3.0))
    assert found is not None
    assert (found.step, found.threshold) == (40, 0.001)
    assert found.value == pytest.approx(0.000475, rel=0.1)
    assert found.tensor.startswith("gradient/")
    assert "at 5 saved steps in a row, up to step 40" in found.what
    assert "the loss has not fallen: 3 on average at first, 3 since" in found.what


@pytest.mark.parametrize(
    ("factor", "losses", "fires"),
    [
        (1.3, lambda _: 3.0, False),  # wide enough
        (0.5, lambda step: 3.0 - 0.03 * step, False),  # the loss falls by more than 1 %
        (0.5, lambda step: 3.0 - 0.005 * step, True),  # by less
        (0.5, lambda step: 3.0 + step, True),
        (1e-6, lambda _: 3.0, True),
        (0.0, lambda _: 3.0, True),
    ],
)
def test_near_misses_of_a_stall(factor: float, losses: Callable[[int], float], fires: bool) -> None:
    assert (run(PoorWeightInitialization(), stream(drawn(), narrow(factor), losses=losses)) is not None) == fires


def test_a_stall_needs_patience_within_the_first_steps() -> None:
    steps = stream(drawn(), narrow(0.5), losses=lambda _: 3.0)
    healthy = stream(drawn(), losses=lambda _: 3.0)
    assert run(PoorWeightInitialization(), [*steps[:4], healthy[4], *steps[5:9]]) is None
    late = run(PoorWeightInitialization(), [*steps[:4], healthy[4], *steps[5:]])
    assert late is not None
    assert late.step == 90  # the tenth saved step, and the fifth in a row
    assert run(PoorWeightInitialization(), [*healthy[:6], *steps[6:]]) is None  # the first ten steps are over
    assert run(PoorWeightInitialization(patience=4), steps) is not None


def test_steps_with_losses_alone_do_not_count_as_steps() -> None:
    """Losses are saved at every step, gradients at one in a hundred."""
    losses = [saved_step(step, {LOSS: 3.0}) for step in range(400) if step % 100]
    saved = [saved_step(100 * step, {**drawn(), **narrow(0.5), LOSS: 3.0}) for step in range(5)]
    found = run(PoorWeightInitialization(), sorted([*losses, *saved], key=lambda step: step.step))
    assert found is not None
    assert found.step == 400


def test_without_losses_narrow_gradients_have_to_stay_narrow() -> None:
    def steps(growth: float) -> list[SavedStep]:
        return [saved_step(step, {**drawn(), **narrow(0.01 * growth**step)}) for step in range(10)]

    found = run(PoorWeightInitialization(), steps(1.1))
    assert found is not None
    assert found.step == 4
    assert run(PoorWeightInitialization(), steps(1.5)) is None


def test_gradients_without_weights_are_judged_by_the_widest() -> None:
    grads = {
        name: grad * np.float32(0.1**3.5 if name != f"gradient/{HEAD}" else 1) for name, grad in narrow(1000).items()
    }
    wider = {name: grad * np.float32(0.01 if name != f"gradient/{HEAD}" else 1) for name, grad in narrow(1000).items()}
    found = run(PoorWeightInitialization(), stream({}, grads, losses=lambda _: 3.0))
    assert found is not None
    assert (found.step, "of the widest one's" in found.what) == (40, True)
    assert run(PoorWeightInitialization(), stream({}, wider, losses=lambda _: 3.0)) is None


@pytest.mark.parametrize(("deviation", "fires"), [(2e-5, True), (1e-3, False)])
@pytest.mark.parametrize("figure", ["std", "variance", "abs_mean"])
def test_reductions_are_enough_for_a_stall(figure: str, deviation: float, fires: bool) -> None:
    value = deviation**2 if figure == "variance" else deviation
    reductions = {f"gradient/{name}": {figure: value} for name in SHAPES} | {
        name: {"std": 0.1, "mean": 0.01} for name in SHAPES
    }
    rule = PoorWeightInitialization()
    found = run(rule, [saved_step(step, {LOSS: 3.0}, reductions=reductions) for step in range(10)])
    assert (found is not None) == fires
    assert rule.unjudged() is None


# --- activations


def activations(*variances: float, images: int = 16) -> dict[str, Array]:
    rng = np.random.default_rng(0)
    return {
        f"layer{index}.relu_input_0": f32(rng.standard_normal((images, 64)) * variance**0.5)
        for index, variance in enumerate(variances)
    }


@pytest.mark.parametrize(
    ("variances", "fires"),
    [
        ((1.0, 0.5, 2.0), False),
        ((1.0, 30.0, 850.0), False),
        ((1.0, 0.03, 0.0008), True),
        ((1.0, 0.0), True),
        ((0.0,), False),
    ],
)
def test_activations_over_orders_of_magnitude(variances: tuple[float, ...], fires: bool) -> None:
    rule = PoorWeightInitialization()
    found = run(rule, [saved_step(3, activations(*variances))])
    assert (found is not None) == fires
    assert rule.unjudged() is None
    if found is not None:
        assert (found.step, found.threshold) == (3, 1000)
        assert found.tensor == f"layer{len(variances) - 1}.relu_input_0"


def test_activations_of_a_pretrained_network_may_differ() -> None:
    assert run(PoorWeightInitialization(), [saved_step(0, {**trained(), **activations(1.0, 1e5)})]) is None
    assert run(PoorWeightInitialization(), [saved_step(0, {**drawn(), **activations(1.0, 1e5)})]) is not None


def test_only_activations_that_were_asked_for() -> None:
    rule = PoorWeightInitialization(activation_inputs_regex=("tanh_input", "layer0"))
    assert run(rule, [saved_step(0, activations(1.0, 1e5))]) is None


def test_activations_that_do_not_differ_between_images() -> None:
    same = {"top.relu_input_0": np.tile(activations(1.0, images=1)["layer0.relu_input_0"], (8, 1))}
    flat = [saved_step(step, {**same, LOSS: 3.0}) for step in range(10)]
    falls = [saved_step(step, {**same, LOSS: 3.0 - 0.1 * step}) for step in range(10)]
    found = run(PoorWeightInitialization(), flat)
    assert found is not None
    assert (found.step, found.tensor) == (4, "top.relu_input_0")
    assert run(PoorWeightInitialization(), falls) is None
    assert (
        run(PoorWeightInitialization(), [saved_step(step, {**activations(1.0), LOSS: 3.0}) for step in range(10)])
        is None
    )


# --- what cannot be judged


def test_what_to_save() -> None:
    rule = PoorWeightInitialization()
    assert run(rule, [saved_step(step, {LOSS: 3.0}) for step in range(50)]) is None
    text = str(rule.unjudged())
    for collection in ("weights", "gradients", "relu_input"):
        assert f'{{"CollectionName": "{collection}"' in text
    assert '"train.save_interval": "100", "end_step": "500"' in text


def test_validation_is_not_judged() -> None:
    bad = {name: np.full_like(weight, 0.01) for name, weight in drawn().items()}
    assert run(PoorWeightInitialization(), [saved_step(0, bad, Mode.EVAL)]) is None
    assert run(PoorWeightInitialization(), [saved_step(0, bad, Mode.GLOBAL)]) is not None


def test_nothing_is_wanted_once_the_first_steps_are_over() -> None:
    rule = PoorWeightInitialization(steps=3)
    steps = stream(drawn())
    wanted = rule.selects(steps[0].collections)
    assert all(wanted(name) for name in (CONV, f"gradient/{CONV}", LOSS, "layer.relu_input_0"))
    assert not wanted("layer.relu_output_0")
    run(rule, steps[:3])
    assert not wanted(CONV)


def test_unreadable_files_are_left_out() -> None:
    steps = [broken(step, [CONV, f"gradient/{STEM}"]) for step in stream(BAD["one layer x100"][0])]
    assert run(PoorWeightInitialization(), steps) is None


@pytest.mark.parametrize(
    "parameters", [{"threshold": 0.5}, {"patience": 0}, {"steps": 0}, {"activation_inputs_regex": ("(",)}]
)
def test_parameters_out_of_range(parameters: dict[str, object]) -> None:
    with pytest.raises(ParameterOutOfRange):
        PoorWeightInitialization(**parameters)  # type: ignore[arg-type]


_values = st.one_of(
    arrays.arrays(
        st.sampled_from([np.float16, np.float32, np.float64, np.int64, np.bool_]),
        arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    ),
    st.just(np.array(["text"])),
    st.just(np.full((2, 3), np.nan, np.float32)),
    st.just(np.array([[3e38, -3e38, 1e38]] * 2, np.float32)),
    st.just(np.array([[1e300, -1e300, 2e200]] * 2)),
    st.just(np.full((2, 3), 5e-324)),
)
_names = st.sampled_from([CONV, HEAD, f"gradient/{CONV}", f"gradient/{HEAD}", LOSS, "a.relu_input_0", "b.relu_input_1"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(_names, _values), max_size=7), st.floats(1, 1e6))
def test_nothing_crashes_it(saved: list[dict[str, npt.NDArray[np.generic]]], threshold: float) -> None:
    rule = PoorWeightInitialization(threshold=threshold, patience=2)
    found = run(rule, [saved_step(step, tensors) for step, tensors in enumerate(saved) if _loss_is_number(tensors)])
    assert found is None or isinstance(found, Finding)
    assert rule.unjudged() is None or "DebugHookConfig" in str(rule.unjudged())
    assert rule.summary()


def _loss_is_number(tensors: Mapping[str, npt.NDArray[np.generic]]) -> bool:
    return LOSS not in tensors or tensors[LOSS].dtype.kind in "fi"
