from pathlib import Path

import pytest
import torch

from tests.unit.training.scripts import Scripts

CPU = torch.device("cpu")
LEARNING = ("--freeze-backbone", "false")


def dtype(scripts: Scripts, *flags: str) -> torch.dtype | None:
    arguments = scripts.arguments.parse_arguments(flags, cpus=1, description="")
    chosen: torch.dtype | None = scripts.mixed_precision.autocast_dtype(arguments, CPU)
    return chosen


@pytest.mark.parametrize(
    ("flags", "has_bf16"),
    [
        ("flags\t\t: fpu avx2 avx512f avx512_bf16 amx_tile", True),
        ("flags\t\t: fpu amx_bf16", True),
        ("Features\t: fp asimd bf16 i8mm", True),
        ("flags\t\t: fpu avx2 avx512f", False),
        ("", False),
    ],
)
def test_bf16_is_taken_where_the_cpu_has_instructions_for_it(
    scripts: Scripts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: str, has_bf16: bool
) -> None:
    info = tmp_path / "cpuinfo"
    info.write_text(f"processor\t: 0\nmodel name\t: a CPU of avx512_bf16\n{flags}\n")
    monkeypatch.setattr(scripts.mixed_precision, "CPU_INFO", info)
    assert dtype(scripts, *LEARNING) == (torch.bfloat16 if has_bf16 else None)
    assert dtype(scripts) is None, "frozen: its features are kept"
    assert dtype(scripts, *LEARNING, "--amp", "none") is None
    assert dtype(scripts, *LEARNING, "--amp", "bf16") == torch.bfloat16


def test_fp16_needs_a_gpu(scripts: Scripts) -> None:
    with pytest.raises(scripts.errors.PrecisionError, match="needs a GPU"):
        dtype(scripts, *LEARNING, "--amp", "fp16")


def test_no_cpu_info_is_no_bf16(scripts: Scripts, tmp_path: Path) -> None:
    assert scripts.mixed_precision.cpu_has_bf16(tmp_path / "nothing") is False


def test_a_backbone_in_bf16_learns_and_gives_float32(scripts: Scripts) -> None:
    arguments = scripts.arguments.parse_arguments([*LEARNING, "--amp", "bf16"], cpus=1, description="")
    torch.manual_seed(0)
    network = scripts.networks.build_classifier("resnet18", 3, 32, dropout=0.0, frozen=False)
    images, labels = torch.randn(4, 3, 32, 32), torch.tensor([0, 1, 2, 0])
    network.eval()
    with torch.no_grad():
        exact = network(images)
        network.precision = torch.bfloat16
        rough = network(images)
    assert rough.dtype == torch.float32
    assert not torch.equal(exact, rough)
    assert torch.allclose(exact, rough, atol=0.05, rtol=0.05)
    learner = scripts.learner.Learner(arguments, network, torch.bfloat16)
    network.train()
    losses = [
        float(learner.step(network, torch.nn.CrossEntropyLoss(), images, labels, epoch=1, batch=batch, steps=9)[0])
        for batch in range(2)
    ]
    assert losses[-1] < losses[0]
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


def test_a_compiled_backbone_is_an_addition(scripts: Scripts, monkeypatch: pytest.MonkeyPatch) -> None:
    """torch.compile itself takes half a minute here: an eager backend makes the same promises."""
    calls: list[torch.Size] = []

    def compile_eagerly(function: object) -> object:
        def call(images: torch.Tensor) -> torch.Tensor:
            calls.append(images.shape)
            features: torch.Tensor = function(images)  # type: ignore[operator]
            return features

        return call

    monkeypatch.setattr(torch, "compile", compile_eagerly)
    network = scripts.networks.build_classifier("resnet18", 3, 32, dropout=0.0, frozen=False)
    names = set(network.state_dict())
    network.compiled = scripts.compilation.compiled(network.backbone)
    assert set(network.state_dict()) == names
    network(torch.randn(2, 3, 32, 32))
    assert calls == [(2, 3, 32, 32)]
    monkeypatch.setattr(scripts.compilation.shutil, "which", lambda _: None)
    with pytest.raises(scripts.errors.PrecisionError, match="compiler"):
        scripts.compilation.compiled(network.backbone)
