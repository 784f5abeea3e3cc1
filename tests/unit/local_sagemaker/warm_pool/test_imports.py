"""What is learned of a code's imports, and which commands are of one kind."""

import ast
import json
import os
from pathlib import Path

import pytest

from local_sagemaker.engine.training.shared_imports import WORTH, is_outdated
from local_sagemaker.runtime.process import Command
from local_sagemaker.runtime.warm_pool import imports
from local_sagemaker.runtime.warm_pool.imports import Imports, LearnedImports
from local_sagemaker.runtime.warm_pool.kind import kind_of
from local_sagemaker.runtime.warm_pool.source_imports import foreseen, may_set_variables, told_apart


def ran(folder: Path, *modules: str, sets: tuple[str, ...] = ()) -> Path:
    """A command's folder, as it is after its script's end."""
    folder.mkdir(exist_ok=True)
    (folder / "imports.json").write_text(json.dumps({"modules": modules, "sets": sets}))
    return folder


def test_runs_add_to_what_is_known_of_their_code_alone(tmp_path: Path) -> None:
    learned = LearnedImports(tmp_path / "cache")
    assert learned.of("a") == Imports()
    learned.learn("a", ran(tmp_path / "job", "numpy", "torch", sets=("LR",)))
    learned.learn("a", ran(tmp_path / "job", "torch", "PIL", sets=("OMP_NUM_THREADS",)))
    learned.leave_out("a", {"smdebug": "reads SM_HPS when it is imported"})
    learned.learn("a", tmp_path / "killed")  # it wrote nothing
    assert learned.of("a") == Imports(
        ("numpy", "torch", "PIL"), ("LR", "OMP_NUM_THREADS"), {"smdebug": "reads SM_HPS when it is imported"}
    )
    assert learned.of("b") == Imports()
    (tmp_path / "cache/a.json").write_text("{")
    assert learned.of("a") == Imports()


def test_only_so_many_codes_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "MOST_CODES", 2)
    learned = LearnedImports(tmp_path / "cache")
    for number in range(4):
        learned.learn(str(number), ran(tmp_path / "job", "numpy"))
        os.utime(tmp_path / f"cache/{number}.json", (number, number))
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["2.json", "3.json"]


def test_a_template_is_replaced_when_much_is_new() -> None:
    few, many = ([f"m{number}" for number in range(count)] for count in (WORTH - 1, WORTH))
    assert not is_outdated(Imports(), Imports(tuple(few)))
    assert is_outdated(Imports(), Imports(tuple(many)))
    assert not is_outdated(Imports(tuple(many)), Imports(tuple(few)))
    unfit = Imports(tuple(f"smdebug.{name}" for name in many), left_out={"smdebug": "why"})
    assert not is_outdated(Imports(), unfit)
    assert is_outdated(Imports(), Imports(sets=("OMP_NUM_THREADS",)))


@pytest.mark.parametrize(
    ("name", "value", "same"),
    [
        ("SM_HP_LR", "0.2", True),
        ("TRAINING_JOB_NAME", "b", True),
        ("MASTER_PORT", "7", True),
        ("HOME", "/b", True),
        ("OMP_NUM_THREADS", "2", False),
        ("MY_SWITCH", "on", False),
        ("LD_PRELOAD", "x.so", False),
    ],
)
def test_commands_of_a_kind_differ_in_their_own_variables_alone(
    tmp_path: Path, name: str, value: str, same: bool
) -> None:
    (tmp_path / "train.py").write_text("pass")
    env = {"OMP_NUM_THREADS": "1", "SM_HP_LR": "0.1", "HOME": "/a"}
    one = kind_of(Command(["python3", "train.py", "--lr", "0.1"], tmp_path, env), tmp_path, tmp_path / "none")
    other = Command(["python3", "train.py", "--lr", "0.2"], tmp_path, {**env, name: value})
    assert (kind_of(other, tmp_path, tmp_path / "none").key == one.key) == same
    assert "SM_HP_LR" not in one.environment
    assert {"SM_HP_LR", "HOME"} <= set(one.own)


def test_other_code_other_packages_or_another_program_are_of_another_kind(tmp_path: Path) -> None:
    code, packages = tmp_path / "code", tmp_path / "packages"
    (code / "lib").mkdir(parents=True)
    (code / "train.py").write_text("pass")
    command = Command(["python3", "train.py"], code, {})
    keys = {
        kind_of(command, code, packages).key,
        kind_of(Command(["python3", "other.py"], code, {}), code, packages).key,
    }
    (code / "lib/net.py").write_text("pass")
    keys.add(kind_of(command, code, packages).key)
    (code / "data.csv").write_text("1")  # no code
    keys.add(kind_of(command, code, packages).key)
    packages.mkdir()
    keys.add(kind_of(command, code, packages).key)
    assert len(keys) == 4


def test_what_a_code_imports_at_its_start_is_foreseen(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    files = {
        "train.py": "import numpy as np, helper\nfrom lib.net import N\nfrom . import no\nfrom torch.nn import L\n"
        "def late():\n    import openvino\ntry:\n    import apex\nexcept ImportError:\n    pass\n",
        "helper.py": "import os, train\nimport PIL.Image\nos.environ['LR'] = str(1)\n",
        "lib/__init__.py": "import json",
        "lib/net.py": "import torch",
        "other.py": "import pandas",
        "data.py": "not python (",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    found = foreseen(tmp_path, "train.py")
    assert found.modules == ("numpy", "os", "PIL.Image", "json", "torch", "torch.nn")
    assert found.sets == ("LR",)


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("import torch\nlr = 0.1", "# better\nimport torch\nlr = 0.2", True),
        ("import torch", "import torch, numpy", False),
        ("import torch", "def train():\n    import torch", True),
        ("import os; os.environ['A'] = '1'", "import os; os.environ['A'] = '2'", False),
        ("import torch\n(", "import torch\n((", False),
    ],
)
def test_an_edit_that_imports_the_same_is_the_same_code(tmp_path: Path, before: str, after: str, same: bool) -> None:
    told = []
    for text in (before, after):
        (tmp_path / "train.py").write_text(text)
        told.append(told_apart(tmp_path))
    assert (told[0] == told[1]) == same


@pytest.mark.parametrize(
    ("text", "may"),
    [
        ("import os; x = os.environ['A'], os.environ.get('B'), 'C' in os.environ, {**os.environ}", False),
        ("import os; read(os.environ); subprocess.run([], env=os.environ); environment = 1", False),
        ("import os; os.environ['A'] = '1'", True),
        ("import os; del os.environ['A']", True),
        ("import os; os.environ.update(A='1')", True),
        ("from os import environ\nenviron.setdefault('A', '1')", True),
        ("import os; env = os.environ; env['A'] = '1'", True),
        ("import os; os.environ |= {'A': '1'}", True),
        ("import os; os.putenv('A', '1')", True),
    ],
)
def test_files_that_may_set_variables_are_known(text: str, may: bool) -> None:
    assert may_set_variables(ast.parse(text)) == may
