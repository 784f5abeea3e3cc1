"""AdamW and SGD, bit for bit those of torch.optim.

An optimiser of torch.optim imports torch's whole compiler, only to tell it to leave the optimiser alone: half of the
CPU time of a short job. What is computed is a dozen lines.
"""

from abc import ABC, abstractmethod
from typing import Any

import torch

State = dict[str, Any]  # of one parameter: tensors of its shape, and numbers
Tensors = list[torch.Tensor] | tuple[torch.Tensor, ...]
EPSILON = 1e-8


class Optimizer(ABC):
    """Parameters in groups (`params`, `lr`, and what the caller adds), and a state for each that has had a step."""

    def __init__(self, param_groups: list[dict[str, Any]]) -> None:
        self.param_groups = param_groups
        self.state: dict[torch.Tensor, State] = {}

    def zero_grad(self) -> None:
        """Forget all gradients."""
        for parameter in self._parameters():
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move each parameter that has a gradient."""
        for group in self.param_groups:
            learning = [parameter for parameter in group["params"] if parameter.grad is not None]
            if learning:
                self._move(learning, [parameter.grad for parameter in learning], group["lr"])

    def state_dict(self) -> dict[int, State]:
        """The states by their parameter's place among all."""
        places = {parameter: place for place, parameter in enumerate(self._parameters())}
        return {places[parameter]: dict(state) for parameter, state in self.state.items()}

    def load_state_dict(self, states: dict[int, State]) -> None:
        """Go on from there. Raises ValueError for the states of other parameters."""
        parameters = self._parameters()
        if any(place not in range(len(parameters)) for place in states):
            raise ValueError(
                f"the optimizer's state is one of {max(states) + 1} parameters and not of {len(parameters)}"
            )
        self.state = {
            parameters[place]: {name: _beside(parameters[place], value) for name, value in state.items()}
            for place, state in states.items()
        }

    def _parameters(self) -> list[torch.Tensor]:
        return [parameter for group in self.param_groups for parameter in group["params"]]

    @abstractmethod
    def _move(self, parameters: Tensors, gradients: Tensors, lr: float) -> None:
        """Take one step with these gradients."""


class AdamW(Optimizer):
    """Adam with decoupled weight decay (https://arxiv.org/abs/1711.05101); `betas` weigh mean and mean square."""

    def __init__(self, param_groups: list[dict[str, Any]], *, betas: tuple[float, float], weight_decay: float) -> None:
        super().__init__(param_groups)
        self.betas = betas
        self.weight_decay = weight_decay

    def _move(self, parameters: Tensors, gradients: Tensors, lr: float) -> None:
        states = [self._next(parameter) for parameter in parameters]
        means, squares = [state["mean"] for state in states], [state["square"] for state in states]
        of_mean, of_square = self.betas
        torch._foreach_mul_(parameters, 1 - lr * self.weight_decay)
        torch._foreach_lerp_(means, gradients, 1 - of_mean)
        torch._foreach_mul_(squares, of_square)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - of_square)
        scales = torch._foreach_sqrt(squares)
        # Both begin at zero, and are so much too small after so many steps.
        torch._foreach_div_(scales, [(1 - of_square ** state["step"]) ** 0.5 for state in states])
        torch._foreach_add_(scales, EPSILON)
        torch._foreach_addcdiv_(parameters, means, scales, [-lr / (1 - of_mean ** state["step"]) for state in states])

    def _next(self, parameter: torch.Tensor) -> State:
        state = self.state.get(parameter)
        if state is None:
            state = {"step": 0, "mean": torch.zeros_like(parameter), "square": torch.zeros_like(parameter)}
            self.state[parameter] = state
        state["step"] += 1
        return state


class SGD(Optimizer):
    """Stochastic gradient descent, with `momentum` (0: without) and where asked Nesterov's kind of it."""

    def __init__(
        self, param_groups: list[dict[str, Any]], *, momentum: float, weight_decay: float, nesterov: bool
    ) -> None:
        super().__init__(param_groups)
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.nesterov = nesterov

    def _move(self, parameters: Tensors, gradients: Tensors, lr: float) -> None:
        if self.weight_decay:
            gradients = torch._foreach_add(gradients, parameters, alpha=self.weight_decay)
        if self.momentum:
            moved = [
                self._moved(parameter, gradient) for parameter, gradient in zip(parameters, gradients, strict=True)
            ]
            gradients = torch._foreach_add(gradients, moved, alpha=self.momentum) if self.nesterov else moved
        torch._foreach_add_(parameters, gradients, alpha=-lr)

    def _moved(self, parameter: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
        state = self.state.get(parameter)
        if state is None:
            state = self.state[parameter] = {"momentum": torch.zeros_like(gradient)}
        moved: torch.Tensor = state["momentum"].mul_(self.momentum).add_(gradient)
        return moved


def _beside(parameter: torch.Tensor, value: Any) -> Any:
    return value.to(parameter.device) if isinstance(value, torch.Tensor) else value
