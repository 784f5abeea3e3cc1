"""The endpoint itself: how soon it answers, what it holds in memory, and what goes wrong when things go wrong.

`python -m benchmarks.endpoint`: start and memory of the model server alone, decoding a 12-megapixel photograph, then
the whole stack under load through /predict, while workers of the model are killed and while the endpoint is updated.
"""

import io
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median

from PIL import Image

from benchmarks.bars import Bar, end
from benchmarks.prediction import classifier, decode, load, machine, pictures, processes
from benchmarks.prediction.classifier import Classifier
from benchmarks.prediction.load import Load, Outcome
from benchmarks.prediction.model_server import ModelServer, model_folder, running_model_server
from benchmarks.prediction.stack import Stack, running_stack
from tests.waiting import wait_for

PRECISION = "fp32"
CLIENTS = 8
STARTS = 5
START_SECONDS = 1.5
MEMORY_SECONDS = 10.0
MEGABYTES = 250
PHOTO = (4000, 3000)
DECODE_MS = 60
KILLS = 3
SETTLE_SECONDS = 3.0  # of load before, between and after what is done to it
ANSWER_SECONDS = 30.0  # a request that waits longer hangs
MAX_LOAD_SECONDS = 300.0
IMAGES = 133


def main() -> int:
    """Measure it all, print the bars."""
    machine.keep_to_two_cores()
    print(machine.describe(), flush=True)
    model = classifier.ready()
    bars: list[Bar] = []
    with tempfile.TemporaryDirectory(prefix="endpoint-") as name:
        bars += started_and_loaded(model, Path(name))
        bars += decoded(model, Path(name))
    with running_stack(model.artifact, PRECISION, ("first", "second")) as stack:
        bars += killed(stack, model)
        bars += updated(stack, model)
    return end(bars)


def started_and_loaded(model: Classifier, folder: Path) -> Iterator[Bar]:
    """From the process's start to /ping, and the memory of all processes at 8 clients."""
    unpacked = model_folder(model.artifact, folder / "model")
    taken = []
    for _ in range(STARTS):
        with running_model_server(unpacked, PRECISION, machine.CORES) as server:
            taken.append(server.started_in)
    print(f"/ping answered {', '.join(f'{seconds:.2f}' for seconds in taken)} s after the start", flush=True)
    yield Bar("ping-after-start", median(taken), START_SECONDS, "s", "at most")
    with running_model_server(unpacked, PRECISION, machine.CORES) as server:
        yield Bar("memory-8-clients", highest_memory(server, model) / 1e6, MEGABYTES, "MB", "at most")


def highest_memory(server: ModelServer, model: Classifier) -> int:
    """Bytes (PSS) of the model server's processes under load, the highest of a look each half second.

    Warmed up: a worker that still loads the model holds it twice.
    """
    seen: list[processes.Memory] = []
    with loading(f"{server.url}/invocations", model, seconds=SETTLE_SECONDS) as process:
        must_be_right(load.finished(process))
    with loading(f"{server.url}/invocations", model, seconds=MEMORY_SECONDS) as process:
        while process.poll() is None:
            seen.append(processes.memory(processes.trees([server.pid])))
            time.sleep(0.5)
        must_be_right(load.finished(process))
    highest = max(seen, key=lambda memory: memory.pss)
    count = len(processes.trees([server.pid]))
    print(f"{count} processes at {CLIENTS} clients: PSS {highest.pss / 1e6:.0f} MB, RSS {highest.rss / 1e6:.0f} MB")
    return highest.pss


