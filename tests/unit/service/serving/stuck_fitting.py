"""In the place of service.image_fitting: dies as if by the kernel, or never ends."""

import os
import signal
import sys

if __name__ == "__main__":
    if sys.stdin.buffer.read() == b"die":
        os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()
