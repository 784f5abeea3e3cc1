"""Memory that was freed stays with the process: a step takes again what the one before had.

Otherwise glibc gives each large tensor's pages back to the kernel, which clears them again for the next one: on CPUs a
tenth of a step, and more where a network's layers are cheap.
"""

import ctypes

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4  # of malloc.h
NEVER = -1
TOP_PAD_BYTES = 64 * 2**20  # asked of the kernel at once


def keep_freed_memory() -> None:
    """From now on, for the whole process. Nothing changes with a C library that has no mallopt."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for parameter, value in ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, NEVER), (M_TOP_PAD, TOP_PAD_BYTES)):
            mallopt(parameter, value)
