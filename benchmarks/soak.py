"""Ten minutes at 32 clients: whether the stack's memory grows, and whether every request is answered.

`python -m benchmarks.soak [--minutes 10]`. The first minute warms up; each part's memory (PSS of its processes, the
median of some looks) after that minute is held against its memory at the end.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from statistics import median

from benchmarks.bars import Bar, end
from benchmarks.prediction import classifier, load, machine, processes
from benchmarks.prediction.load import Load
from benchmarks.prediction.stack import Stack, running_stack

CLIENTS = 32
LOOKS, LOOK_SECONDS = 10, 1.0
GROWTH_PERCENT = 5


def main() -> int:
    """Run the load, look each minute, print the bars."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=int, default=10, help="of load in all, at least 2")
    minutes: int = max(2, parser.parse_args().minutes)
    machine.keep_to_two_cores()
    print(machine.describe(), flush=True)
    model = classifier.ready()
    with running_stack(model.artifact, "fp32") as stack:
        images = [str(path) for path in model.images]
        with load.start(Load(stack.predict_url, images, CLIENTS, seconds=60.0 * minutes + 5)) as process:
            seen = list(each_minute(stack, minutes))
            outcome = load.finished(process)
    print(f"{len(outcome.latencies)} answers, {outcome.per_second:.1f} images/s, {outcome.errors} failed")
    for message in outcome.messages:
        print(f"  {message}")
    grown = [
        Bar(f"{name}-growth", 100 * (seen[-1][name] / seen[0][name] - 1), GROWTH_PERCENT, "%", "at most")
        for name in seen[0]
    ]
    return end([*grown, Bar("failed-requests", outcome.errors, 0, wanted="at most")])


def each_minute(stack: Stack, minutes: int) -> Iterator[Mapping[str, float]]:
    """Megabytes of each part, as they were at the end of each minute."""
    began = time.monotonic()
    for minute in range(1, minutes + 1):
        time.sleep(max(0.0, began + 60 * minute - LOOKS * LOOK_SECONDS - time.monotonic()))
        looks: dict[str, list[float]] = {part.name: [] for part in stack.parts}
        for _ in range(LOOKS):
            for part in stack.parts:
                looks[part.name].append(processes.memory(part.pids).pss / 1e6)
            time.sleep(LOOK_SECONDS)
        found = {name: median(values) for name, values in looks.items()}
        print(f"minute {minute}: {', '.join(f'{name} {size:.1f} MB' for name, size in found.items())}", flush=True)
        yield found


if __name__ == "__main__":
    sys.exit(main())
