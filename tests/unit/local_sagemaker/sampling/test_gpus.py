"""GPUs through NVIDIA's library, which is played by a stand-in: no test machine has one."""

from types import SimpleNamespace

import pynvml
import pytest

from local_sagemaker.runtime.sampling.gpus import gpus


def test_the_first_gpus_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 4)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda index: index)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetUtilizationRates", lambda index: SimpleNamespace(gpu=10 + index))
    monkeypatch.setattr(pynvml, "nvmlDeviceGetMemoryInfo", lambda index: SimpleNamespace(used=1 + index, total=8))
    assert gpus(2).read() == [(10.0, 12.5), (11.0, 25.0)]
    assert len(gpus(8).read()) == 4


def test_without_gpus_the_library_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise AssertionError

    monkeypatch.setattr(pynvml, "nvmlInit", refuse)
    assert gpus(0).read() == []
