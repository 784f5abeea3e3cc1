"""What a job tells of the test channel, in figures and as a page."""

import json
import math
import re
from dataclasses import asdict
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch

from tests.unit.training.scripts import Scripts

CLASSES = ("001.Akita", "002.Boxer", "003.Borzoi", "004.Pug <small>")
LABELS = torch.tensor([0, 0, 1, 1, 1, 2])
PREDICTED = torch.tensor([0, 1, 1, 1, 0, 0])
LOGITS = torch.nn.functional.one_hot(PREDICTED, 4).float()


def test_figures_are_counted(scripts: Scripts) -> None:
    results = scripts.results.results_of(0.25, LOGITS, LABELS, CLASSES)
    assert (results.images, results.loss, results.top1_accuracy, results.top5_accuracy) == (6, 0.25, 0.5, 1.0)
    akita, boxer, borzoi, pug = results.classes
    assert (akita.breed, akita.support, akita.precision, akita.recall) == ("Akita", 2, 1 / 3, 1 / 2)
    assert (boxer.precision, boxer.recall) == (2 / 3, 2 / 3)
    assert (borzoi.precision, borzoi.recall) == (None, 0.0)
    assert (pug.support, pug.precision, pug.recall) == (0, None, None)
    assert [asdict(pair) for pair in results.confusions] == [
        {"folder": "001.Akita", "taken_for": "002.Boxer", "images": 1},
        {"folder": "002.Boxer", "taken_for": "001.Akita", "images": 1},
        {"folder": "003.Borzoi", "taken_for": "001.Akita", "images": 1},
    ]


def test_calibration_error_is_the_mean_distance_of_probability_and_accuracy(scripts: Scripts) -> None:
    probability = math.e / (math.e + 3)  # of each answer above: all lie in one bin, half of them are right
    bins = scripts.calibration.reliability(LOGITS, LABELS)
    assert [one.images for one in bins if one.images] == [6]
    assert scripts.calibration.expected_calibration_error(bins) == pytest.approx(abs(probability - 0.5))
    sure = scripts.calibration.reliability(LOGITS * 100, PREDICTED)
    assert sure[-1].images == 6
    assert scripts.calibration.expected_calibration_error(sure) == pytest.approx(0)
    with pytest.raises(ValueError, match="no image"):
        scripts.calibration.expected_calibration_error(scripts.calibration.reliability(LOGITS[:0], LABELS[:0]))


def test_the_page_shows_what_the_json_holds(scripts: Scripts, tmp_path: Path) -> None:
    epochs = [(2.5, 2.25), (1.5, math.inf), (1.25, 1.75), (1.0, 1.5)]
    progress = scripts.progress.Progress()
    for number, (train, validation) in enumerate(epochs, 1):
        progress.history.append(epoch(scripts, number, train, validation))
    progress.best = progress.history[-1]
    results = scripts.results.results_of(0.25, LOGITS, LABELS, CLASSES)
    scripts.report.write_test_report(tmp_path, "resnet18, <dogs> & 1", results, progress)
    report = json.loads((tmp_path / "test_report.json").read_text())
    assert (report["loss"], report["top1_accuracy"], len(report["reliability"])) == (0.25, 0.5, 15)
    page = (tmp_path / "test_report.html").read_text()
    assert "<h1>resnet18, &lt;dogs&gt; &amp; 1</h1>" in page
    assert "50.00%" in page
    assert "Pug &lt;small&gt;" in page
    assert page.index("<td>Borzoi</td>") < page.rindex("<td>Akita</td>"), "the lowest recall first"
    charts = [ElementTree.fromstring(text) for text in re.findall(r"<svg.*?</svg>", page)]  # noqa: S314 - our own
    loss, accuracy, reliability = charts
    assert [line.get("points", "").count(",") for line in loss.iter("polyline")] == [4, 2], (
        "a gap where it was infinite"
    )
    assert len(list(loss.iter("circle"))) == 1
    assert len(list(accuracy.iter("polyline"))) == 2
    assert len(list(reliability.iter("rect"))) == 1 + 1, "the ground, and the one bin with answers"


def epoch(scripts: Scripts, number: int, train_loss: float, validation_loss: float) -> object:
    """An epoch's figures."""
    figures = {"train_loss": train_loss, "validation_loss": validation_loss, "train_accuracy": 0.5}
    names = scripts.progress.Epoch.__dataclass_fields__
    return scripts.progress.Epoch(**{**dict.fromkeys(names, 0.25), **figures, "epoch": number})
