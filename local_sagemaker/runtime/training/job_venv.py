"""A Python environment for one job: this one's packages, and a place of its own for what the job installs.

It is made of a few small files, in milliseconds. pip sees what is here as installed and never touches it; what a script
installs (its own `pip install`, the SDK's install_requirements.py) goes into the job's folder and ends with it.
"""

import sys
import sysconfig
from pathlib import Path

# Programs that scripts call by name; they must find what the job installed, so they cannot be this environment's own.
PROGRAMS = {"pip": "pip", "pip3": "pip", "torchrun": "torch.distributed.run"}


def make(folder: Path) -> None:
    """Make the environment, or do nothing when it is there already."""
    if (folder / "pyvenv.cfg").exists():
        return
    site_packages = folder / f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    programs = folder / "bin"
    for made in (site_packages, programs):
        made.mkdir(parents=True, exist_ok=True)
    base = Path(sys.executable).resolve()
    for name in ("python3", "python"):
        (programs / name).unlink(missing_ok=True)
        (programs / name).symlink_to(base)
    for name, module in PROGRAMS.items():
        (programs / name).write_text(f'#!/bin/sh\nexec "$(dirname "$0")/python3" -m {module} "$@"\n')
        (programs / name).chmod(0o755)
    below = sysconfig.get_path("purelib")
    (site_packages / "local_sagemaker.pth").write_text(f"import site; site.addsitedir({below!r})\n")
    # Last: with it the environment is complete.
    (folder / "pyvenv.cfg").write_text(
        f"home = {base.parent}\ninclude-system-site-packages = false\nversion = {sys.version.split()[0]}\n"
    )
