"""The notebook's handler: JPEG bytes in, two scores out. It loads the whole model, as it was saved."""

import io
import json
from pathlib import Path

import numpy as np
import smdebug  # noqa: F401 - a model that was saved with its hook needs it
import torch
from PIL import Image


def model_fn(model_dir: str) -> torch.nn.Module:
    """The user's own code and choice: a pickle."""
    model: torch.nn.Module = torch.load(Path(model_dir, "model.pth"), map_location="cpu", weights_only=False)
    return model.eval()


def input_fn(request_body: bytes, content_type: str = "image/jpeg") -> torch.Tensor:
    """One picture, [1, 3, 16, 16]."""
    if content_type != "image/jpeg":
        raise ValueError(f"Requested unsupported ContentType in content_type: {content_type}")
    picture = Image.open(io.BytesIO(request_body)).convert("RGB").resize((16, 16))
    return torch.tensor(np.asarray(picture, dtype="float32") / 255).permute(2, 0, 1).unsqueeze(0)


def predict_fn(input_object: torch.Tensor, model: torch.nn.Module) -> torch.Tensor:
    """The scores."""
    with torch.no_grad():
        scores: torch.Tensor = model(input_object)
    return scores


def output_fn(prediction: torch.Tensor, accept: str) -> tuple[str, str]:
    """JSON."""
    return json.dumps(prediction.tolist()), "application/json"
