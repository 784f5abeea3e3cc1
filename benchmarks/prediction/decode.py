"""How long inference/ takes from a JPEG's bytes to the network's input: `decode.py JPEG MODEL_JSON`, on one core.

A process of its own, whose path begins with inference/. Prints the median of some in milliseconds of processor time:
for so long it keeps a core busy, whatever else runs there.
"""

import os
import statistics
import sys
import time
from pathlib import Path

TIMES = 15


def main() -> None:
    """Measure; the first one, which imports Pillow's decoder, does not count."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    sys.path.insert(0, str(Path(__file__).parents[2] / "inference"))
    from artifact import read_description  # type: ignore[import-not-found]  # noqa: PLC0415 - found by the line above
    from images import decode  # type: ignore[import-not-found]  # noqa: PLC0415
    from tensors import tensor  # type: ignore[import-not-found]  # noqa: PLC0415

    body, description = Path(sys.argv[1]).read_bytes(), read_description(Path(sys.argv[2]))
    taken = []
    for _ in range(TIMES + 1):
        began = time.process_time()
        tensor(decode(body, "image/jpeg"), description)
        taken.append(time.process_time() - began)
    print(1000 * statistics.median(taken[1:]))


if __name__ == "__main__":
    main()
