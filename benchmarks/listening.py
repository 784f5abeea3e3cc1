"""When a server that was started listens."""

import socket
import subprocess
import time
from pathlib import Path

START_SECONDS = 60.0


def wait_until_it_listens(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    """Raises RuntimeError with its `log` when the server ends instead, or takes a minute."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{process.args!r} does not start:\n{log.read_text()}") from None
            time.sleep(0.1)
        else:
            return
