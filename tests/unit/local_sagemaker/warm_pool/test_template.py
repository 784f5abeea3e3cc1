"""The template: what it imports and what it leaves out, and that neither it nor a job outlives what it should."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local_sagemaker.runtime import process
from local_sagemaker.runtime.process import Exited, Running
from local_sagemaker.runtime.warm_pool.template_process import TemplateProcess
from tests.unit.local_sagemaker.warm_pool.pool_folder import SECONDS, end_of, job, log_of, pool
from tests.waiting import wait_for


def package(folder: Path, name: str, text: str) -> Path:
    """An installed package, in a folder that pip made for a job."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(text)
    return folder


def installed(tmp_path: Path, **packages: str) -> Path:
    """Packages of these texts, where a requirements.txt's are."""
    for name, text in packages.items():
        package(tmp_path / "site-packages", name, text)
    return tmp_path / "site-packages"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("import os; HPS = os.environ.get('SM_HPS')", "reads SM_HPS"),
        ("import os; NAME = os.environ['SM_JOB_NAME'] if 'SM_JOB_NAME' in os.environ else ''", "reads SM_JOB_NAME"),
        ("import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()", "starts threads"),
    ],
)
def test_a_package_that_no_fork_may_find_imported_is_left_to_the_script(tmp_path: Path, text: str, why: str) -> None:
    packages = installed(tmp_path, unfit=text, fit="import colorsys")
    script = "import sys; before = [n in sys.modules for n in ('unfit', 'fit')]; import unfit; print(before)"
    command = job(tmp_path / "job", script)
    with pool(tmp_path / "pool", command, "unfit", "fit", packages=packages) as template:
        assert template.ready, template.why
        assert list(template.left_out) == ["unfit"]
        assert why in template.left_out["unfit"]
        process.start(tmp_path / "job", command, template.run)
        assert end_of(tmp_path / "job").returncode == 0
    assert log_of(tmp_path / "job") == ["[False, True]"]


def test_a_package_that_cannot_be_imported_is_the_scripts_matter(tmp_path: Path) -> None:
    command = job(tmp_path / "job", "import broken")
    packages = installed(tmp_path, broken="1 / 0")
    with pool(tmp_path / "pool", command, "broken", "not_there", packages=packages) as template:
        process.start(tmp_path / "job", command, template.run)
        assert end_of(tmp_path / "job").returncode == 1
    assert log_of(tmp_path / "job")[-1] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "COLOUR"])
def test_scripts_that_set_what_an_import_reads_are_not_forked(tmp_path: Path, name: str) -> None:
    packages = installed(tmp_path, fit="import os; os.environ.get('COLOUR')")
    command = job(tmp_path / "job", "")
    with pool(tmp_path / "pool", command, "fit", sets=(name, "LR"), packages=packages) as template:
        assert not template.ready
        assert template.why == f"scripts set {name}, which is read at an import"
        assert not template.run(tmp_path / "job")


def test_a_killed_template_leaves_its_jobs_and_forks_no_more(tmp_path: Path) -> None:
    first, second = job(tmp_path / "first", "import time; time.sleep(60)"), job(tmp_path / "second", "print('fresh')")
    with pool(tmp_path / "pool", first, "json") as template:
        process.start(tmp_path / "first", first, template.run)
        state = running(tmp_path / "first")
        os.kill(template.pid, signal.SIGKILL)
        wait_for(lambda: not template.alive, "end of the template", SECONDS)
        process.start(tmp_path / "second", second, template.run)
        assert end_of(tmp_path / "second") == Exited(0, end_of(tmp_path / "second").ended_at)
        assert process.observe(tmp_path / "first") == state
    process.send_signal(state, signal.SIGTERM)
    assert end_of(tmp_path / "first").returncode == -signal.SIGTERM
    assert log_of(tmp_path / "second") == ["fresh"]


def running(folder: Path) -> Running:
    """The folder's command once it runs."""

    def look() -> Running | None:
        state = process.observe(folder)
        return state if isinstance(state, Running) and state.pid > 0 else None

    found: Running = wait_for(look, "running command", SECONDS)
    return found


