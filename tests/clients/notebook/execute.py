"""Executes the notebook as `jupyter execute` does and leaves it, with its outputs, in executed.ipynb."""

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(Path(sys.argv[1]), as_version=4)
notebook.cells.insert(0, nbformat.v4.new_code_cell("import short_waits"))  # the one change for the tests: short polls
try:
    NotebookClient(notebook, timeout=480, kernel_name="python3").execute()
finally:
    nbformat.write(notebook, Path("executed.ipynb"))
