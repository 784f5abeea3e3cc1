import pytest

from tests.unit.training.scripts import Scripts


def test_defaults(scripts: Scripts) -> None:
    arguments = scripts.arguments.parse_arguments([], cpus=2, description="")
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
    assert scripts.arguments.parse_arguments(["--augment", text], cpus=1, description="").augment is value


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
        (["--augment", "maybe"], "neither true nor false"),
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
