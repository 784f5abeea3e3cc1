"""SageMaker Debugger: smdebug is imported only when the job's configuration asks for it."""

from pathlib import Path
from typing import Any

from errors import DebuggerError
from torch import nn


class DebuggerHook:
    """smdebug's hook on one network and its losses; tensors are written by the configuration's own intervals."""

    def __init__(self, config: Path, network: nn.Module, criteria: list[nn.Module]) -> None:
        try:
            import smdebug.pytorch as smdebug  # noqa: PLC0415 - seconds, and few jobs are debugged
        except ImportError as error:
            raise DebuggerError(
                f"the job has a DebugHookConfig, and smdebug cannot be imported ({error}): "
                "create the job without a debugger, or use an image with Python 3.11 or older (PyTorch 2.5.1 has it), "
                "for which requirements.txt installs smdebug 1.0.34"
            ) from error
        self._modes = smdebug.modes
        self._hook: Any = smdebug.Hook.create_from_json_file(str(config))
        self._hook.register_module(network)
        for criterion in criteria:
            self._hook.register_loss(criterion)

    def set_training(self) -> None:
        """Following steps are of mode TRAIN."""
        self._hook.set_mode(self._modes.TRAIN)

    def set_evaluating(self) -> None:
        """Following steps are of mode EVAL."""
        self._hook.set_mode(self._modes.EVAL)

    def close(self) -> None:
        """Write what is pending; without it the last step's tensors would be lost."""
        self._hook.close()
