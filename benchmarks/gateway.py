"""POST /predict before an endpoint that answers at once, beside a FastAPI route that calls boto3 in its thread pool.

`python -m benchmarks.gateway`: endpoint, service and peer are processes, as is the load. Both are asked the same in
turn, with 1, 8 and 32 clients, raw and as a form; of each, the median of the rounds counts. The bars are those of raw
bytes and 8 clients; CPU is that of the service's process, beside a process that only calls boto3's invoke_endpoint.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bars import Bar, end
from benchmarks.image_load import How, Load, measured
from benchmarks.listening import START_SECONDS, wait_until_it_listens

ROUNDS = 3
SECONDS = 1.5
WARM_SECONDS = 1.0
CLIENTS = (1, 8, 32)
BOTO3_CALLS = 1000
TIMES_BOTO3_ROUTE = 3.0
TIMES_BOTO3_CALL = 1.0
P99_MS = 10.0
TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Gateway:
    """What stands between the clients and the endpoint: a process, and where it takes images."""

    name: str
    pid: int
    port: int
    targets: dict[How, str]

    def cpu_seconds(self) -> float:
        """What all threads of the process have used so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) * TICK_SECONDS


@dataclass(frozen=True)
class Round:
    """A load and the CPU milliseconds that the gateway used for one answer."""

    load: Load
    cpu_ms: float


def main() -> int:
    """Run the rounds and print the bars."""
    with tempfile.TemporaryDirectory(prefix="gateway-") as folder, ExitStack() as running:
        endpoint = running.enter_context(_served(Path(folder), "benchmarks.instant_endpoint", "{port}"))
        environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{endpoint.port}",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "benchmark",
            "AWS_SECRET_ACCESS_KEY": "benchmark",
            "SAGEHOUND_TRAINING_IMAGE": "training",  # spares the SDK's import
            "SAGEHOUND_INFERENCE_IMAGE": "inference",
        }
        ours = running.enter_context(_served(Path(folder), "service", environment=environment))
        peer = running.enter_context(
            _served(Path(folder), "benchmarks.boto3_route", "serve", "{port}", environment=environment)
        )
        for gateway in (ours, peer):
            for how, target in gateway.targets.items():
                measured(gateway.port, target, 8, WARM_SECONDS, how)
        rounds: dict[tuple[How, int], tuple[list[Round], list[Round]]] = {}
        calls_ms: list[float] = []
        for how in ours.targets:
            for clients in CLIENTS:
                rounds[how, clients] = compared((ours, peer), how, clients)
                calls_ms.append(boto3_call_ms(environment))  # in between: the machine is not always as fast
    call_ms = statistics.median(calls_ms)
    print(f"boto3's invoke_endpoint alone: {call_ms:.2f} ms of CPU a call")
    our_rounds, peer_rounds = rounds["raw", 8]
    return end(
        [
            Bar("gateway-times-boto3-route", _per_second(our_rounds) / _per_second(peer_rounds), TIMES_BOTO3_ROUTE),
            Bar("gateway-cpu-times-boto3-call", _cpu_ms(our_rounds) / call_ms, TIMES_BOTO3_CALL, wanted="at most"),
            Bar("gateway-p99-8-clients", _p99_ms(our_rounds), P99_MS, "ms", wanted="at most"),
        ]
    )


def compared(gateways: tuple[Gateway, Gateway], how: How, clients: int) -> tuple[list[Round], list[Round]]:
    """Some rounds of the same load on both in turn."""
    rounds: tuple[list[Round], list[Round]] = ([], [])
    for _ in range(ROUNDS):
        for gateway, found in zip(gateways, rounds, strict=True):
            before = gateway.cpu_seconds()
            load = measured(gateway.port, gateway.targets[how], clients, SECONDS, how)
            if load.errors:
                raise RuntimeError(f"{gateway.name}: {load.errors} of {load.answers + load.errors} requests failed")
            found.append(Round(load, (gateway.cpu_seconds() - before) * 1000 / load.answers))
    for gateway, found in zip(gateways, rounds, strict=True):
        p50_ms = statistics.median(one.load.p50_ms for one in found)
        print(
            f"{how}, {clients} clients, {gateway.name}: {_per_second(found):.0f} requests/s, p50 {p50_ms:.1f} ms, "
            f"p99 {_p99_ms(found):.1f} ms, {_cpu_ms(found):.2f} ms of CPU a request",
            flush=True,
        )
    return rounds


def boto3_call_ms(environment: dict[str, str]) -> float:
    """CPU milliseconds of one invoke_endpoint call, in a process that does nothing else."""
    command = [sys.executable, "-m", "benchmarks.boto3_route", "call", str(BOTO3_CALLS)]
    run = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=True, timeout=START_SECONDS
    )
    seconds: float = json.loads(run.stdout)
    return seconds * 1000


@contextmanager
def _served(folder: Path, module: str, *arguments: str, environment: dict[str, str] | None = None) -> Iterator[Gateway]:
    """A server of this repository as a process, on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    log = folder / f"{module}.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *(argument.format(port=port) for argument in arguments)],
            env={**os.environ, **(environment or {}), "SAGEHOUND_HOST": "127.0.0.1", "SAGEHOUND_PORT": str(port)},
            stdout=output,
            stderr=output,
        )
    try:
        wait_until_it_listens(process, port, log)
        is_ours = module == "service"
        targets: dict[How, str] = {"raw": "/predict", "form": "/predict" if is_ours else "/predict-form"}
        yield Gateway("service" if is_ours else "FastAPI and boto3", process.pid, port, targets)
    finally:
        process.terminate()
        process.wait(START_SECONDS)


def _per_second(rounds: list[Round]) -> float:
    return statistics.median(one.load.per_second for one in rounds)


def _p99_ms(rounds: list[Round]) -> float:
    return statistics.median(one.load.p99_ms for one in rounds)


def _cpu_ms(rounds: list[Round]) -> float:
    return statistics.median(one.cpu_ms for one in rounds)


if __name__ == "__main__":
    sys.exit(main())
