"""Keep Python's garbage collector from holding requests up.

A full collection looks at every object that the imports have left, a hundred thousand or more: tens of milliseconds in
which no request goes on, every few hundred requests. So what is there once the service has started is looked at no
more, and the young objects of requests, nearly all of which are gone without a collector, are collected in larger
heaps.
"""

import gc
from importlib import import_module

YOUNG_OBJECTS = 20_000  # Python's default is 700; a collection of so many takes about a millisecond
USED_LATER = (
    "service.aws.runtime_address",
    "service.aws.runtime_credentials",
)  # by the first prediction: half a second


def settle() -> None:
    """To be called once the service answers, from a thread of its own."""
    for module in USED_LATER:
        import_module(module)
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)
