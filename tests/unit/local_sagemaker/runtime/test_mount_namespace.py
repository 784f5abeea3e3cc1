"""A private view of /opt/ml, as root and without privileges; nothing of it is seen outside."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from local_sagemaker.runtime import mount_namespace
from tests.local_server import REPOSITORY

PRIVATE = mount_namespace.available()
pytestmark = pytest.mark.skipif(bool(PRIVATE), reason=f"mount namespaces are forbidden here: {PRIVATE}")

LOOK = """
import ctypes, json, os, sys
sys.path.insert(0, {repository!r})
from local_sagemaker.runtime import mount_namespace
if {user}:
    os.setgroups([]), os.setgid({user}), os.setuid({user})
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE, as after exec: /proc/self is its own again
mount_namespace.enter({mounts!r}, "algo-7")
with open("/opt/ml/model/written", "w") as file:
    file.write("w")
opt = {{name: os.readlink("/opt/" + name) if os.path.islink("/opt/" + name) else None for name in os.listdir("/opt")}}
print(json.dumps({{
    "opt": opt, "ml": os.listdir("/opt/ml"), "hosts": open("/etc/hosts").read(), "hostname": os.uname().nodename,
    "user": os.getuid(), "new": open("/opt/new/deep").read(),
}}))
"""


def look(tmp_path: Path, user: int) -> dict[str, object]:
    """What a process sees that has entered a view; run as `user` where that is not 0."""
    ml, file = tmp_path / "ml", tmp_path / "file"
    (ml / "model").mkdir(parents=True)
    file.write_text("127.0.2.1 algo-7\n")
    for path in (ml, ml / "model", file):
        path.chmod(0o777)
    mounts = {"/opt/ml": str(ml), "/etc/hosts": str(file), "/opt/new/deep": str(file)}
    code = textwrap.dedent(LOOK).format(repository=str(REPOSITORY), user=user, mounts=mounts)
    before, hostname = sorted(os.listdir("/opt")), os.uname().nodename
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    assert sorted(os.listdir("/opt")) == before
    assert os.uname().nodename == hostname
    assert (ml / "model/written").read_text() == "w"
    seen: dict[str, object] = json.loads(ran.stdout)
    return seen


@pytest.mark.parametrize("user", [0, 65534])
def test_a_process_sees_its_own_folder_at_opt_ml(tmp_path: Path, user: int) -> None:
    if user and os.getuid() != 0:
        pytest.skip("only root can become somebody else")
    if user:  # every folder on the way must let it pass
        for folder in [tmp_path, *tmp_path.parents][:-2]:
            folder.chmod(folder.stat().st_mode | 0o755)
    seen = look(tmp_path, user)
    assert seen["ml"] == ["model"]
    assert seen["hosts"] == seen["new"] == "127.0.2.1 algo-7\n"
    assert seen["hostname"] == "algo-7"
    assert seen["user"] == (user or os.getuid())
    expected = {
        name: os.readlink(f"/opt/{name}") if Path("/opt", name).is_symlink() else None for name in os.listdir("/opt")
    }
    assert seen["opt"] == {**expected, "ml": None, "new": None}


def test_what_cannot_be_mounted_says_so(tmp_path: Path) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(REPOSITORY)!r})\n"
        "from local_sagemaker.runtime import mount_namespace\n"
        f"mount_namespace.enter({{'/opt/ml': {str(tmp_path / 'missing')!r}}})\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert "missing cannot be mounted there: No such file or directory: '/opt/ml'" in ran.stderr


def test_the_setting_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    is_mounted = mount_namespace.is_mounted.__wrapped__
    assert not is_mounted("moved")
    assert is_mounted("auto")
    assert is_mounted("mounted")
    monkeypatch.setattr(mount_namespace, "available", lambda: "seccomp says no")
    assert not is_mounted("auto")
    with pytest.raises(mount_namespace.CannotMount, match="seccomp says no"):
        is_mounted("mounted")


def test_a_start_is_refused_where_the_setting_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    from local_sagemaker.__main__ import Refused, read_settings

    monkeypatch.setenv("LOCAL_SAGEMAKER_OPT_ML", "mounted")
    monkeypatch.setattr(mount_namespace, "available", lambda: "seccomp says no")
    mount_namespace.is_mounted.cache_clear()
    with pytest.raises(Refused, match=r"LOCAL_SAGEMAKER_OPT_ML: .*seccomp says no; set it to auto or moved"):
        read_settings()
    mount_namespace.is_mounted.cache_clear()
