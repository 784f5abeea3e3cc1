"""The card that travels with the model."""

import platform
from pathlib import Path

import torch

from tests.unit.training.scripts import Scripts


def test_the_card_tells_data_settings_versions_and_figures(scripts: Scripts, tmp_path: Path) -> None:
    names = scripts.progress.Epoch.__dataclass_fields__
    best = scripts.progress.Epoch(**{**dict.fromkeys(names, 0.25), "epoch": 7, "validation_accuracy": 0.875})
    labels = torch.tensor([0, 1, 1, 1])
    results = scripts.results.results_of(
        0.5, torch.eye(2)[torch.tensor([0, 1, 1, 0])], labels, ("001.Akita", "002.Boxer")
    )
    data = [scripts.model_card.Data("validation", 40, 2, "ab" * 32), scripts.model_card.Data("test", 4, 0, "cd" * 32)]
    card = scripts.model_card.ModelCard(
        job="dogs-1",
        architecture="resnet18",
        classes=2,
        image_size=224,
        weights="imagenet",
        data=data,
        settings={"recipe": "fast", "seed": 3},
        best=best,
        results=results,
    )
    card.write(tmp_path)
    text = (tmp_path / "MODEL_CARD.md").read_text()
    assert text.startswith("# dogs-1\n")
    assert "| validation | 40 | 87.50% |  | 0.2500 |  |" in text
    assert "| test | 4 | 75.00% | 100.00% | 0.5000 | " in text
    assert f"| validation | 40 | 2 | `{'ab' * 32}` |" in text
    assert "| `seed` | `3` |" in text
    assert f"| Python | {platform.python_version()} |" in text
    assert f"| torch | {torch.__version__.partition('+')[0]}" in text
    assert "Saved is epoch 7" in text
    without = scripts.model_card.ModelCard(**{**vars(card), "results": None}).text()
    assert "There was no test channel." in without
    assert "| test | 4 | 75" not in without
