"""The process's log on standard output."""

import logging
import sys
from collections.abc import Callable
from typing import Literal

from service.observability import access_log
from service.observability.log_lines import JsonLines, TextLines
from service.observability.log_writer import LogWriter

Form = Literal["json", "text", "off"]


def start(form: Form, dropped: Callable[[int], None]) -> LogWriter:
    """Send everything that is logged in this process to standard output. Close the writer at the end.

    `off` leaves out the line a request; whatever else is to tell comes as JSON.
    """
    writer = LogWriter(sys.stdout.fileno(), TextLines() if form == "text" else JsonLines(), dropped)
    logging.root.handlers = [writer]
    logging.root.setLevel(logging.WARNING)
    for name in ("sagehound", "uvicorn"):
        logging.getLogger(name).setLevel(logging.INFO)
    logging.getLogger(access_log.LOGGER_NAME).disabled = form == "off"
    # No line says them, and looking them up for each costs more than the line.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    return writer
