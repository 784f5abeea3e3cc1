"""The requirement of the jobs' own: a wheel beside their source."""

import zipfile
from pathlib import Path

NAME = "fruit_salad-1.2-py3-none-any.whl"
INFO = "fruit_salad-1.2.dist-info"
FILES = {
    "fruit_salad.py": "NAMES = ['apple', 'pear']\n",
    f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: fruit-salad\nVersion: 1.2\n",
    f"{INFO}/WHEEL": "Wheel-Version: 1.0\nGenerator: hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    f"{INFO}/RECORD": "".join(
        f"{name},,\n" for name in ("fruit_salad.py", f"{INFO}/METADATA", f"{INFO}/WHEEL", f"{INFO}/RECORD")
    ),
}


def build(folder: str) -> None:
    """Write the wheel into a folder."""
    Path(folder).mkdir(exist_ok=True)
    with zipfile.ZipFile(Path(folder) / NAME, "w") as wheel:
        for name, text in FILES.items():
            wheel.writestr(name, text)
