"""DescribeTrainingJob and ListTrainingJobs with 1,000 jobs in the store, beside moto_server in the same run.

`python -m benchmarks.control_plane`: both servers are real processes; the same plain HTTP client asks both the same
over four connections, one server after the other in three rounds, of which the best counts.
"""

import contextlib
import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks import jobs_in_store
from benchmarks.bars import Bar, end
from benchmarks.environments import python_of
from benchmarks.listening import START_SECONDS, wait_until_it_listens
from benchmarks.requests_per_second import Rate, call, measure
from tests.local_server import running_server

JOBS = 1000
ROUNDS = 3
SECONDS = 4.0
CONNECTIONS = 4
TIMES_MOTO = 2.0

NEWEST = {"SortBy": "CreationTime", "SortOrder": "Descending"}
ASKED: Mapping[str, tuple[str, Sequence[Mapping[str, object]]]] = {
    "describe": ("DescribeTrainingJob", [{"TrainingJobName": jobs_in_store.name(number)} for number in range(JOBS)]),
    "list-10": ("ListTrainingJobs", [{**NEWEST, "MaxResults": 10}]),
    "list-100": ("ListTrainingJobs", [{**NEWEST, "MaxResults": 100}]),
    "list-by-status": ("ListTrainingJobs", [{**NEWEST, "MaxResults": 10, "StatusEquals": "Completed"}]),
}


def main() -> int:
    """Run the rounds and print the bars."""
    with tempfile.TemporaryDirectory(prefix="control-plane-") as folder, moto_server(Path(folder)) as moto:
        jobs_in_store.write(Path(folder) / "state", JOBS)
        with running_server(Path(folder) / "state") as server:
            compare(server.port, moto)
            return end([bar for label in ASKED for bar in measured(label, server.port, moto)])


def compare(ours: int, moto: int) -> None:
    """Raise RuntimeError unless both have the same jobs."""
    for port in (ours, moto):
        described = json.loads(call(port, "DescribeTrainingJob", {"TrainingJobName": jobs_in_store.name(JOBS - 1)}))
        listed = json.loads(call(port, "ListTrainingJobs", {**NEWEST, "MaxResults": 100}))
        same = described["HyperParameters"] == jobs_in_store.REQUEST["HyperParameters"]
        if not same or len(listed["TrainingJobSummaries"]) != 100:
            raise RuntimeError(f"the server on port {port} does not have the jobs: {described}, {listed}")


def measured(label: str, ours: int, moto: int) -> Iterator[Bar]:
    """Some seconds of an operation on both servers in turn."""
    operation, asked = ASKED[label]
    bodies = [json.dumps(members).encode() for members in asked]
    rates: dict[str, list[Rate]] = {"local_sagemaker": [], "moto": []}
    for _ in range(ROUNDS):
        for server, port in (("local_sagemaker", ours), ("moto", moto)):
            rates[server].append(measure(port, operation, bodies, connections=CONNECTIONS, seconds=SECONDS))
    best = {server: max(found, key=lambda rate: rate.per_second) for server, found in rates.items()}
    for server, rate in best.items():
        print(f"{label} {server}: {rate.per_second:.0f} requests/s, p99 {rate.p99_ms:.1f} ms", flush=True)
    yield Bar(f"{label}-times-moto", best["local_sagemaker"].per_second / best["moto"].per_second, TIMES_MOTO)


@contextlib.contextmanager
def moto_server(folder: Path) -> Iterator[int]:
    """moto_server with the jobs in it; its port."""
    python = python_of("moto")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    with (folder / "moto.log").open("w") as log:
        command = [str(python.parent / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            wait_until_it_listens(process, port, folder / "moto.log")
            for number in range(JOBS):
                members = {"TrainingJobName": jobs_in_store.name(number), **jobs_in_store.REQUEST}
                call(port, "CreateTrainingJob", members)
            yield port
        finally:
            process.terminate()
            process.wait(START_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
