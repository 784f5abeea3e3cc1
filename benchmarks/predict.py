"""POST /predict from end to end, beside LitServe and SageMaker's public PyTorch handler in the same run.

`python -m benchmarks.predict`: a ResNet18 of 133 classes, 500x375 JPEGs, two cores. Ours is `python -m service` ->
local_sagemaker -> its endpoint, once a precision. The servers take turns under the same load from a process of its own;
a server that is not asked is held still (peers) or idle (ours). Every answer is checked. docs/performance.md tells
how to read the figures.
"""

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.bars import Bar, Unmeasured, end
from benchmarks.prediction import classifier, load, machine, peer_servers, processes
from benchmarks.prediction.classifier import Classifier
from benchmarks.prediction.figures import percentile, share_equal, table
from benchmarks.prediction.load import Load, Outcome
from benchmarks.prediction.processes import Memory, Part
from benchmarks.prediction.stack import running_stack

TIMES_LITSERVE: Mapping[str, float] = {"fp32": 1.7, "bf16": 3, "int8": 4}
COMPARED_CLIENTS = 8
ROUNDS: Mapping[int, int] = {8: 3, 1: 1, 32: 1, 256: 1}  # by number of clients
SECONDS = 8.0  # of a round
PROBE_SECONDS = 5.0
LOADED_IMAGES = 266  # of the test images, in turn: two a class
AGREEMENT = 0.995
NO_BF16 = "this CPU has no bf16"
MEGABYTE = 1e6


@dataclass(frozen=True)
class Round:
    """A server under load for some seconds: what the clients saw, and what each part of the server cost."""

    outcome: Outcome
    cpu_seconds: Mapping[str, float]
    memory: Memory

    @property
    def cpu_per_image(self) -> float:
        """Milliseconds of processor time of all parts."""
        return 1000 * sum(self.cpu_seconds.values()) / max(1, len(self.outcome.latencies))


@dataclass
class Server:
    """What is measured: `expected` are the answers to the loaded images, `held_still` while others are measured."""

    name: str
    url: str
    parts: Sequence[Part]
    held_still: bool
    expected: Sequence[int]
    rounds: dict[int, list[Round]] = field(default_factory=dict)

    @property
    def pids(self) -> set[int]:
        """All its processes."""
        return set().union(*(part.pids for part in self.parts))

    def images_per_second(self, clients: int) -> float:
        """The median of the rounds."""
        return median(found.outcome.per_second for found in self.rounds[clients])

    def latency_ms(self, clients: int, percent: float) -> float:
        """Of all rounds' answers."""
        pooled = [seconds for found in self.rounds[clients] for seconds in found.outcome.latencies]
        return 1000 * percentile(pooled, percent)


def main() -> int:
    """Start all, measure in turns, print the table and the bars."""
    machine.keep_to_two_cores()
    print(machine.describe(), flush=True)
    model = classifier.ready()
    loaded = spread(len(model.images), LOADED_IMAGES)
    with ExitStack() as stack, tempfile.TemporaryDirectory(prefix="predict-logs-") as name:
        peers = started_peers(stack, model, loaded, Path(name))
        ours, answers = started_stacks(stack, model, loaded)
        servers = [*ours.values(), *peers]
        images = [str(model.images[number]) for number in loaded]
        for server in servers:
            measure(server, servers, Load(server.url, images, COMPARED_CLIENTS, seconds=3), keep=False)
        for clients, rounds in ROUNDS.items():
            for _ in range(rounds):
                for server in servers:
                    asked = Load(server.url, images, clients, seconds=SECONDS, expected=server.expected)
                    measure(server, servers, asked, keep=True)
        show(servers)
        return end(list(bars(model, ours, peers[0], answers)))


