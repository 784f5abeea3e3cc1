"""inference/ as SageMaker sees it: its files are top-level modules. Loaded apart from training/'s."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).resolve().parents[3] / "inference"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py"))


def load() -> dict[str, ModuleType]:
    """Each module by name, imported from inference/ and then taken out of sys.modules and sys.path again."""
    others = {name: sys.modules.pop(name) for name in NAMES if name in sys.modules}
    sys.path.insert(0, str(FOLDER))
    try:
        return {name: importlib.import_module(name) for name in NAMES}
    finally:
        sys.path.remove(str(FOLDER))
        for name in NAMES:
            sys.modules.pop(name, None)
        sys.modules.update(others)
