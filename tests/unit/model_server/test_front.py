"""The front over real workers: its routes, the queue's bound, deadlines, streams, batches, the log, the end."""

import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.unit.model_server.harness import REPOSITORY, ModelServer, serving
from tests.waiting import wait_for

BATCH = """
def model_fn(model_dir): return model_dir
def input_fn(body, content_type):
    if body == b"bad": raise ValueError("not this one")
    return bytes(body)
def predict_batch_fn(inputs, model):
    return [(data, len(inputs)) for data in inputs]
def output_fn(prediction, accept): return b"%b of %d" % prediction, "text/plain"
"""


@contextmanager
def busy(server: ModelServer, gate: Path) -> Iterator[None]:
    """The only worker runs a request for as long as the context lasts."""
    running = server.asking(b"wait " + str(gate).encode())
    wait_for(partial(waits_in_vain, server), "running request")
    try:
        yield
    finally:
        gate.touch()
    assert running.result(60).status == 200


def waits_in_vain(server: ModelServer) -> bool:
    """Whether a request does not get its turn."""
    reply = server.ask(b"", X_Model_Server_Timeout="0.01")
    return reply.headers.get("x-model-server-refusal") == "never-started"


def status_of_ping(port: int) -> int | None:
    """None where nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status
    except OSError:
        return None
    finally:
        connection.close()


def test_routes_and_errors_of_the_models_own(tmp_path: Path) -> None:
    with serving(tmp_path, SAGEMAKER_MODEL_SERVER_WORKERS="1") as server:
        assert server.request("GET", "/ping").status == 200
        assert server.request("GET", "/").status == 404
        assert server.ask(b"teapot").status == 418
        assert json.loads(server.ask(b"teapot").body) == {"code": "Teapot", "message": "short and stout"}
        assert json.loads(server.ask(b"exit").body) == {"code": "SystemExit", "message": "enough"}
        assert server.ask(b"large 5000000").body == b"x" * 5_000_000
        assert server.ask(b"x" * 5_000_000).status == 200
        assert server.ask(b"", X_Model_Server_Timeout="soon").status == 400
        assert (tmp_path / "ready.json").exists()
        assert json.loads((tmp_path / "ready.json").read_bytes())["pid"] == server.process.pid


def test_ping_is_503_until_the_model_is_loaded(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    code = "import os, time\nwhile not os.path.exists('gate'): time.sleep(0.005)\ndef model_fn(d): return d\n"
    with serving(tmp_path, "--port", str(port), code=code) as server:
        wait_for(lambda: status_of_ping(port) == 503, "ping of a model server that loads its model")
        (tmp_path / "gate").touch()
        assert server.port == port
        assert status_of_ping(port) == 200


def test_a_full_queue_refuses_with_retry_after_and_an_old_request_is_never_started(tmp_path: Path) -> None:
    limits = {"SAGEMAKER_MODEL_SERVER_WORKERS": "1", "MODEL_SERVER_QUEUE_SIZE": "2"}
    with serving(tmp_path, **limits) as server, busy(server, tmp_path / "gate"):
        never = server.ask(b"", X_Model_Server_Timeout="0.01")
        assert (never.status, never.headers["x-model-server-refusal"]) == (504, "never-started")
        assert b"0.01 seconds were over before the model had answered" in never.body
        asked = [server.asking(b"") for _ in range(6)]
        wait_for(lambda: sum(one.done() for one in asked) == 4, "refusals")
        refusals = [one.result() for one in asked if one.done()]
        assert {reply.status for reply in refusals} == {503}
        assert json.loads(refusals[0].body)["code"] == "QueueFull"
        assert refusals[0].headers["x-model-server-refusal"] == "queue-full"
        assert 1 <= int(refusals[0].headers["retry-after"]) <= 30
        (tmp_path / "gate").touch()
        assert sorted(one.result(60).status for one in asked) == [200, 200, 503, 503, 503, 503]


def test_bodies_that_wait_are_bounded(tmp_path: Path) -> None:
    limits = {"SAGEMAKER_MODEL_SERVER_WORKERS": "1", "MODEL_SERVER_QUEUE_MIB": "1"}
    with serving(tmp_path, **limits) as server:
        with busy(server, tmp_path / "gate"):
            refused = server.ask(b" " * 2**20)
            assert (refused.status, refused.headers["x-model-server-refusal"]) == (503, "queue-full")
        assert server.ask(b" " * 2**21).status == 200  # alone, it may be larger


def test_a_waiting_request_whose_client_leaves_is_not_run(tmp_path: Path) -> None:
    gate, mark = tmp_path / "gate", tmp_path / "mark"
    with serving(tmp_path, SAGEMAKER_MODEL_SERVER_WORKERS="1") as server:
        with busy(server, gate):
            body = b"mark " + str(mark).encode()
            request = b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
            with socket.create_connection(("127.0.0.1", server.port)) as client:
                client.sendall(request)
            wait_for(lambda: any(line["status"] == 499 for line in server.access_log()), "line of who has left")
        assert server.ask(b"").status == 200
        assert not mark.exists()


def test_parts_come_while_the_next_are_made_and_who_leaves_frees_the_worker(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with serving(tmp_path, SAGEMAKER_MODEL_SERVER_WORKERS="1") as server:
        with server.begin(b"parts " + str(gate).encode()) as response:
            assert response.read(6) == b"first "
            gate.touch()
            assert response.read() == b"second"
        never = tmp_path / "later"
        with server.begin(b"parts " + str(never).encode()) as response:
            assert response.read(6) == b"first "
        never.touch()
        assert server.ask(b"").status == 200


def test_requests_are_answered_in_batches_and_fail_alone(tmp_path: Path) -> None:
    variables = {"SAGEMAKER_TS_BATCH_SIZE": "3", "SAGEMAKER_TS_MAX_BATCH_DELAY": "60000"}
    with serving(tmp_path, code=BATCH, SAGEMAKER_MODEL_SERVER_WORKERS="1", **variables) as server:
        asked = [server.asking(body) for body in (b"a", b"bad", b"b")]  # nothing runs before the third is there
        assert [one.result(60).status for one in asked] == [200, 500, 200]
        assert [one.result().body for one in asked[::2]] == [b"a of 2", b"b of 2"]
        assert json.loads(asked[1].result().body) == {"code": "ValueError", "message": "not this one"}


def test_sigterm_lets_the_queue_finish(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with serving(tmp_path, SAGEMAKER_MODEL_SERVER_WORKERS="1") as server:
        running = server.asking(b"wait " + str(gate).encode())
        wait_for(partial(waits_in_vain, server), "running request")
        waiting = [server.asking(b"") for _ in range(5)]
        wait_for(lambda: sum(one.running() for one in waiting) == 5, "clients")
        wait_for(partial(waits_in_vain, server), "queue behind them")
        server.process.terminate()
        wait_for(lambda: status_of_ping(server.port) is None, "closed port")
        gate.touch()
        assert {one.result(60).status for one in [running, *waiting]} == {200}
        assert server.process.wait(60) == 0


def test_a_line_of_json_tells_of_each_invocation(tmp_path: Path) -> None:
    with serving(tmp_path, SAGEMAKER_MODEL_SERVER_WORKERS="1") as server:
        server.ask(b"sleep 0.01", X_Amzn_SageMaker_Inference_Id="mine")
        (line,) = wait_for(server.access_log, "access log")
        assert (line["inference_id"], line["status"], line["bytes"], line["worker"]) == ("mine", 200, 10, 0)
        assert line["model_ms"] >= 10
        assert line["queue_ms"] >= 0
        assert line["time"].endswith("+00:00")
    with serving(tmp_path / "quiet", MODEL_SERVER_ACCESS_LOG="0") as server:
        server.ask(b"")
        assert server.stop() == 0
        assert server.access_log() == []


def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with serving(tmp_path, "--port", str(port)) as server:
            assert server.process.wait(60) == 1
    assert f"cannot listen on 127.0.0.1:{port}: " in server.log


@pytest.mark.parametrize("value", ["none", "0", "-1"])
def test_a_number_of_workers_that_is_none_is_refused_at_the_start(tmp_path: Path, value: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "model_server", "--model-dir", str(tmp_path)],
        cwd=REPOSITORY,
        env={"SAGEMAKER_MODEL_SERVER_WORKERS": value},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == (f"SAGEMAKER_MODEL_SERVER_WORKERS is '{value}'; it takes a whole number of at least 1\n")
