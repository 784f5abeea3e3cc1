"""The notebook's entry point of tuning: a small network over folders of pictures."""

import argparse
import os
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn


def pictures(folder: str) -> tuple[torch.Tensor, torch.Tensor]:
    """All pictures of a folder of class folders, [N, 3, 16, 16], and their classes."""
    classes = sorted(path.name for path in Path(folder).iterdir())
    images, labels = [], []
    for number, name in enumerate(classes):
        for path in sorted(Path(folder, name).glob("*.jpg")):
            images.append(np.asarray(Image.open(path).convert("RGB").resize((16, 16)), dtype="float32") / 255)
            labels.append(number)
    return torch.tensor(np.stack(images)).permute(0, 3, 1, 2), torch.tensor(labels)


def main() -> None:
    """Train, print the loss over the validation pictures, save the whole model."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--model-dir", default=os.environ.get("SM_MODEL_DIR"))
    parser.add_argument("--train", default=os.environ.get("SM_CHANNEL_TRAINING"))
    parser.add_argument("--valid", default=os.environ.get("SM_CHANNEL_VALIDATION"))
    arguments = parser.parse_args()
    torch.manual_seed(0)
    inputs, labels = pictures(arguments.train)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14 * 14, 2))
    loss_of = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=arguments.lr)
    hook = None
    if "SMDEBUG_CONFIG_FILE_PATH" in os.environ:
        import smdebug.pytorch as smd

        hook = smd.Hook.create_from_json_file()
        hook.register_module(model)
        hook.register_loss(loss_of)
    for epoch in range(1, arguments.epochs + 1):
        for start in range(0, len(inputs), arguments.batch_size):
            optimizer.zero_grad()
            loss = loss_of(
                model(inputs[start : start + arguments.batch_size]), labels[start : start + arguments.batch_size]
            )
            loss.backward()
            optimizer.step()
        print(f"Epoch {epoch} Training loss: {loss.item():.4f} at {time.strftime('%X')}")
    if hook is not None:
        import smdebug.pytorch as smd

        hook.set_mode(smd.modes.EVAL)
    with torch.no_grad():
        inputs, labels = pictures(arguments.valid)
        answers = model(inputs)
        accuracy = (answers.argmax(1) == labels).float().mean().item()
        print(f"Average Validation loss: {loss_of(answers, labels).item():.6f}, Accuracy: {accuracy:.2f}")
    torch.save(model, Path(arguments.model_dir, "model.pth"))


if __name__ == "__main__":
    main()
