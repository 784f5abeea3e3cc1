"""What stands in for model_fn and predict_fn where inference.py has none: PyTorch's own format and call."""

import importlib
import sys
from pathlib import Path
from typing import Any

from model_server.program import BadHandler


def default_model(model_dir: str) -> Any:
    """A TorchScript model: model.pt, model.pth, or the only file of one of these kinds."""
    folder = Path(model_dir)
    found = sorted(path for path in folder.iterdir() if path.suffix in {".pt", ".pth"})
    named = [path for path in found if path.stem == "model"]
    if not found or (len(found) > 1 and not named):
        raise BadHandler(
            "inference.py defines no model_fn, and the default one needs a TorchScript model.pt or model.pth at the top"
            f" of model.tar.gz; there is {', '.join(sorted(path.name for path in folder.iterdir())) or 'nothing'}."
            " Add code/inference.py with model_fn(model_dir)"
        )
    try:
        model = _torch().jit.load(str((named or found)[0]), map_location=_device())
    except RuntimeError as error:
        raise BadHandler(
            f"{(named or found)[0].name} is no TorchScript model; weights alone need a model_fn in code/inference.py"
        ) from error
    return model.eval()


def default_predict(data: Any, model: Any) -> Any:
    """`model(data)`, without gradients where the model's code has imported torch."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(model, torch.nn.Module):
        return model(data)
    device = _device()
    model.to(device).eval()
    with torch.no_grad():
        return model(data.to(device) if isinstance(data, torch.Tensor) else data)


def _torch() -> Any:
    # Part of the model's environment, not of the model server's: it is there when the model needs it, or that is said.
    return importlib.import_module("torch")


def _device() -> str:
    return "cuda" if _torch().cuda.is_available() else "cpu"
