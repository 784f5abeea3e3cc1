"""model_fn alone: the rest are the toolkit's defaults."""

import torch


def model_fn(model_dir):
    layer = torch.nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        layer.weight[:] = torch.tensor([[2.0, 3.0]])
    return layer
