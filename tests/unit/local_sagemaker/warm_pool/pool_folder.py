"""Folders of commands, and templates, for tests: scripts that run in a process of their own or in a fork."""

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_sagemaker.runtime import process
from local_sagemaker.runtime.process import Command, Exited
from local_sagemaker.runtime.training import job_venv
from local_sagemaker.runtime.warm_pool.imports import Imports
from local_sagemaker.runtime.warm_pool.kind import kind_of
from local_sagemaker.runtime.warm_pool.template_process import TemplateProcess
from tests.waiting import wait_for

SECONDS = 60.0
OPT_ML = "/opt/ml"


def job(folder: Path, script: str, *arguments: str, mounted: bool = False, **more: str) -> Command:
    """A job's folder with its script, `more` files beside it, and the command that runs it."""
    code, venv = folder / "ml/code", folder / "venv"
    code.mkdir(parents=True)
    for name, text in {"train": script, **more}.items():
        (code / f"{name}.py").write_text(text)
    job_venv.make(venv)
    seen = f"{OPT_ML}/code" if mounted else str(code)
    env = {
        "PATH": f"{venv}/bin:{os.environ['PATH']}",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "PYTHONPATH": seen,
        "PYTHONUNBUFFERED": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONIOENCODING": "UTF-8",
        "PYTHONHASHSEED": "0",
        "OMP_NUM_THREADS": "2",
        "OPENBLAS_NUM_THREADS": "2",
        "SM_JOB_NAME": folder.name,
    }
    mounts = {OPT_ML: folder / "ml"} if mounted else None
    argv = [str(venv / "bin/python3"), "train.py", *arguments]
    return Command(argv, seen, env, mounts, "algo-1" if mounted else None)


@contextmanager
def pool(
    folder: Path, like: Command, *modules: str, sets: tuple[str, ...] = (), packages: Path | None = None
) -> Iterator[TemplateProcess]:
    """A template for commands like one, once it has imported the modules or has said why not.

    `packages` is a folder of a requirements.txt's; the command is given it as well.
    """
    if packages is not None:
        like.env["PYTHONPATH"] += f":{packages}"  # type: ignore[index] # a dict here
    kind = kind_of(like, folder.parent / "job/ml/code", packages or folder / "none")
    template = TemplateProcess(folder, kind, Imports(modules, sets))
    try:
        wait_for(functools.partial(has_decided, template), "template", SECONDS)
        yield template
    finally:
        template.end()


def has_decided(template: TemplateProcess) -> bool:
    """Whether the template is ready, or will never be."""
    template.look()
    return template.ready or bool(template.why) or not template.alive


def end_of(folder: Path) -> Exited:
    """How the folder's command ended, once it has."""

    def look() -> Exited | None:
        state = process.observe(folder)
        return state if isinstance(state, Exited) else None

    ended: Exited = wait_for(look, "exit record", SECONDS)
    return ended


def log_of(folder: Path) -> list[str]:
    """The log without its time stamps."""
    return [line.split("\t", 1)[1] for line in (folder / "log").read_text().splitlines()]
