"""A script in a fork of a template finds what it finds in a process of its own, and ends as it does there."""

import json
import os
import signal
from pathlib import Path

import pytest

from local_sagemaker.runtime import mount_namespace, process
from local_sagemaker.runtime.process import Command, Running
from tests.unit.local_sagemaker.warm_pool.pool_folder import SECONDS, end_of, job, log_of, pool
from tests.waiting import wait_for

FACTS = Path(__file__).with_name("facts.py").read_text()
MODULES = ("json", "multiprocessing.spawn", "sysconfig", "numpy", "numpy.random", "locale", "socket")
MOUNTED = pytest.mark.skipif(bool(mount_namespace.available()), reason="no mount namespaces here")


@pytest.mark.parametrize("mounted", [False, pytest.param(True, marks=MOUNTED)])
def test_a_script_finds_what_it_finds_in_a_process_of_its_own(tmp_path: Path, mounted: bool) -> None:
    found = []
    for way in ("own", "fork"):
        place = tmp_path / "job"  # the same for both, as it is said in paths
        command = job(place, FACTS, "--lr", "0.1", "", "ü x", mounted=mounted)
        with pool(tmp_path / "pool", command, *MODULES) as template:
            assert template.ready, template.why
            process.start(place, command, template.run if way == "fork" else None)
            assert end_of(place).returncode == 0
        assert (place / "imports.json").exists() == (way == "fork")
        [line] = log_of(place)
        found.append(json.loads(line))
        place.rename(tmp_path / way)
    assert {name: found[1][name] for name in found[0]} == found[0]


ENDS = {
    "well": "print('done')",
    "exit": "import sys; sys.exit(3)",
    "exit with words": "import sys; sys.exit('no data')",
    "error": "def train():\n    raise ValueError('bad')\ntrain()",
    "chained": "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    raise RuntimeError('worse') from error",
    "syntax": "def train(:\n    pass",
    "interrupt": "raise KeyboardInterrupt",
    "signal": "import os, signal; print('now', flush=True); os.kill(os.getpid(), signal.SIGTERM)",
    "segfault": "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
    "at once": "import os; os._exit(9)",
    "spawn": "import multiprocessing, os\ndef there(): print(os.getcwd(), __name__, flush=True)\n"
    "if __name__ == '__main__':\n"
    "    for way in ('spawn', 'fork', 'forkserver'):\n"
    "        p = multiprocessing.get_context(way).Process(target=there); p.start(); p.join(); print(p.exitcode)",
    "at exit": "import atexit, threading, time\natexit.register(print, 'atexit')\n"
    "threading.Thread(target=lambda: (time.sleep(0.1), print('thread'))).start()\nprint('main')",
    "hook": "import sys\nsys.excepthook = lambda _, error, trace: print(error, trace.tb_frame.f_code.co_name)\n1 / 0",
    "import": "import not_there",
}


@pytest.mark.parametrize("name", list(ENDS))
def test_a_script_ends_as_in_a_process_of_its_own(tmp_path: Path, name: str) -> None:
    place, command = tmp_path / "job", job(tmp_path / "job", ENDS[name])
    process.start(place, command)
    own, log = end_of(place), log_of(place)
    place.rename(tmp_path / "own")
    again = job(place, ENDS[name])
    with pool(tmp_path / "pool", again, "json", "multiprocessing.context") as template:
        process.start(place, again, template.run)
        assert end_of(place).returncode == own.returncode
    assert log_of(place) == log


def test_a_signal_reaches_script_and_children_and_is_recorded(tmp_path: Path) -> None:
    script = "import subprocess, time; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); time.sleep(60)"
    place, command = tmp_path / "job", job(tmp_path / "job", script)
    with pool(tmp_path / "pool", command) as template:
        process.start(place, command, template.run)
        wait_for(lambda: (place / "log").exists() and log_of(place), "line", SECONDS)
        state = process.observe(place)
        assert isinstance(state, Running)
        process.send_signal(state, signal.SIGTERM)
        assert end_of(place).returncode == -signal.SIGTERM
    child = int(log_of(place)[0])
    wait_for(lambda: not Path(f"/proc/{child}").exists(), "end of the child", SECONDS)


def test_a_folder_that_is_not_there_is_an_exit_127(tmp_path: Path) -> None:
    command = job(tmp_path / "job", "")
    away = Command(command.argv, tmp_path / "away", command.env)
    with pool(tmp_path / "pool", command) as template:
        process.start(tmp_path / "job", away, template.run)
        assert end_of(tmp_path / "job").returncode == 127
    assert str(tmp_path / "away") in log_of(tmp_path / "job")[0]


def test_forks_draw_different_random_numbers(tmp_path: Path) -> None:
    script = "import random, numpy; print(random.random(), numpy.random.rand())"
    drawn = set()
    commands = [job(tmp_path / f"job-{number}", script) for number in range(2)]
    with pool(tmp_path / "pool", commands[0], "random", "numpy.random") as template:
        for number, command in enumerate(commands):
            process.start(tmp_path / f"job-{number}", command, template.run)
            end_of(tmp_path / f"job-{number}")
            drawn |= set(log_of(tmp_path / f"job-{number}")[0].split())
    assert len(drawn) == 4


def test_a_module_of_the_scripts_own_hides_an_imported_one(tmp_path: Path) -> None:
    place = tmp_path / "job"
    command = job(place, "import colorsys, os, sys; print(colorsys.whose, os.getppid() > 1)", colorsys="whose = 'mine'")
    with pool(tmp_path / "pool", command, "colorsys") as template:
        process.start(place, command, template.run)
        assert end_of(place).returncode == 0
    assert log_of(place) == ["mine True"]


@pytest.mark.parametrize("name", ["sitecustomize", "lib"])
def test_what_python_itself_imports_at_its_start_is_imported(tmp_path: Path, name: str) -> None:
    place = tmp_path / "job"
    command = job(place, "import colorsys, sys; print('sitecustomize' in sys.modules, colorsys.__file__)")
    folder = place / ("ml/code" if name == "sitecustomize" else "lib")
    folder.mkdir(exist_ok=True)
    (folder / ("sitecustomize.py" if name == "sitecustomize" else "colorsys.py")).write_text("")
    command.env["PYTHONPATH"] += f":{folder}"  # type: ignore[index] # a dict here
    with pool(tmp_path / "pool", command, "colorsys") as template:
        process.start(place, command, template.run)
        assert end_of(place).returncode == 0
    there, file = log_of(place)[0].split()
    assert there == str(name == "sitecustomize")
    assert file.startswith(str(folder)) == (name == "lib")


def test_what_was_imported_and_set_is_written_down(tmp_path: Path) -> None:
    script = (
        "import colorsys, helper, os, numpy.fft\nos.environ['OMP_NUM_THREADS'] = '1'\nos.environ.setdefault('LR', '1')"
    )
    place, command = tmp_path / "job", job(tmp_path / "job", script, helper="import chunk")
    with pool(tmp_path / "pool", command) as template:
        process.start(place, command, template.run)
        end_of(place)
    written = json.loads((place / "imports.json").read_text())
    assert {"colorsys", "numpy.fft", "chunk"} <= set(written["modules"])
    assert not {"helper", "__main__"} & set(written["modules"])
    assert written["sets"] == ["LR", "OMP_NUM_THREADS"]
    assert os.environ.get("LR") is None
