"""docs/training.md says what the flags are."""

import re

from service.schemas.tuning_job_request import TuningJobRequest
from tests.unit.training.flag_table import DOCUMENT, table
from tests.unit.training.scripts import Scripts


def test_the_table_is_that_of_the_parser(scripts: Scripts) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert table(scripts) in text, "run: python -m tests.unit.training.flag_table"


def test_every_flag_has_its_words(scripts: Scripts) -> None:
    rows = table(scripts).splitlines()[2:]
    assert len(rows) == len(scripts.arguments.Arguments.__dataclass_fields__)
    assert all(row.split("|")[5].strip() not in {"", "None"} for row in rows)
    assert "| `--lr` | `0.001` | `0.003` |" in table(scripts)


def test_the_published_recipe_is_what_the_document_gives(scripts: Scripts) -> None:
    (flags,) = re.findall(r"^  `(--recipe best --lr 8e-5 .*)`\.$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    given = scripts.arguments.parse_arguments(flags.split(), cpus=1, description="")
    assert (given.arch, given.freeze_backbone, given.optimizer, given.batch_size) == ("resnet50", False, "adamw", 32)
    assert (given.lr, given.weight_decay, given.layer_decay, given.ema_decay) == (8e-5, 1e-5, 1, 0)
    assert (given.scheduler, given.step_size, given.gamma, given.warmup_epochs) == ("step", 5, 0.5, 0)
    assert (given.class_weights, given.augment, given.label_smoothing) == ("balanced", "crop", 0)


def test_every_flag_can_be_searched_and_fixed_by_its_name(scripts: Scripts) -> None:
    fields = [name for name in scripts.arguments.Arguments.__dataclass_fields__ if name != "lr"]
    values = {name.replace("_", "-"): getattr(scripts.arguments.parse_arguments([], cpus=1, description=""), name)
              for name in fields}  # fmt: skip
    channels = {"train": "s3://dogs/train", "validation": "s3://dogs/valid"}
    lr = {"lr": {"type": "continuous", "min": 0.1, "max": 0.2}}
    body = {"channels": channels, "static_hyperparameters": values, "ranges": lr}
    assert TuningJobRequest.model_validate(body).static_hyperparameters == values
    for name, value in values.items():
        searched = {name: {"type": "categorical", "values": [value, "another"]}}
        assert list(TuningJobRequest.model_validate({"channels": channels, "ranges": searched}).ranges) == [name]
