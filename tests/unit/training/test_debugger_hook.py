"""Debugger's hook where smdebug cannot be imported, as on images with Python 3.12."""

import sys
from pathlib import Path

import pytest
import torch

from tests.unit.training.scripts import Scripts


def test_without_smdebug_the_error_says_what_to_do(
    scripts: Scripts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "smdebug"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "smdebug", None)
    network = torch.nn.Linear(1, 1)
    with pytest.raises(scripts.errors.DebuggerError) as caught:
        scripts.debugger_hook.DebuggerHook(tmp_path / "debughookconfig.json", network, [torch.nn.CrossEntropyLoss()])
    message = str(caught.value)
    assert "smdebug cannot be imported" in message
    assert "create the job without a debugger" in message
    assert "Python 3.11" in message
