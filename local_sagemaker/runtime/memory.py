"""How much memory a process and its children use."""

import contextlib
import os
from pathlib import Path

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def resident_bytes(pid: int) -> int:
    """Resident memory of a process and all below it, in bytes; what several of them share counts for each."""
    total = 0
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended
        total = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                total += resident_bytes(int(child))
    return total
