"""Real workers: killed, poisoned, hung, not able to load; and what becomes of the requests."""

import http.client
import json
import os
import signal
from collections import Counter
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import pytest

from tests.unit.model_server.harness import MODEL, REPOSITORY, Reply, serving
from tests.waiting import wait_for


def test_a_worker_a_cpu_shares_the_work_evenly(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        wait_for(lambda: server.port and len(server.worker_pids()) == 2, "second worker")
        wait_for(lambda: len({server.ask(b"").body for _ in range(2)}) == 2, "answers of both workers")
        before = len(server.access_log())
        answers = Counter(one.result().body for one in [server.asking(b"sleep 0.005") for _ in range(100)])
        assert set(answers) == {str(pid).encode() for pid in server.worker_pids()}
        assert max(answers.values()) <= 60
        lines = wait_for(lambda: len(found := server.access_log()) >= before + 100 and found, "access log")
        assert {line["worker"] for line in lines} == {0, 1}
        environment = server.ask(b"environment").body.decode()
        assert "'OMP_NUM_THREADS': '1'" in environment
        assert "PYTHONPATH" not in environment
        assert server.stop() == 0


def test_workers_killed_under_load_cost_no_request(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        wait_for(lambda: server.port and len(server.worker_pids()) == 2, "second worker")
        asked = [server.asking(b"sleep 0.02") for _ in range(100)]
        for answered in (20, 40):
            wait_for(partial(_answered, asked, answered), "answers")
            os.kill(server.worker_pids()[0], signal.SIGKILL)
        assert Counter(one.result(60).status for one in asked) == {200: 100}
        assert server.log.count("was ended by SIGKILL; another one is started") == 2
        assert server.process.poll() is None


def test_a_request_that_ends_every_worker_is_tried_twice_and_fails_alone(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    with serving(tmp_path) as server:
        poison = server.asking(b"die %b" % str(marks).encode())
        others = [server.asking(b"sleep 0.01") for _ in range(20)]
        reply = poison.result(60)
        assert (reply.status, json.loads(reply.body)["code"]) == (500, "WorkerEnded")
        assert b"was ended by SIGKILL before it answered" in reply.body
        assert marks.read_text() == "xx"
        assert {one.result(60).status for one in others} == {200}


def test_a_request_whose_worker_ends_once_is_answered_by_another(tmp_path: Path) -> None:
    with serving(tmp_path, SAGEMAKER_MODEL_SERVER_WORKERS="1") as server:
        assert server.ask(b"once %b" % str(tmp_path / "mark").encode()).status == 200
        assert "worker 0 exited with code 7; another one is started" in server.log


def test_a_streamed_answer_that_has_begun_is_broken_off_when_its_worker_ends(tmp_path: Path) -> None:
    with serving(tmp_path, SAGEMAKER_MODEL_SERVER_WORKERS="1") as server, server.begin(b"parts /never") as response:
        assert response.read(6) == b"first "
        os.kill(server.worker_pids()[0], signal.SIGKILL)
        with pytest.raises(http.client.IncompleteRead):
            response.read()
        assert server.ask(b"").status == 200


def test_a_hung_worker_is_killed_after_the_grace_and_the_queue_lives_on(tmp_path: Path) -> None:
    with serving(tmp_path, "--timeout-seconds", "0.5", SAGEMAKER_MODEL_SERVER_WORKERS="1") as server:
        hung = server.asking(b"wait /never")
        wait_for(lambda: server.port and server.worker_pids(), "worker")
        waiting = server.asking(b"", X_Model_Server_Timeout="60")
        reply = hung.result(60)
        assert (reply.status, reply.headers["x-model-server-refusal"]) == (504, "timeout")
        assert b"the model did not answer within 0.5 seconds" in reply.body
        assert waiting.result(60).status == 200
        wait_for(lambda: "still runs 0.5 seconds after its time: worker 0 is replaced" in server.log, "replacement")
        assert server.ask(b"").status == 200


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("raise ValueError('these weights do not fit')", "ValueError: these weights do not fit"),
        ("import sys; sys.exit('enough')", "SystemExit: enough"),
        ("import os; os._exit(3)", "the worker exited with code 3 while it loaded the model"),
        ("import os; os.kill(os.getpid(), 9)", "the worker was ended by SIGKILL while it loaded the model"),
    ],
)
def test_a_model_that_cannot_be_loaded_ends_the_server_with_its_last_words(
    tmp_path: Path, code: str, words: str
) -> None:
    with serving(tmp_path, code=code) as server:
        assert server.process.wait(60) == 1
        assert server.log.rstrip().endswith(words)
        assert not (tmp_path / "ready.json").exists()


def test_five_failed_loads_without_a_living_worker_end_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = "from pathlib import Path\nif Path('broken').exists(): raise ValueError('broken now')\n"
    (tmp_path / "sitecustomize.py").write_text("import model_server.pauses as p; p.MAX_PAUSE_SECONDS = 0.01\n")
    path = f"{tmp_path}:{REPOSITORY}"
    with serving(tmp_path, code=broken + MODEL, SAGEMAKER_MODEL_SERVER_WORKERS="1", PYTHONPATH=path) as server:
        assert server.port
        (tmp_path / "broken").touch()
        os.kill(server.worker_pids()[0], signal.SIGKILL)
        waiting = server.asking(b"")
        assert server.process.wait(60) == 1
        assert server.log.count("ValueError: broken now") == 5
        reply = waiting.result(60)
        assert (reply.status, reply.headers["x-model-server-refusal"]) == (503, "no-worker")


def test_workers_end_with_the_front_whatever_ends_it(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        wait_for(lambda: server.port and len(server.worker_pids()) == 2, "second worker")
        pids = server.worker_pids()
        server.asking(b"wait /never")
        wait_for(lambda: server.ask(b"").status == 200, "answer")
        server.process.kill()
        wait_for(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() for pid in pids), "end of the workers")


def _answered(asked: list[Future[Reply]], least: int) -> bool:
    return sum(one.done() for one in asked) >= least
