from typing import Any

import pytest

from tests.unit.training.scripts import Scripts


def parse(scripts: Scripts, *argv: str) -> Any:
    return scripts.arguments.parse_arguments(argv, cpus=1, description="")


def test_defaults(scripts: Scripts) -> None:
    arguments = scripts.arguments.parse_arguments([], cpus=2, description="")
    assert arguments.augment == "crop"
    assert (arguments.lr, arguments.batch_size, arguments.arch, arguments.freeze_backbone) == (
        0.001,
        64,
        "resnet18",
        True,
    )
    assert arguments.num_workers == 0
    assert scripts.arguments.parse_arguments([], cpus=4, description="").num_workers == 4


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("True", True), ("1", True), ("false", False), ("0", False)]
)
def test_booleans_come_as_sagemaker_writes_them(scripts: Scripts, text: str, value: bool) -> None:
    assert parse(scripts, "--freeze-backbone", text).freeze_backbone is value
    assert parse(scripts, "--augment", text).augment == ("crop" if value else "none")


@pytest.mark.parametrize("name", ["none", "crop", "trivial"])
def test_augmentations_have_names(scripts: Scripts, name: str) -> None:
    assert parse(scripts, "--augment", name).augment == name


def test_a_recipe_is_a_set_of_defaults(scripts: Scripts) -> None:
    best = parse(scripts, "--recipe", "best", "--lr", "0.5", "--arch", "resnet18")
    assert (best.lr, best.arch, best.freeze_backbone, best.class_weights) == (0.5, "resnet18", False, "balanced")
    fast = parse(scripts, "--recipe", "fast")
    assert (fast.freeze_backbone, fast.augment) == (True, "none")
    assert parse(scripts, "--recipe", "none") == parse(scripts)


def test_recipes_hold_what_flags_would_take(scripts: Scripts) -> None:
    for name, values in scripts.presets.RECIPES.items():
        argv = [part for field, value in values.items() for part in (f"--{field.replace('_', '-')}", str(value))]
        by_flags, by_recipe = parse(scripts, *argv), parse(scripts, "--recipe", name)
        assert by_flags.identity() == by_recipe.identity()
        assert (by_flags.epochs, by_flags.patience) == (by_recipe.epochs, by_recipe.patience)


def test_what_a_recipe_brought_yields_to_a_flag_that_contradicts_it(scripts: Scripts) -> None:
    frozen = parse(scripts, "--recipe", "best", "--freeze-backbone", "true", "--epochs", "1")
    assert (frozen.layer_decay, frozen.warmup_epochs) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--layer-decay", "0.5"], "--layer-decay 0.5: the backbone is frozen"),
        (["--unfreeze-epochs", "2"], "--unfreeze-epochs 2.0: the backbone stays frozen"),
        (["--unfreeze-epochs", "3", "--epochs", "3", "--freeze-backbone", "0"], "give more --epochs"),
        (["--warmup-epochs", "3", "--epochs", "3"], "over before --lr is reached"),
        (["--nesterov", "true"], "--nesterov true: it is a kind of momentum of sgd"),
        (["--nesterov", "true", "--optimizer", "sgd", "--momentum", "0"], "a --momentum above 0"),
        (["--mixup", "0.2", "--recipe", "fast"], "no pixels left to mix"),
        (["--mixup", "0.2", "--augment", "false"], "no pixels left to mix"),
        (["--color-jitter", "0.2", "--augment", "trivial"], "--augment crop only"),
        (["--rotation", "20", "--augment", "none"], "--augment crop only"),
        (["--amp", "bf16"], "give --freeze-backbone false"),
    ],
)
def test_flags_that_contradict_each_other(
    scripts: Scripts, capsys: pytest.CaptureFixture[str], argv: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(scripts, *argv)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_whole_numbers_may_come_from_a_continuous_range(scripts: Scripts) -> None:
    assert scripts.arguments.parse_arguments(["--batch-size", "32.0"], cpus=1, description="").batch_size == 32


def test_the_tuners_note_is_no_hyperparameter(scripts: Scripts) -> None:
    argv = ["--_tuning_objective_metric", "validation:loss", "--lr", "0.5"]
    assert scripts.arguments.parse_arguments(argv, cpus=1, description="").lr == 0.5


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--learning-rate", "1"], "--learning-rate"),
        (["--epoch", "1"], "--epoch"),
        (["--epochs", "0"], "at least 1"),
        (["--epochs", "1.5"], "no whole number"),
        (["--epochs", "inf"], "out of range"),
        (["--lr", "0"], "more than 0"),
        (["--lr", "nan"], "out of range"),
        (["--lr", "fast"], "no number"),
        (["--dropout", "1"], "less than 1"),
        (["--image-size", "31"], "at least 32"),
        (["--freeze-backbone", "maybe"], "neither true nor false"),
        (["--augment", "maybe"], "'none', 'crop', 'trivial'"),
        (["--recipe", "slow"], "'fast', 'best'"),
        (["--layer-decay", "1.5", "--freeze-backbone", "false"], "at most 1"),
        (["--arch", "vgg"], "resnet18"),
    ],
)
def test_what_is_wrong_is_named(
    scripts: Scripts, capsys: pytest.CaptureFixture[str], argv: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        scripts.arguments.parse_arguments(argv, cpus=1, description="")
    assert ended.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_the_help_names_every_flag(scripts: Scripts, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        scripts.arguments.parse_arguments(["--help"], cpus=1, description="About it.")
    text = capsys.readouterr().out
    for name in scripts.arguments.Arguments.__dataclass_fields__:
        assert f"--{name.replace('_', '-')}" in text
    assert "_tuning" not in text
