"""Debugger's hook: what it saves of our networks, as smdebug reads it; and what it says when it cannot."""

import json
import os
import subprocess
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.unit.training.scripts import FOLDER, Scripts


@dataclass(frozen=True)
class Runs:
    """What hook_runs.py has left and said."""

    folder: Path
    output: str

    def losses(self, name: str) -> list[list[float]]:
        """Of the run with the hook, and of the same without."""
        [line] = [line for line in self.output.splitlines() if line.startswith(f"{name}: ")]
        both: list[list[float]] = json.loads(line.partition(" ")[2])
        return both


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("runs")
    environment = {"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "TRAINING_JOB_NAME": "job"}
    command = [sys.executable, "-m", "tests.unit.training.hook_runs", str(folder)]
    done = subprocess.run(
        command, cwd=FOLDER.parent, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return Runs(folder, done.stdout)


class Trial:
    """What smdebug finds in a folder of tensors."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its generated code is older than protobuf would have it
            from smdebug import modes
            from smdebug.trials import create_trial

            self.train, self.eval = modes.TRAIN, modes.EVAL
            self._trial = create_trial(str(folder))

    @property
    def steps(self) -> list[int]:
        return list(self._trial.steps())

    def names(self, collection: str) -> list[str]:
        return list(self._trial.tensor_names(collection=collection))

    def tensor(self, name: str) -> Any:
        return self._trial.tensor(name)

    def steps_of(self, name: str) -> list[list[int]]:
        """By mode, TRAIN and EVAL."""
        return [self.tensor(name).steps(mode=mode) for mode in (self.train, self.eval)]


def test_all_that_rules_look_at_is_saved(runs: Runs) -> None:
    folder = runs.folder / "free/tensors"
    assert f"debugger: gradients, judged, losses, relu_input, relu_output, weights go to {folder}\n" in runs.output
    assert "INFO" not in runs.output
    trial = Trial(folder)
    assert trial.steps == [0, 1, 2, 3, 4], "nothing of what comes after its end"
    assert trial.steps_of("CrossEntropyLoss_output_0") == [[0, 1, 2], [0, 1]]
    hooked, alone = runs.losses("free")
    assert hooked == pytest.approx(alone, rel=1e-5), "watching changes nothing"
    saved = [float(trial.tensor("CrossEntropyLoss_output_0").value(step, mode=trial.train)) for step in range(3)]
    assert saved == pytest.approx(hooked[:3])

    weights, gradients = trial.names("weights"), trial.names("gradients")
    assert "Classifier_backbone.layer1.0.conv1.weight" in weights
    assert {"gradient/Classifier_backbone.conv1.weight", "gradient/Classifier_head.linear.bias"} <= set(gradients)
    assert trial.steps_of(weights[0]) == [[0, 1, 2], [0, 1]]
    assert trial.steps_of(gradients[0]) == [[0, 1, 2], []]
    assert trial.tensor(gradients[0]).reduction_value(0, "mean", mode=trial.train, abs=True) > 0

    inputs, outputs = trial.names("relu_input"), trial.names("relu_output")
    assert len(inputs) == len(outputs) == 17
    for name in inputs:  # an activation in place would have left what it gives in the place of what it takes
        assert trial.tensor(name).reduction_value(0, "min", mode=trial.train) < 0, name
        assert trial.tensor(name).reduction_value(0, "min", mode=trial.eval) < 0, name
    for name in outputs:
        assert trial.tensor(name).reduction_value(0, "min", mode=trial.train) == 0, name

    assert trial.names("judged") == ["labels_output_0", "predictions_output_0"]
    labels, predictions = trial.tensor("labels_output_0"), trial.tensor("predictions_output_0")
    assert labels.value(1, mode=trial.eval).tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0]
    assert predictions.value(1, mode=trial.eval).shape == (10,)
    assert set(predictions.value(2, mode=trial.train).tolist()) <= {0, 1, 2}


def test_of_a_frozen_network_the_heads_gradients_and_one_tensor_a_layer(runs: Runs) -> None:
    hooked, alone = runs.losses("frozen")
    assert hooked == pytest.approx(alone, rel=1e-4)
    trial = Trial(runs.folder / "frozen/tensors")
    assert trial.names("gradients") == [
        "gradient/Classifier_head.linear.bias",
        "gradient/Classifier_head.linear.weight",
    ]
    outputs = trial.names("relu_output")
    assert len(outputs) == 33
    assert {name.rpartition("_")[2] for name in outputs} == {"0"}, "a batch of ten is not computed in parts"
    assert all(0 <= trial.tensor(name).reduction_value(0, "max", mode=trial.eval) <= 6 for name in outputs)
    assert len(trial.names("weights")) == 99


def test_an_attempt_goes_on_where_the_checkpoint_stands(runs: Runs) -> None:
    assert "claimed: True" in runs.output
    trial = Trial(runs.folder / "resumed/tensors")
    assert trial.steps == list(range(10))
    assert trial.steps_of("CrossEntropyLoss_output_0") == [[0, 1, 2, 3, 4, 5], [0, 1, 2, 3]]
    assert not (runs.folder / "resumed/tensors/claim.smd").exists()


def test_a_configuration_that_cannot_be_used_is_refused_at_once(runs: Runs) -> None:
    nothing, pattern, interval = [line for line in runs.output.splitlines() if line.startswith("refused")]
    assert "a collection says nothing about what is in it" in nothing
    assert "mine" in nothing
    assert "give it include_regex" in nothing
    for line in (pattern, interval):
        assert "the job's DebugHookConfig cannot be used: " in line


def test_a_full_disk_is_told_once_and_ends_no_training(runs: Runs) -> None:
    assert runs.output.count("debugger: tensors cannot be written: [Errno 27] File too large") == 1
    assert runs.output.count("no tensors are saved from there on, and the training goes on") == 1
    assert "losses: 5" in runs.output
    assert Trial(runs.folder / "full_disk/tensors").steps == [0]


def test_without_smdebug_the_error_says_what_to_do(
    scripts: Scripts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "smdebug"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "smdebug", None)
    for variable in (*scripts.debugger_hook.SMDEBUG_ENVIRONMENT, "SMDEBUG_LOG_LEVEL"):
        monkeypatch.setenv(variable, "")  # set back when the test is over
    network, config = torch.nn.Linear(1, 1), tmp_path / "debughookconfig.json"
    with pytest.raises(scripts.errors.DebuggerError) as caught:
        scripts.debugger_hook.DebuggerHook(
            config, network, [torch.nn.CrossEntropyLoss()], train_steps=0, evaluation_steps=0
        )
    message = str(caught.value)
    assert "smdebug cannot be imported" in message
    assert "create the job without a debugger" in message
    assert "Python 3.11" in message
