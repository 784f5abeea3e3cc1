"""Which tensors a rule looks at: AWS's parameters collection_names and tensor_regex."""

import re
from collections.abc import Callable, Sequence

from diagnostics.tensors.collections import Collections


def selection(
    collections: Collections,
    collection_names: Sequence[str] | None,
    tensor_regex: Sequence[str] | None,
    otherwise: Callable[[str], bool],
) -> Callable[[str], bool]:
    """Whether a tensor is in one of the collections or matched by one of the regexes; `otherwise` where both are None.

    A regex may be found anywhere in the name, as everywhere in the hook.
    """
    if not collection_names and not tensor_regex:
        return otherwise
    regexes = [re.compile(regex) for regex in tensor_regex or ()]

    def chosen(tensor: str) -> bool:
        return any(collections.holds(name, tensor) for name in collection_names or ()) or any(
            regex.search(tensor) for regex in regexes
        )

    return chosen


def described(collection_names: Sequence[str] | None, tensor_regex: Sequence[str] | None, otherwise: str) -> str:
    """The same choice in words: `the collections gradients, losses and tensors like "relu"`."""
    parts = []
    if collection_names:
        parts.append(f"the collection{'s' if len(collection_names) > 1 else ''} {', '.join(collection_names)}")
    if tensor_regex:
        parts.append("tensors like " + ", ".join(f'"{regex}"' for regex in tensor_regex))
    return " and ".join(parts) or otherwise
