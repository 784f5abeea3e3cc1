"""SageMaker Debugger: smdebug is imported only when the job's configuration asks for it."""

import atexit
import os
import re
from pathlib import Path
from typing import Any

import torch
from errors import DebuggerError
from networks import show_activations
from smdebug_threads import survive_dead_writers
from tensor_folder import make_ready, tensor_folder
from torch import nn

# What smdebug reads when it is imported. Its profiler would write what timeline.py writes, and its notes of the
# checkpoint folder would number steps otherwise than the checkpoint does, and walk through that folder every step.
SMDEBUG_ENVIRONMENT = {"SMPROFILER_CONFIG_PATH": "", "CHECKPOINT_CONFIG_FILE_PATH": ""}


class DebuggerHook:
    """smdebug's hook on one network and its losses; tensors are written by the configuration's own intervals.

    `train_steps` and `evaluation_steps` have been taken before; numbers go on from there. What a rule looks for as
    labels and predictions (class indices) is saved where a collection matches these names. Raises DebuggerError.
    """

    def __init__(
        self, config: Path, network: nn.Module, criteria: list[nn.Module], *, train_steps: int, evaluation_steps: int
    ) -> None:
        smdebug = _import_smdebug()
        self._modes = smdebug.modes
        self._network = network
        self._criteria = criteria
        self._told = False
        folder = tensor_folder(config)
        make_ready(folder, train_steps + evaluation_steps)
        try:
            self._hook: Any = smdebug.Hook.create_from_json_file(str(config))
            self._hook.register_module(network)
            for criterion in criteria:
                self._hook.register_loss(criterion)
            self._hook.has_default_configuration()  # prepares the collections, which finds what is wrong with them
            shows_activations = self._saves(*_activations(network))
            records_answers = self._saves("labels_output_0", "predictions_output_0")
        except Exception as error:  # smdebug raises what it likes
            raise DebuggerError(_refusal(error)) from error
        self._agent: Any = smdebug.hook.error_handling_agent
        if self._agent.disable_smdebug:
            raise DebuggerError("smdebug has switched itself off while it was set up; its own message stands above")
        survive_dead_writers(self._give_up)
        self._continue(train_steps, evaluation_steps)
        if shows_activations:
            show_activations(network)
        if records_answers:
            for criterion in criteria:
                criterion.register_forward_hook(self._record)
        names = sorted(collection.name for collection in self._collections())
        print(f"debugger: {', '.join(names)} go to {folder}", flush=True)

    def set_training(self) -> None:
        """Following steps are of mode TRAIN."""
        self._tell_failure()
        self._hook.set_mode(self._modes.TRAIN)

    def set_evaluating(self) -> None:
        """Following steps are of mode EVAL."""
        self._tell_failure()
        self._hook.set_mode(self._modes.EVAL)

    def close(self) -> None:
        """Write what is pending, without which the last step's tensors would be lost, and let go of the network."""
        try:
            self._hook.close()
        except Exception:  # smdebug raises what it likes
            if not self._agent.disable_smdebug:  # else it is told below, and nothing is saved anyway
                raise
        finally:
            atexit.unregister(self._hook._cleanup)  # it would close once more
            for module in (*self._network.modules(), *self._criteria):
                _forget(module._forward_hooks, self._hook)
                _forget(module._forward_pre_hooks, self._hook)
            self._tell_failure()

    def _continue(self, train_steps: int, evaluation_steps: int) -> None:
        """Let the next step have the next number; smdebug counts up before a step."""
        self._hook.step = train_steps + evaluation_steps - 1
        self._hook.mode_steps = {
            self._modes.GLOBAL: self._hook.step,
            self._modes.TRAIN: train_steps - 1,
            self._modes.EVAL: evaluation_steps - 1,
        }

    def _collections(self) -> list[Any]:
        wanted = set(self._hook.include_collections)
        return [each for name, each in self._hook.get_collections().items() if wanted & {name, "all"}]

    def _saves(self, *names: str) -> bool:
        """Whether a collection takes a tensor of one of these names."""
        patterns = [re.compile(pattern) for each in self._collections() for pattern in each.include_regex]
        return any(pattern.search(name) for pattern in patterns for name in names)

    def _record(self, _criterion: nn.Module, inputs: tuple[torch.Tensor, torch.Tensor], _loss: torch.Tensor) -> None:
        logits, labels = inputs
        self._hook.record_tensor_value("predictions", logits.detach().argmax(1))
        self._hook.record_tensor_value("labels", labels if labels.ndim == 1 else labels.argmax(1))  # of mixup: shares

    def _give_up(self, error: object) -> None:
        """Save nothing more; smdebug's functions do nothing from here on."""
        print(f"debugger: tensors cannot be written: {error}", flush=True)
        self._agent.disable_smdebug = True

    def _tell_failure(self) -> None:
        """Say once that smdebug has caught an error of its own, as it does where only losses are saved."""
        if self._agent.disable_smdebug and not self._told:
            self._told = True
            print(
                "debugger: smdebug has failed (the reason stands above): no tensors are saved from there on, "
                "and the training goes on",
                flush=True,
            )


def _import_smdebug() -> Any:
    os.environ.update(SMDEBUG_ENVIRONMENT)
    os.environ.setdefault("SMDEBUG_LOG_LEVEL", "warning")
    try:
        import smdebug.pytorch  # noqa: PLC0415 - seconds, and few jobs are debugged
    except ImportError as error:
        raise DebuggerError(
            f"the job has a DebugHookConfig, and smdebug cannot be imported ({error}): "
            "create the job without a debugger, or use an image with Python 3.11 or older (PyTorch 2.5.1 has it), "
            "for which requirements.txt installs smdebug 1.0.34"
        ) from error
    return smdebug.pytorch


def _refusal(error: Exception) -> str:
    """What is wrong with a configuration that smdebug does not take."""
    words = " ".join(str(error).split())
    if type(error).__name__ == "InvalidCollectionConfiguration":
        return (
            f"the job's DebugHookConfig cannot be used, a collection says nothing about what is in it ({words}): "
            "give it include_regex, or name a built-in collection (losses, weights, gradients, biases)"
        )
    return f"the job's DebugHookConfig cannot be used: {type(error).__name__}: {words}"


def _activations(network: nn.Module) -> list[str]:
    """What the modules within take and give, by smdebug's names."""
    names = [name for name, _ in network.named_modules() if name]
    return [f"{name}_{side}_0" for name in names for side in ("input", "output")]


def _forget(hooks: dict[int, Any], owner: Any) -> None:
    """Take out of a module's hooks those that are methods of `owner`."""
    for key in [key for key, function in hooks.items() if getattr(function, "__self__", None) is owner]:
        del hooks[key]
