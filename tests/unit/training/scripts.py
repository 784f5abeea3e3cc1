"""training/ as SageMaker sees it: its files are top-level modules. Loaded apart from inference/'s."""

import importlib
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[3] / "training"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))


class Scripts:
    """One attribute a module of training/, imported once and then taken out of sys.modules and sys.path again."""

    def __init__(self) -> None:
        others = {name: sys.modules.pop(name) for name in NAMES if name in sys.modules}
        sys.path.insert(0, str(FOLDER))
        try:
            self._modules = {name: importlib.import_module(name) for name in NAMES}
        finally:
            sys.path.remove(str(FOLDER))
            for name in NAMES:
                sys.modules.pop(name, None)
            sys.modules.update(others)

    def __getattr__(self, name: str) -> Any:
        try:
            return self._modules[name]
        except KeyError:
            raise AttributeError(name) from None
