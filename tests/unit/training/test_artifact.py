import json
from pathlib import Path

import numpy as np
import torch

from tests.unit.training.scripts import Scripts


def test_the_exported_network_takes_batches_of_any_size(scripts: Scripts, tmp_path: Path) -> None:
    """Of one of torchvision's networks; the other two kinds are exported below and by tests/integration."""
    import openvino

    arch = "mobilenet_v3_small"
    network = scripts.networks.build_classifier(arch, 3, 64, dropout=0.2, frozen=True)
    preprocessing = scripts.networks.preprocessing_for(arch, 64)
    classes = scripts.classes.class_map(("001.Affenpinscher", "002.Afghan_hound", "003.Akita"))
    scripts.artifact.write_artifact(tmp_path, network, preprocessing, arch=arch, version="dogs-1", classes=classes)
    assert json.loads((tmp_path / "model.json").read_text()) == {
        "format_version": 1,
        "architecture": arch,
        "image_size": 64,
        "resize_size": 73,
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
        "interpolation": "bilinear",
        "version": "dogs-1",
    }
    assert json.loads((tmp_path / "classes.json").read_text())[1] == {
        "index": 1,
        "folder": "002.Afghan_hound",
        "breed": "Afghan hound",
    }
    compiled = openvino.Core().compile_model(tmp_path / "model.xml", "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for count in (1, 11):
        images = torch.randn(count, 3, 64, 64)
        with torch.no_grad():
            expected = network(images).numpy()
        assert np.abs(compiled({"images": images.numpy()})["logits"] - expected).max() < 1e-3
    again = scripts.networks.build_classifier(arch, 3, 64, dropout=0.2, frozen=True)
    scripts.weights.load_pretrained(again, arch, tmp_path)
    assert torch.equal(next(again.backbone.parameters()), next(network.backbone.parameters()))


def test_imagenets_dogs(scripts: Scripts, tmp_path: Path) -> None:
    from torchvision import models

    names = models.EfficientNet_B0_Weights.IMAGENET1K_V1.meta["categories"][151:269]
    assert [name for name, _ in scripts.dog_breeds.IMAGENET_DOGS] == names
    breeds = [breed for _, breed in scripts.dog_breeds.IMAGENET_DOGS]
    assert len(set(breeds)) == 118
    for breed in ("Shih-Tzu", "Blenheim Spaniel", "German Shepherd", "Black-and-tan Coonhound", "Bouvier des Flandres"):
        assert breed in breeds

    environment = scripts.environment.read_environment(
        {"SM_MODEL_DIR": str(tmp_path), "TRAINING_JOB_NAME": "first", "OMP_NUM_THREADS": "1"}
    )
    scripts.imagenet_dogs.write_imagenet_dogs(environment)
    classes = json.loads((tmp_path / "classes.json").read_text())
    assert classes[5] == {"index": 5, "folder": "156.Blenheim_spaniel", "breed": "Blenheim Spaniel"}
    assert json.loads((tmp_path / "model.json").read_text())["version"] == "first"
    weights, _ = scripts.weights.read_channel_weights(tmp_path)
    published = scripts.weights.read_package_weights()
    assert torch.equal(weights["head.linear.weight"][84], published["_fc.weight"][235])
