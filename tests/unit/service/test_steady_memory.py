"""What the service does about Python's garbage collector, in a process of its own."""

import subprocess
import sys

from service.settings import REPOSITORY_DIR

PROGRAM = """
import gc, sys
from service import steady_memory
assert "botocore" not in sys.modules
steady_memory.settle()
assert "botocore.credentials" in sys.modules, "the first prediction would import it"
assert gc.get_freeze_count() > 10_000, gc.get_freeze_count()
assert len(gc.get_objects()) < 1_000, "a full collection has little to look at"
assert gc.get_threshold()[0] == steady_memory.YOUNG_OBJECTS
assert gc.isenabled(), "what requests leave in cycles is collected still"
"""


def test_what_the_start_leaves_is_looked_at_no_more() -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=REPOSITORY_DIR, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
