"""Which tensors belong to which of the hook's collections."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# What smdebug's PyTorch hook registers by itself.
DEFAULTS: Mapping[str, Sequence[str]] = {
    "weights": (r"^(?!gradient).*weight",),
    "biases": (r"^(?!gradient).*bias",),
    "gradients": (r"^gradient",),
    "losses": (r"[Ll]oss_(?!input).*output",),
}


@dataclass(frozen=True)
class Collections:
    """Regular expressions, and names, by collection; an unknown collection holds nothing."""

    regexes: Mapping[str, Sequence[str]]
    names: Mapping[str, frozenset[str]]

    def holds(self, collection: str, tensor: str) -> bool:
        """Whether the tensor belongs to the collection: by name, or where one of its regexes is found in it."""
        if tensor in self.names.get(collection, frozenset()):
            return True
        return any(re.search(regex, tensor) for regex in self.regexes.get(collection, ()))


def default_collections() -> Collections:
    """Those of a hook that was told nothing."""
    return Collections(DEFAULTS, {})
