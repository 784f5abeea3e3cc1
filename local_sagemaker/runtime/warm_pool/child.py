"""What a template forks: the shim of a command's folder, and from that one the process of its script.

The shim is the same code as that of every other command (shim.py), and so is what it does with mounts, host name, log,
records and signals. Standard library only.
"""

import os
import signal

TYPE_CHECKING = False  # typing itself costs milliseconds
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


class Forked(BaseException):
    """Raised in a fork that is to become the script, to leave the shim's code behind."""


class Child:
    """The forked script as the shim sees it: what it uses of subprocess.Popen."""

    def __init__(self, pid: int, output: int) -> None:
        self.pid = pid
        self.stdout = open(output, "rb", buffering=0)  # noqa: SIM115 - as long as the process lives
        self.returncode: int | None = None

    def wait(self) -> int:
        """Wait for the end; a negative code is the signal's number."""
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode


def supervise(shim: "ModuleType", folder: str) -> "dict[str, Any]":
    """Be the folder's shim to the end of its command. Returns, the command, only in the script's process."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.close(nothing)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    command: dict[str, Any] = {}

    def start(given: "dict[str, Any]") -> Child:
        command.update(given)
        return fork(given)

    try:
        shim.main(folder, start)
    except Forked:
        return command
    except BaseException:  # noqa: BLE001 - nobody would hear of it; the engine finds the command lost
        os._exit(1)
    os._exit(0)


def fork(command: "dict[str, Any]") -> Child:
    """Fork the script, once it stands in its place. Raises what subprocess.Popen raises, Forked in the fork."""
    if any("\0" in text for text in (*command["argv"], *command["env"], *command["env"].values())):
        raise ValueError("embedded null byte")
    output, out = os.pipe()
    problem, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(output)
            os.close(problem)
            stand(command["cwd"], out)
        except OSError as error:
            os.write(tell, f"{error.errno} {error.filename}".encode())
            os._exit(127)
        os.close(tell)
        raise Forked
    os.close(out)
    os.close(tell)
    with open(problem, "rb") as file:
        told = file.read().decode()
    child = Child(pid, output)
    if told:
        child.wait()
        number, _, name = told.partition(" ")
        raise OSError(int(number), os.strerror(int(number)), name)
    return child


def stand(folder: str, output: int) -> None:
    """Lead a session, write into `output`, take signals as a new process does, stand in `folder`. Raises OSError."""
    os.setsid()
    for signum in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(signum, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.chdir(folder)