ENGINE = """
import os, sys, time
from pathlib import Path
from local_sagemaker.runtime import process
from tests.unit.local_sagemaker.warm_pool.pool_folder import job, pool
place = Path(sys.argv[1])
command = job(place / "job", "import time; time.sleep(60)")
slow = place / "site-packages"
with pool(place / "pool", command, "json") as template:
    process.start(place / "job", command, template.run)
    print(template.pid, flush=True)
    time.sleep(60)
"""


def test_a_killed_engine_takes_the_template_along_and_no_job(tmp_path: Path) -> None:
    engine = subprocess.Popen([sys.executable, "-c", ENGINE, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert engine.stdout is not None
    with engine, engine.stdout:
        template = int(engine.stdout.readline())
        state = running(tmp_path / "job")
        engine.kill()
        wait_for(lambda: not Path(f"/proc/{template}").exists(), "end of the template", SECONDS)
        assert process.observe(tmp_path / "job") == state
        process.send_signal(state, signal.SIGKILL)
        assert end_of(tmp_path / "job").returncode == -signal.SIGKILL


def test_a_folder_runs_once_however_often_it_is_asked_for(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    command = job(tmp_path / "job", f"open({str(marks)!r}, 'a').write('x')")
    with pool(tmp_path / "pool", command) as template:
        for fork in (template.run, None, template.run):
            process.start(tmp_path / "job", command, fork)
        end_of(tmp_path / "job")
    assert marks.read_text() == "x"


def test_a_template_that_ends_while_it_imports_is_not_waited_for(tmp_path: Path) -> None:
    command = job(tmp_path / "job", "print('fresh')")
    packages = installed(tmp_path, fatal="import os; os._exit(3)")
    with pool(tmp_path / "pool", command, "fatal", packages=packages) as template:
        assert (template.ready, template.alive) == (False, False)
        process.start(tmp_path / "job", command, template.run)
        assert end_of(tmp_path / "job").returncode == 0


TORCH = """
import json, os, sys
before = "torch" in sys.modules
import torch
torch.set_num_threads(2)
torch.manual_seed(7)
network = torch.nn.Sequential(torch.nn.Linear(600, 600), torch.nn.ReLU(), torch.nn.Linear(600, 2))
for _ in range(3):
    loss = network(torch.randn(600, 600)).square().mean()
    loss.backward()
    for parameter in network.parameters():
        parameter.data -= 0.1 * parameter.grad
        parameter.grad = None
print(before, torch.get_num_threads(), loss.item(), len(os.listdir("/proc/self/task")) > 1)
"""


def test_torch_computes_with_several_threads_in_a_fork(tmp_path: Path) -> None:
    own, fork = job(tmp_path / "own", TORCH), job(tmp_path / "fork", TORCH)
    process.start(tmp_path / "own", own)
    assert end_of(tmp_path / "own").returncode == 0
    with pool(tmp_path / "pool", fork, "torch") as template:
        assert template.ready, template.why
        assert template.left_out == {}
        process.start(tmp_path / "fork", fork, template.run)
        assert end_of(tmp_path / "fork").returncode == 0
    [alone], [forked] = log_of(tmp_path / "own"), log_of(tmp_path / "fork")
    assert (alone.split()[0], forked.split()[0]) == ("False", "True")
    assert forked.split()[1:] == alone.split()[1:]


def test_the_output_of_imports_is_kept_and_never_a_jobs(tmp_path: Path) -> None:
    packages = installed(tmp_path, loud="print('x' * 100_000)")
    command = job(tmp_path / "job", "print('mine')")
    with pool(tmp_path / "pool", command, "loud", packages=packages) as template:
        assert template.ready
        template.look()
        assert "xxx" in (tmp_path / "pool/log").read_text()
        process.start(tmp_path / "job", command, template.run)
        end_of(tmp_path / "job")
    assert log_of(tmp_path / "job") == ["mine"]


def test_the_folder_goes_with_the_template(tmp_path: Path) -> None:
    with pool(tmp_path / "pool", job(tmp_path / "job", "")) as template:
        assert isinstance(template, TemplateProcess)
        assert (tmp_path / "pool").exists()
    assert not (tmp_path / "pool").exists()
