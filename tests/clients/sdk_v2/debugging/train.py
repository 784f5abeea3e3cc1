"""A PyTorch script with smdebug's hook, as AWS's examples have it."""

import argparse
import os

import smdebug.pytorch as smd
import torch
from torch import nn


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--lr", type=float, default=0.1)
    args, _ = parser.parse_known_args()

    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    criterion = nn.CrossEntropyLoss()
    hook = smd.Hook.create_from_json_file()
    hook.register_hook(model)
    hook.register_loss(criterion)
    optimizer = torch.optim.SGD(model.parameters(), lr=args.lr)
    images, labels = torch.randn(32, 4), torch.randint(0, 3, (32,))

    for epoch in range(args.epochs):
        model.train()
        hook.set_mode(smd.modes.TRAIN)
        for start in range(0, 32, 8):
            optimizer.zero_grad()
            loss = criterion(model(images[start : start + 8]), labels[start : start + 8])
            loss.backward()
            optimizer.step()
        model.eval()
        hook.set_mode(smd.modes.EVAL)
        with torch.no_grad():
            print(f"epoch {epoch} validation loss {criterion(model(images), labels).item():.4f}")
    torch.save(model.state_dict(), os.path.join(os.environ["SM_MODEL_DIR"], "model.pth"))


if __name__ == "__main__":
    main()
