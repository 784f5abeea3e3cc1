"""What 1,000 training jobs that have ended cost the server while nobody asks it anything.

`python -m benchmarks.idle_cost`: CPU time of the server's process (its engine and all else) over a minute, beside the
same server without a job.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import jobs_in_store
from benchmarks.bars import Bar, end
from tests.local_server import running_server

JOBS = 1000
SETTLE_SECONDS = 10.0
SECONDS = 60.0
PERCENT_OF_A_CORE = 1.0


def main() -> int:
    """Measure both and print the bar."""
    cost = {jobs: percent_of_a_core(jobs) for jobs in (0, JOBS)}
    for jobs, percent in cost.items():
        print(f"{jobs} jobs: {percent:.3f} % of a core")
    return end([Bar("idle-cost", cost[JOBS], PERCENT_OF_A_CORE, "% of a core", wanted="at most")])


def percent_of_a_core(jobs: int) -> float:
    """The CPU time of a server with so many jobs that have ended, as a share of the time that passed."""
    with tempfile.TemporaryDirectory(prefix="idle-cost-") as folder:
        jobs_in_store.write(Path(folder), jobs)
        with running_server(Path(folder)) as server:
            time.sleep(SETTLE_SECONDS)
            before, began = cpu_seconds(server.pid), time.monotonic()
            time.sleep(SECONDS)
            return (cpu_seconds(server.pid) - before) / (time.monotonic() - began) * 100


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
