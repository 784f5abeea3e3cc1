"""What a model's own code raised: the answer to the client, and the words in the log."""

import sys
import traceback
from pathlib import Path

from model_server.messages import Answer, problem

OWN_FOLDER = str(Path(__file__).parent)


def failure(error: BaseException) -> Answer:
    """The answer for what the model's code raised: its own `status_code` when that is 400 to 599, else 500."""
    status = getattr(error, "status_code", None)
    if not isinstance(status, int) or not 400 <= status <= 599:
        status = 500
    if status >= 500:
        print_traceback(error)
    else:
        print(f"{status} {type(error).__name__}: {error}", flush=True)  # noqa: T201 - the container's log
    return problem(status, type(error).__name__, str(error))


def print_traceback(error: BaseException) -> None:
    """The traceback from the model's own code on; all of it when none of that is there."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith((OWN_FOLDER, "<frozen importlib")):
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace or error.__traceback__, file=sys.stderr)
