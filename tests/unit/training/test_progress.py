import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.unit.training.scripts import Scripts


def epoch(scripts: Scripts, number: int, validation_loss: float, train_loss: float = 1.0) -> Any:
    return scripts.progress.Epoch(number, train_loss, 0.5123, validation_loss, 0.6, 0.001, 41.23)


def test_the_line_is_what_metric_definitions_read(scripts: Scripts) -> None:
    line = epoch(scripts, 1, 1.1, 1.23454).line()
    assert line == (
        "epoch=1 train:loss=1.2345 train:accuracy=0.5123 validation:loss=1.1000 validation:accuracy=0.6000 "
        "lr=0.001 images_per_second=41.2"
    )
    regex = r"(?:^|\s)validation:loss=([0-9.eE+-]+|nan|inf)"
    for loss, text in ((1.1, "1.1000"), (math.nan, "nan"), (math.inf, "inf")):
        found = re.search(regex, epoch(scripts, 1, loss).line())
        assert found is not None
        assert found[1] == text


def test_the_best_epoch_is_copied(scripts: Scripts) -> None:
    progress = scripts.progress.Progress()
    weight = torch.zeros(1)
    for number, loss in enumerate((2.0, 1.0, math.nan, 1.5), start=1):
        weight.fill_(number)
        progress.finish_epoch(epoch(scripts, number, loss), {"weight": weight}, evaluation_steps=1)
    assert progress.best.epoch == 2
    assert progress.best_state["weight"].item() == 2


def test_steps_are_counted_over_the_epochs(scripts: Scripts) -> None:
    progress = scripts.progress.Progress()
    batch = torch.tensor(0.5), torch.eye(2), torch.tensor([0, 1])
    for number in (1, 2):
        for _ in range(3):
            progress.totals.add(*batch)
        progress.finish_epoch(epoch(scripts, number, 1.0), {}, evaluation_steps=2)
    progress.totals.add(*batch)
    assert (progress.train_steps, progress.next_train_step, progress.evaluation_steps) == (6, 7, 4)


def test_when_it_is_over(scripts: Scripts) -> None:
    progress = scripts.progress.Progress()
    assert progress.is_over(3, 0) is None
    progress.finish_epoch(epoch(scripts, 1, 1.0), {}, evaluation_steps=1)
    progress.finish_epoch(epoch(scripts, 2, 1.0), {}, evaluation_steps=1)
    assert progress.is_over(3, 0) is None
    assert progress.is_over(3, 2) is None
    assert progress.is_over(3, 1) == "validation:loss has not fallen for 1 epochs"
    assert progress.is_over(2, 0) == "all epochs are trained"
    progress.finish_epoch(epoch(scripts, 3, 1.0, math.inf), {}, evaluation_steps=1)
    assert "finite" in progress.is_over(9, 0)


class Saved:
    """A small network, its optimiser and arguments."""

    def __init__(self, scripts: Scripts, *flags: str) -> None:
        self.arguments = scripts.arguments.parse_arguments(["--optimizer", "sgd", *flags], cpus=1, description="")
        self.network = torch.nn.Linear(2, 2)
        self.learner = scripts.learner.Learner(self.arguments, self.network)
        self.optimizer = self.learner.optimizer


def test_a_checkpoint_brings_everything_back(scripts: Scripts, tmp_path: Path) -> None:
    saved, progress = Saved(scripts), scripts.progress.Progress()
    saved.network(torch.ones(1, 2)).sum().backward()
    saved.optimizer.step()
    progress.finish_epoch(epoch(scripts, 1, 1.0), saved.network.state_dict(), evaluation_steps=3)
    progress.totals.add(torch.tensor(0.5), torch.eye(2), torch.tensor([0, 1]))
    scripts.checkpoint.save_checkpoint(
        tmp_path / "new",
        saved.arguments,
        ("a", "b"),
        progress=progress,
        learner=saved.learner,
    )
    drawn = torch.rand(3)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["checkpoint.pt"]

    loaded = Saved(scripts, "--epochs", "99", "--num-workers", "3")
    again = scripts.checkpoint.load_checkpoint(tmp_path / "new", loaded.arguments, ("a", "b"), loaded.learner)
    assert torch.equal(torch.rand(3), drawn)
    assert torch.equal(loaded.network.weight, saved.network.weight)
    momentum = loaded.optimizer.state_dict()[0]["momentum"]
    assert torch.equal(momentum, saved.optimizer.state_dict()[0]["momentum"])
    assert (again.history, again.totals, again.best) == (progress.history, progress.totals, progress.best)
    assert torch.equal(again.best_state["weight"], progress.best_state["weight"])
    assert (again.next_train_step, again.evaluation_steps) == (1, 3)


