"""A private view of the file system for one process tree: folders of this machine seen at the container's paths.

Where the kernel allows it (as root, or by a user namespace), a training script or a model server finds its own folder
at /opt/ml, its own /etc/hosts and its own host name, and nobody else sees any of it: nothing is made or left on the
real file system. Container runtimes often forbid it (Docker's default seccomp profile); `available` tells.

Standard library only, nothing imported but ctypes: the shim loads this file by its path and must start in milliseconds.
"""

import contextlib
import ctypes
import functools
import os
import stat
import subprocess
import sys
import tempfile

TYPE_CHECKING = False  # typing itself costs milliseconds
if TYPE_CHECKING:
    from collections.abc import Mapping

OPT_ML = "/opt/ml"

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWUSER = 0x10000000
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18

PROBE_SECONDS = 30.0


def available() -> str:
    """Why this machine cannot show a folder at /opt/ml to one process alone; empty when it can.

    Tried out in a process of its own.
    """
    with tempfile.TemporaryDirectory(prefix="local_sagemaker-") as folder:
        command = [sys.executable, "-I", "-S", os.path.abspath(__file__), folder]
        try:
            tried = subprocess.run(command, capture_output=True, text=True, timeout=PROBE_SECONDS, check=False)
        except (OSError, subprocess.SubprocessError) as error:
            return str(error)
        if tried.returncode:
            return (tried.stderr.strip().splitlines() or ["no reason was given"])[-1]
        seen = os.path.exists(os.path.join(folder, "seen"))
        return "" if seen else "what was written to /opt/ml did not reach the folder behind it"


class CannotMount(Exception):
    """LOCAL_SAGEMAKER_OPT_ML asks for what this machine forbids; the message says why."""


@functools.cache
def is_mounted(setting: str) -> bool:
    """Whether processes see their folders at /opt/ml, by LOCAL_SAGEMAKER_OPT_ML: auto, mounted or moved.

    Tried out once a process. Raises CannotMount.
    """
    if setting == "moved":
        return False
    reason = available()
    if reason and setting == "mounted":
        raise CannotMount(f"no folder can be mounted on /opt/ml for one process alone: {reason}")
    return not reason


def enter(mounts: "Mapping[str, str]", hostname: "str | None" = None) -> None:
    """Move the calling process, which must have one thread, into a view of its own.

    `mounts` are {path in the view: existing folder or file of this machine}, absolute. Raises OSError.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    flags = CLONE_NEWNS | (CLONE_NEWUTS if hostname else 0)
    try:
        _call(libc.unshare, flags)
    except PermissionError:
        _unshare_with_user(libc, flags)
    _mount(libc, "none", "/", MS_REC | MS_PRIVATE)
    for target, source in mounts.items():
        if not os.path.exists(target):
            _make_room(libc, target, directory=os.path.isdir(source))
        _mount(libc, source, target, MS_BIND | MS_REC)
    if hostname:
        name = hostname.encode()
        _call(libc.sethostname, name, len(name))


def _unshare_with_user(libc: ctypes.CDLL, flags: int) -> None:
    """The same without privileges: in a user namespace, where the process stays who it is."""
    uid, gid = os.geteuid(), os.getegid()
    _call(libc.unshare, flags | CLONE_NEWUSER)
    for name, content in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w", encoding="utf-8") as file:
            file.write(content)


def _make_room(libc: ctypes.CDLL, target: str, *, directory: bool) -> None:
    """Make `target` exist in this view alone: its nearest folder is covered by one in memory that shows the same."""
    folder, missing = _nearest(target)
    covered = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        permissions = stat.S_IMODE(os.fstat(covered).st_mode)
        entries = sorted(os.listdir(folder))
        _mount(libc, "tmpfs", folder, 0)
        os.chmod(folder, permissions)
        for entry in entries:
            _show(libc, f"/proc/self/fd/{covered}/{entry}", os.path.join(folder, entry))
    finally:
        os.close(covered)
    parent = os.path.join(folder, *missing[:-1])
    os.makedirs(parent, exist_ok=True)
    _make_mount_point(target, directory=directory)


def _nearest(target: str) -> tuple[str, list[str]]:
    """The nearest existing folder above `target`, and the names that are missing below it."""
    folder, missing = os.path.split(target)[0], [os.path.basename(target)]
    while not os.path.isdir(folder):
        missing.insert(0, os.path.basename(folder))
        folder = os.path.dirname(folder)
    if folder == "/":
        raise OSError(f"/{missing[0]} does not exist on this machine")
    return folder, missing


def _show(libc: ctypes.CDLL, original: str, place: str) -> None:
    """Make an entry of the covered folder seen again in its place."""
    mode = os.lstat(original).st_mode
    if stat.S_ISLNK(mode):
        os.symlink(os.readlink(original), place)
        return
    _make_mount_point(place, directory=stat.S_ISDIR(mode))
    _mount(libc, original, place, MS_BIND | MS_REC)


def _make_mount_point(place: str, *, directory: bool) -> None:
    if directory:
        os.mkdir(place)
    else:
        os.close(os.open(place, os.O_CREAT | os.O_WRONLY, 0o644))


def _mount(libc: ctypes.CDLL, source: str, target: str, flags: int) -> None:
    """mount(2); a `source` named tmpfs is one."""
    kind = b"tmpfs" if source == "tmpfs" else None
    try:
        _call(libc.mount, os.fsencode(source), os.fsencode(target), kind, ctypes.c_ulong(flags), None)
    except OSError as error:
        raise OSError(error.errno, f"{source} cannot be mounted there: {error.strerror}", target) from None


def _call(function: "ctypes._NamedFuncPointer", *arguments: object) -> None:
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), function.__name__)


def _probe(folder: str) -> int:
    """Try it out: a file written below /opt/ml must come to lie in `folder`."""
    try:
        enter({OPT_ML: folder}, "algo-1")
        with open(os.path.join(OPT_ML, "seen"), "x", encoding="utf-8"):
            pass
    except OSError as error:
        with contextlib.suppress(OSError):
            os.write(2, f"{error}\n".encode())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_probe(sys.argv[1]))
