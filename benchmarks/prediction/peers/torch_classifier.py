"""What both peers run: torchvision's ResNet18 in eager mode with the artifact's weights, and its own transforms."""

import io
import json
from pathlib import Path
from typing import Any

import torch
import torchvision
from PIL import Image
from safetensors.torch import load_file
from torchvision.transforms import v2


class TorchClassifier:
    """JPEG bytes -> tensor [3, 224, 224]; tensors [N, 3, 224, 224] -> the five likeliest classes of each."""

    def __init__(self, folder: Path, threads: int) -> None:
        torch.set_num_threads(threads)
        described = json.loads((folder / "model.json").read_text())
        self.classes = json.loads((folder / "classes.json").read_text())
        self.network = torchvision.models.resnet18(num_classes=len(self.classes))
        weights = load_file(folder / "model.safetensors")
        self.network.load_state_dict(
            {name.removeprefix("backbone.").replace("head.linear.", "fc."): weights[name] for name in weights}
        )
        self.network.eval()
        self._transforms = v2.Compose(
            [
                v2.Resize(described["resize_size"], antialias=True),
                v2.CenterCrop(described["image_size"]),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize(described["mean"], described["std"]),
            ]
        )

    def tensor(self, body: bytes) -> torch.Tensor:
        """JPEG bytes -> a normalised image [3, size, size]."""
        return self.normalised(self.decode(body))

    @staticmethod
    def decode(body: bytes) -> torch.Tensor:
        """JPEG bytes -> uint8 [3, height, width]."""
        pixels: torch.Tensor = v2.functional.pil_to_tensor(Image.open(io.BytesIO(body)).convert("RGB"))
        return pixels

    def normalised(self, pixels: torch.Tensor) -> torch.Tensor:
        """uint8 [3, height, width] -> what the network sees."""
        image: torch.Tensor = self._transforms(pixels)
        return image

    def top5(self, images: torch.Tensor) -> list[dict[str, Any]]:
        """An answer an image."""
        with torch.inference_mode():
            found = self.network(images).softmax(1).topk(min(5, len(self.classes)))
        return [
            {
                "predictions": [
                    {**self.classes[index], "class_index": index, "probability": probability}
                    for index, probability in zip(indices, probabilities, strict=True)
                ]
            }
            for indices, probabilities in zip(found.indices.tolist(), found.values.tolist(), strict=True)
        ]
