"""The default model_fn and predict_fn with torch, as in SageMaker's PyTorch containers."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from model_server.handler import Handler
from model_server.messages import Invocation
from model_server.program import BadHandler

JSON = {"content-type": "application/json"}


@pytest.fixture(autouse=True)
def old_ways() -> Iterator[None]:
    """torch.jit is deprecated, and what models are deployed with."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def test_a_torchscript_model_needs_no_code(tmp_path: Path) -> None:
    import torch

    class Double(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * 2

    traced = torch.jit.trace(Double(), torch.ones(2))  # type: ignore[no-untyped-call]  # torch.jit has no annotations
    traced.save(str(tmp_path / "model.pth"))
    handler = Handler(None, tmp_path)
    assert handler.invoke(Invocation(b"[1, 2.5]", JSON)).body == b"[2.0, 5.0]"


def test_weights_alone_are_no_model(tmp_path: Path) -> None:
    import torch

    torch.save({"weight": torch.ones(1)}, tmp_path / "model.pth")
    with pytest.raises(BadHandler, match=r"model\.pth is no TorchScript model; weights alone need a model_fn"):
        Handler(None, tmp_path)
