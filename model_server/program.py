"""A model's own code: inference.py, or what SAGEMAKER_PROGRAM names."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


class BadHandler(Exception):
    """inference.py, or the model folder, does not keep to the contract."""


def import_program(code_dir: Path, program: str | None) -> ModuleType | None:
    """The module `program` (default: inference.py, which may be missing) of the model's code folder.

    It may be in a folder of its own, from which it imports like from the code folder.
    """
    path = code_dir / (program or "inference.py")
    if not path.is_file():
        if program is None:
            return None
        raise BadHandler(f"SAGEMAKER_PROGRAM is {program}, and {code_dir.name}/ has no such file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise BadHandler(f"SAGEMAKER_PROGRAM is {program}, which is no Python file")
    if path.parent != code_dir:
        sys.path.insert(0, str(path.parent))
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # siblings may import it
    spec.loader.exec_module(module)
    return module