def test_a_checkpoint_of_another_job_is_refused(scripts: Scripts, tmp_path: Path) -> None:
    saved = Saved(scripts)
    progress = scripts.progress.Progress()
    scripts.checkpoint.save_checkpoint(tmp_path, saved.arguments, ("a", "b"), progress=progress, learner=saved.learner)
    other = Saved(scripts, "--lr", "0.5")
    with pytest.raises(scripts.errors.CheckpointError, match=r"lr 0\.001 -> 0\.5"):
        scripts.checkpoint.load_checkpoint(tmp_path, other.arguments, ("a", "b"), other.learner)
    with pytest.raises(scripts.errors.CheckpointError, match="other classes"):
        scripts.checkpoint.load_checkpoint(tmp_path, saved.arguments, ("a", "c"), saved.learner)
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(scripts.errors.CheckpointError, match="cannot be read"):
        scripts.checkpoint.load_checkpoint(tmp_path, saved.arguments, ("a", "b"), saved.learner)
    path.unlink()
    nothing = scripts.checkpoint.load_checkpoint(tmp_path, saved.arguments, ("a", "b"), saved.learner)
    assert nothing is None


def test_a_checkpoint_of_the_former_format_is_refused(scripts: Scripts, tmp_path: Path) -> None:
    saved = Saved(scripts)
    former = {"identity": {"lr": 0.001}, "classes": ["a", "b"], "progress": {}, "network": {}, "optimizer": {}}
    torch.save(former, tmp_path / "checkpoint.pt")
    with pytest.raises(scripts.errors.CheckpointError, match=r"another version .*format 1, not 3.*remove .*checkpoint"):
        scripts.checkpoint.load_checkpoint(tmp_path, saved.arguments, ("a", "b"), saved.learner)


def test_what_a_killed_job_left_half_written_is_overwritten(scripts: Scripts, tmp_path: Path) -> None:
    (tmp_path / ".checkpoint.pt.new").write_bytes(b"half")
    saved, progress = Saved(scripts), scripts.progress.Progress()
    assert scripts.checkpoint.load_checkpoint(tmp_path, saved.arguments, ("a", "b"), saved.learner) is None
    scripts.checkpoint.save_checkpoint(tmp_path, saved.arguments, ("a", "b"), progress=progress, learner=saved.learner)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


def frozen(scripts: Scripts, seed: int) -> Any:
    torch.manual_seed(seed)
    network = scripts.networks.build_classifier("resnet18", 2, 32, dropout=0.0, frozen=True)
    return scripts.learner.Learner(scripts.arguments.parse_arguments([], cpus=1, description=""), network)


def test_a_frozen_backbone_is_left_out_and_looked_at(scripts: Scripts, tmp_path: Path) -> None:
    first, again, other = frozen(scripts, 0), frozen(scripts, 0), frozen(scripts, 1)
    with torch.no_grad():
        first.network.head.linear.weight.fill_(3)
    progress = scripts.progress.Progress()
    state = scripts.learner.learned_state(first.network)
    progress.finish_epoch(epoch(scripts, 1, 1.0), state, evaluation_steps=1)
    scripts.checkpoint.save_checkpoint(tmp_path, first.arguments, ("a", "b"), progress=progress, learner=first)
    assert (tmp_path / "checkpoint.pt").stat().st_size < 50_000
    loaded = scripts.checkpoint.load_checkpoint(tmp_path, again.arguments, ("a", "b"), again)
    assert again.network.head.linear.weight.unique().tolist() == [3]
    assert set(loaded.best_state) == {"head.linear.weight", "head.linear.bias"}
    with pytest.raises(scripts.errors.CheckpointError, match="the frozen backbone has other weights"):
        scripts.checkpoint.load_checkpoint(tmp_path, other.arguments, ("a", "b"), other)
