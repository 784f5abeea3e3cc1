"""`python -m local_sagemaker` as a real process."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.local_server import REPOSITORY, LocalServer, boto_client, running_server


def command(*arguments: str, **env: object) -> "subprocess.CompletedProcess[str]":
    """Run the command to its end; `env` are settings."""
    settings = {f"LOCAL_SAGEMAKER_{name.upper()}": str(value) for name, value in env.items()}
    return subprocess.run(
        [sys.executable, "-m", "local_sagemaker", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_serves_every_service_on_one_port_and_keeps_its_state(tmp_path: Path) -> None:
    with running_server(tmp_path / "state") as server:
        assert boto_client(server, "sts").get_caller_identity()["Account"] == "123456789012"
        assert boto_client(server, "sagemaker").list_training_jobs()["TrainingJobSummaries"] == []
        s3 = boto_client(server, "s3")
        s3.create_bucket(Bucket="kept")
        s3.put_object(Bucket="kept", Key="k", Body=b"1")
        server.kill()
        server.start()
        assert boto_client(server, "s3").get_object(Bucket="kept", Key="k")["Body"].read() == b"1"
        server.stop()
        server.start()
        assert boto_client(server, "s3").get_object(Bucket="kept", Key="k")["Body"].read() == b"1"
        assert server.stderr == ""


def test_an_upload_cut_off_by_a_kill_leaves_nothing(tmp_path: Path) -> None:
    staged = tmp_path / "buckets" / ".nanio" / "staged"
    with running_server(tmp_path) as server:
        boto_client(server, "s3").create_bucket(Bucket="half")
        with socket.create_connection(("127.0.0.1", server.port)) as upload:
            upload.sendall(b"PUT /half/key HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
            deadline = time.monotonic() + 20
            while not any(path.stat().st_size for path in staged.iterdir()):
                assert time.monotonic() < deadline, "the upload does not arrive"
                time.sleep(0.01)
            server.kill()
        server.start()
        assert boto_client(server, "s3").list_objects_v2(Bucket="half")["KeyCount"] == 0
        assert list(staged.iterdir()) == []


def test_a_second_server_on_the_same_state_is_refused(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        second = command(state_dir=tmp_path, port=0)
        assert second.returncode == 1
        assert f"process {server.pid}" in second.stderr
        assert str(tmp_path) in second.stderr
        assert "LOCAL_SAGEMAKER_STATE_DIR" in second.stderr


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = command(state_dir=tmp_path, port=port)
    assert ended.returncode == 1
    assert f"port {port}" in ended.stderr
    assert "LOCAL_SAGEMAKER_PORT" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_bad_settings_are_named() -> None:
    ended = command(port="many", account_id="me")
    assert ended.returncode == 1
    assert "LOCAL_SAGEMAKER_PORT" in ended.stderr
    assert "LOCAL_SAGEMAKER_ACCOUNT_ID" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_state_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = command(state_dir=tmp_path / "file" / "state", port=0)
    assert ended.returncode == 1
    assert str(tmp_path / "file" / "state") in ended.stderr
    assert "Traceback" not in ended.stderr


def test_help_lists_the_settings() -> None:
    ended = command("--help")
    assert ended.returncode == 0
    for name in (
        "LOCAL_SAGEMAKER_PORT (default 4570)",
        "LOCAL_SAGEMAKER_STATE_DIR",
        "LOCAL_SAGEMAKER_MAX_INVOCATION_BYTES",
    ):
        assert name in ended.stdout
    assert command("--port", "1").returncode == 2


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_well_with_idle_connections_open(tmp_path: Path, signum: signal.Signals) -> None:
    server = LocalServer(tmp_path)
    server.start()
    with socket.create_connection(("127.0.0.1", server.port)):
        os.kill(server.pid, signum)
        assert server._process is not None
        server._process.wait(15)
    server.stop()
