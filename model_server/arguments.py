"""The command line: `python -P -m model_server --model-dir D --code-dir D/code ...`."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from model_server.serving import Serving

PORT = 8080  # SageMaker's


@dataclass(frozen=True)
class Arguments:
    """What to serve, where to listen (`port` 0: a free one), and for how long a request may run."""

    serving: Serving
    host: str
    port: int
    ready_file: Path | None
    timeout_seconds: float
    cpus: int | None


def parse(argv: Sequence[str]) -> Arguments:
    """The arguments; what is not acceptable ends the process with a message."""
    parser = argparse.ArgumentParser(prog="python -m model_server", description="Serve a model as SageMaker asks.")
    parser.add_argument("--model-dir", type=Path, default=Path("/opt/ml/model"), help="the unpacked model.tar.gz")
    parser.add_argument(
        "--code-dir", type=Path, help="the folder of inference.py; default: code/ in the model's folder"
    )
    parser.add_argument("--packages-dir", type=Path, help="what requirements.txt added, first on the path")
    parser.add_argument(
        "--program",
        default=os.environ.get("SAGEMAKER_PROGRAM") or None,
        help="default: SAGEMAKER_PROGRAM, inference.py",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=PORT, help="0 takes a free one")
    parser.add_argument("--ready-file", type=Path, help='{"pid", "port"}, written when the model is loaded')
    parser.add_argument("--timeout-seconds", type=_seconds, default=60.0, help="how long a request may take")
    parser.add_argument("--cpus", type=_whole, help="CPUs to use; default: OMP_NUM_THREADS, else all")
    given = parser.parse_args(argv)
    model_dir: Path = given.model_dir
    serving = Serving(model_dir, given.code_dir or model_dir / "code", given.packages_dir, given.program)
    return Arguments(serving, given.host, given.port, given.ready_file, given.timeout_seconds, given.cpus)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds above 0")
    return seconds


def _whole(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is no whole number of at least 1")
    return number