def spread(count: int, wanted: int) -> Sequence[int]:
    """`wanted` numbers below `count`, evenly apart."""
    return [number * count // wanted for number in range(min(wanted, count))]


def started_peers(stack: ExitStack, model: Classifier, loaded: Sequence[int], logs: Path) -> list[Server]:
    """LitServe in that of its settings which answers most at 8 clients, and the handler; both held still."""
    expected = [model.torch_answers[number] for number in loaded]
    images = [str(model.images[number]) for number in loaded]
    candidates: list[tuple[ExitStack, Server]] = []
    for number, setting in enumerate(peer_servers.LITSERVE_SETTINGS):
        running = stack.enter_context(ExitStack())
        peer = running.enter_context(peer_servers.litserve(setting, model.artifact, logs / f"litserve-{number}.log"))
        candidates.append((running, Server(peer.name, peer.predict_url, peer.parts, True, expected)))
    probed = [server for _, server in candidates]
    for server in probed:
        measure(server, probed, Load(server.url, images, COMPARED_CLIENTS, seconds=2), keep=False)
        found = measure(server, probed, Load(server.url, images, COMPARED_CLIENTS, seconds=PROBE_SECONDS), keep=True)
        print(
            f"tried: {server.name}: {found.outcome.per_second:.1f} images/s at {COMPARED_CLIENTS} clients", flush=True
        )
    best = max(probed, key=lambda server: server.images_per_second(COMPARED_CLIENTS))
    for running, server in candidates:
        if server is not best:
            running.close()
    best.rounds.clear()
    handler = stack.enter_context(peer_servers.toolkit(model.artifact, logs / "toolkit.log"))
    return [best, Server(handler.name, handler.predict_url, handler.parts, True, expected)]


def started_stacks(
    stack: ExitStack, model: Classifier, loaded: Sequence[int]
) -> tuple[dict[str, Server], dict[str, Sequence[int]]]:
    """A stack a precision that this machine has, and its answers to all test images."""
    servers: dict[str, Server] = {}
    answers: dict[str, Sequence[int]] = {}
    for precision in TIMES_LITSERVE:
        if precision == "bf16" and not machine.has_bf16():
            continue
        running = stack.enter_context(running_stack(model.artifact, precision))
        asked = Load(running.predict_url, [str(path) for path in model.images], COMPARED_CLIENTS, rounds=1)
        outcome = load.run(asked)
        if outcome.errors:
            raise RuntimeError(f"{precision}: {outcome.errors} errors, such as {outcome.messages}")
        answers[precision] = [outcome.found[number] for number in range(len(model.images))]
        # Under load each image must get the answer that it got here: none may get another one's.
        expected = [answers[precision][number] for number in loaded]
        servers[precision] = Server(f"Sagehound {precision}", running.predict_url, running.parts, False, expected)
        print(f"{precision}: all {len(model.images)} test images asked, {outcome.per_second:.1f} images/s", flush=True)
    return servers, answers


def measure(server: Server, servers: Sequence[Server], asked: Load, *, keep: bool) -> Round:
    """One round, while the peers that are not asked are held still."""
    others = set().union(*(other.pids for other in servers if other is not server and other.held_still))
    with processes.stopped(others):
        before = {part.name: processes.cpu_seconds(part.pids) for part in server.parts}
        outcome = load.run(asked)
        spent = {part.name: processes.cpu_seconds(part.pids) - before[part.name] for part in server.parts}
        found = Round(outcome, spent, processes.memory(server.pids))
    if keep:
        server.rounds.setdefault(asked.clients, []).append(found)
        for message in outcome.messages:
            print(f"{server.name}, {asked.clients} clients: {message}", flush=True)
    return found


def show(servers: Sequence[Server]) -> None:
    """The table, where our processor time goes, and what the clients cost."""
    head = ["server", "clients", "images/s", "p50 ms", "p95 ms", "p99 ms", "errors", "CPU ms/image", "PSS MB", "RSS MB"]
    rows = [
        [
            server.name,
            str(clients),
            f"{server.images_per_second(clients):.1f}",
            *(f"{server.latency_ms(clients, percent):.0f}" for percent in (50, 95, 99)),
            str(sum(found.outcome.errors for found in server.rounds[clients])),
            f"{median(found.cpu_per_image for found in server.rounds[clients]):.1f}",
            f"{max(found.memory.pss for found in server.rounds[clients]) / MEGABYTE:.0f}",
            f"{max(found.memory.rss for found in server.rounds[clients]) / MEGABYTE:.0f}",
        ]
        for server in servers
        for clients in sorted(server.rounds)
    ]
    print("", table(head, rows), "", sep="\n")
    for server in servers:
        at_eight = server.rounds[COMPARED_CLIENTS]
        images = sum(len(found.outcome.latencies) for found in at_eight)
        parts = {part.name: sum(found.cpu_seconds[part.name] for found in at_eight) for part in server.parts}
        clients = sum(found.outcome.cpu_seconds for found in at_eight)
        shown = ", ".join(f"{name} {1000 * seconds / images:.2f}" for name, seconds in parts.items())
        print(f"{server.name}: CPU ms an image: {shown}; the clients {1000 * clients / images:.2f}")
    print()


def bars(
    model: Classifier, ours: Mapping[str, Server], litserve: Server, answers: Mapping[str, Sequence[int]]
) -> Iterator[Bar | Unmeasured]:
    """What is asked of the figures."""
    peer = litserve.images_per_second(COMPARED_CLIENTS)
    peer_p50 = litserve.latency_ms(COMPARED_CLIENTS, 50)
    for precision, times in TIMES_LITSERVE.items():
        name = f"{precision}-times-litserve"
        if precision not in ours:
            yield Unmeasured(name, NO_BF16, times)
            continue
        server = ours[precision]
        yield Bar(name, server.images_per_second(COMPARED_CLIENTS) / peer, times)
        p99 = server.latency_ms(COMPARED_CLIENTS, 99)
        yield Bar(f"{precision}-p99-8-clients-times-litserve-p50", p99 / peer_p50, 1, wanted="at most")
        agreement = share_equal(answers[precision], model.torch_answers)
        yield Bar(f"{precision}-top1-agreement", agreement, AGREEMENT)
        lost = model.accuracy(model.torch_answers) - model.accuracy(answers[precision])
        yield Bar(f"{precision}-accuracy-loss", lost, model.tolerance_points, "points", "at most")
    for clients in sorted(ROUNDS):
        errors = sum(found.outcome.errors for server in ours.values() for found in server.rounds[clients])
        yield Bar(f"errors-{clients}-clients", errors, 0, wanted="at most")


if __name__ == "__main__":
    sys.exit(main())
