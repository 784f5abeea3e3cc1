"""Which tensors belong to which of the hook's collections."""

import json
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

COLLECTIONS_FOLDER = "collections/"


class BrokenCollections(ValueError):
    """A collections file is not what smdebug writes; the message says why."""


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


def parse_collections(content: bytes) -> Collections:
    """Of collections/000000000/worker_0_collections.json. Raises BrokenCollections."""
    try:
        found = json.loads(content)["collections"]
        regexes = {name: tuple(of["include_regex"] or ()) for name, of in found.items()}
        names = {name: frozenset(of["tensor_names"] or ()) for name, of in found.items()}
        for regex in [regex for of in regexes.values() for regex in of]:
            re.compile(regex)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, re.error) as error:
        raise BrokenCollections(f"the collections cannot be read: {type(error).__name__}: {error}") from error
    return Collections(regexes, names)
