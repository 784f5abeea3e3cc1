"""The two processes of the stack, started detached and found again: `python -m demo.stack up | down | status`.

Their logs and pids lie in .state/stack. Ports and everything else are the processes' own settings
(SAGEHOUND_*, LOCAL_SAGEMAKER_*; docs/settings.md).
"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx

REPOSITORY_DIR = Path(__file__).resolve().parent.parent
STACK_DIR = Path(".state/stack")
START_TIMEOUT_SECONDS = 60.0
STOP_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class Member:
    """One process of the stack."""

    name: str
    module: str
    url: str
    health_path: str

    @property
    def pid_path(self) -> Path:
        """Where the pid and start time of the running process are kept."""
        return STACK_DIR / f"{self.name}.json"

    @property
    def log_path(self) -> Path:
        """Where its output goes."""
        return STACK_DIR / f"{self.name}.log"


LOCAL_SAGEMAKER = Member(
    "local_sagemaker",
    "local_sagemaker",
    f"http://127.0.0.1:{os.environ.get('LOCAL_SAGEMAKER_PORT', '4570')}",
    "/health",
)
SERVICE = Member("service", "service", f"http://127.0.0.1:{os.environ.get('SAGEHOUND_PORT', '8000')}", "/healthz")
MEMBERS = (LOCAL_SAGEMAKER, SERVICE)


class StackError(RuntimeError):
    """A process of the stack does not start or stop; the message says where to look."""


def aws_environment() -> dict[str, str]:
    """The variables that point any AWS client at local_sagemaker."""
    return {
        "AWS_ENDPOINT_URL": LOCAL_SAGEMAKER.url,
        "AWS_DEFAULT_REGION": os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }


def up() -> None:
    """Start what does not run yet and wait until both answer. Raises StackError with the log's end."""
    STACK_DIR.mkdir(parents=True, exist_ok=True)
    for member in MEMBERS:
        if running_pid(member) is None:
            start(member)
        wait_until_healthy(member)


def start(member: Member) -> None:
    """Start one process in a session of its own."""
    if answers(member):
        raise StackError(
            f"{member.url} is already answered by another process. Stop it, or choose another port with "
            "SAGEHOUND_PORT and LOCAL_SAGEMAKER_PORT."
        )
    with member.log_path.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", member.module],
            env={**os.environ, **aws_environment(), "PYTHONPATH": str(REPOSITORY_DIR)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    member.pid_path.write_text(json.dumps({"pid": process.pid, "start_time": start_time(process.pid)}))


def wait_until_healthy(member: Member) -> None:
    """Wait until the process answers its health check."""
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not answers(member):
        if running_pid(member) is None or time.monotonic() > deadline:
            tail = "\n".join(member.log_path.read_text(errors="replace").splitlines()[-8:])
            raise StackError(f"{member.name} does not answer at {member.url}. The end of {member.log_path}:\n{tail}")
        time.sleep(0.05)


def down() -> None:
    """Stop both, the service first. Jobs that run go on and are found again by the next `up`."""
    for member in reversed(MEMBERS):
        pid = running_pid(member)
        if pid is None:
            print(f"{member.name}: does not run")
            continue
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        while running_pid(member) is not None:
            if time.monotonic() > deadline:
                raise StackError(f"{member.name} (pid {pid}) does not stop; see {member.log_path}.")
            time.sleep(0.05)
        member.pid_path.unlink()
        print(f"{member.name}: stopped")


def status() -> None:
    """Print what runs."""
    for member in MEMBERS:
        pid = running_pid(member)
        print(f"{member.name}: {f'pid {pid} at {member.url}' if pid else 'does not run'}, log {member.log_path}")


def answers(member: Member) -> bool:
    """Whether the health check says 200."""
    try:
        return httpx.get(member.url + member.health_path, timeout=2.0, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def running_pid(member: Member) -> int | None:
    """The pid of the process that `up` started, when it still is that process."""
    try:
        record = json.loads(member.pid_path.read_text())
        alive = start_time(record["pid"]) == record["start_time"]
    except (FileNotFoundError, ProcessLookupError):
        return None
    return int(record["pid"]) if alive else None


def start_time(pid: int) -> int:
    """Clock ticks after boot at which the process began; raises FileNotFoundError when there is none (or a zombie)."""
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    if fields[0] == b"Z":
        raise ProcessLookupError(pid)
    return int(fields[19])


def main(arguments: list[str]) -> int:
    """The command line."""
    commands = {"up": up, "down": down, "status": status}
    if len(arguments) != 1 or arguments[0] not in commands:
        print("usage: python -m demo.stack up | down | status", file=sys.stderr)
        return 2
    try:
        commands[arguments[0]]()
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    if arguments[0] == "up":
        print(f"Swagger UI       {SERVICE.url}/docs")
        print(f"local_sagemaker  {LOCAL_SAGEMAKER.url}   (AWS_ENDPOINT_URL for boto3, the SDKs and the AWS CLI)")
        print(f"Logs             {STACK_DIR}/*.log;  stop with: make down")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