def decoded(model: Classifier, folder: Path) -> Iterator[Bar]:
    """A 12-megapixel JPEG to the network's input, on one core."""
    small = pictures.photograph(pictures.kinds()[0], random.Random("a photograph"))
    large = small.resize(PHOTO, Image.Resampling.BICUBIC)
    grain = Image.effect_noise(PHOTO, 40).convert("RGB")  # a sensor's, and the size of a phone's file
    stream = io.BytesIO()
    Image.blend(large, grain, 0.15).save(stream, "JPEG", quality=90)
    path = folder / "photo.jpg"
    path.write_bytes(stream.getvalue())
    print(f"{PHOTO[0]}x{PHOTO[1]} JPEG of {path.stat().st_size / 1e6:.1f} MB")
    command: list[str | Path] = [sys.executable, decode.__file__, path, model.artifact / "model.json"]
    milliseconds = float(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    yield Bar("decode-12-megapixels", milliseconds, DECODE_MS, "ms", "at most")


def killed(stack: Stack, model: Classifier) -> Iterator[Bar]:
    """Workers end by SIGKILL while they compute; each had one request."""
    killed_workers: list[int] = []
    with loading(stack.predict_url, model, seconds=MAX_LOAD_SECONDS) as process:
        for _ in range(KILLS):
            time.sleep(SETTLE_SECONDS)
            before = wait_for(lambda: workers(stack), "a worker of the model")
            killed_workers.append(min(before))
            os.kill(killed_workers[-1], signal.SIGKILL)
            wait_for(partial(new_workers, stack, before), "a worker in its place")
        time.sleep(SETTLE_SECONDS)
        outcome = stopped(process)
    told("workers killed", outcome)
    yield Bar("worker-killed-hung-requests", outcome.hung, 0, wanted="at most")
    yield Bar("worker-killed-failed-requests", outcome.errors, len(killed_workers), wanted="at most")


def updated(stack: Stack, model: Classifier) -> Iterator[Bar]:
    """PUT /endpoints/dog-breeds with another version."""
    with loading(stack.predict_url, model, seconds=MAX_LOAD_SECONDS) as process:
        time.sleep(SETTLE_SECONDS)
        began = time.monotonic()
        stack.put("second", PRECISION)
        endpoint = stack.wait_until_settled()
        print(f"updated in {time.monotonic() - began:.1f} s", flush=True)
        time.sleep(SETTLE_SECONDS)
        outcome = stopped(process)
    if "/second/" not in endpoint["model_data"]:
        raise RuntimeError(f"the endpoint was not updated: {endpoint}")
    told("endpoint updated", outcome)
    yield Bar("endpoint-updated-failed-requests", outcome.errors, 0, wanted="at most")


def workers(stack: Stack) -> set[int]:
    """Processes that hold a model: leaves of the model server's tree."""
    return {pid for pid in processes.trees(processes.model_servers(stack.state_dir)) if is_worker(pid)}


def new_workers(stack: Stack, before: set[int]) -> set[int]:
    """Those that were not there before."""
    return workers(stack) - before


def is_worker(pid: int) -> bool:
    """By its command line."""
    try:
        return b"model_server.worker" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False


@contextmanager
def loading(url: str, model: Classifier, seconds: float) -> Iterator["subprocess.Popen[bytes]"]:
    """A load of 8 clients that runs meanwhile."""
    asked = Load(url, [str(path) for path in spread(model.images)], CLIENTS, seconds, timeout_seconds=ANSWER_SECONDS)
    with load.start(asked) as process:
        try:
            yield process
        finally:
            process.kill()


def spread(images: Sequence[Path]) -> Collection[Path]:
    """Some of the images, of all classes."""
    return images[:: max(1, len(images) // IMAGES)]


def stopped(process: "subprocess.Popen[bytes]") -> Outcome:
    """End a load before its time."""
    process.send_signal(signal.SIGTERM)
    return load.finished(process)


def must_be_right(outcome: Outcome) -> None:
    """Raise RuntimeError for a failed request."""
    if outcome.errors:
        raise RuntimeError(f"{outcome.errors} requests failed, such as {outcome.messages}")


def told(what: str, outcome: Outcome) -> None:
    """Print what the clients saw."""
    slowest = max(outcome.latencies, default=0.0)
    print(f"{what}: {len(outcome.latencies)} answers, slowest {slowest:.2f} s, {outcome.errors} failed", flush=True)
    for message in outcome.messages:
        print(f"  {message}")


if __name__ == "__main__":
    sys.exit(main())
