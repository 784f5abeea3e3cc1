"""Logs of model servers: group /aws/sagemaker/Endpoints/ENDPOINT, stream VARIANT/INSTANCE, one file a stream.

They outlive the endpoint, as on AWS; whoever wants them gone deletes the files.
"""

import time
from pathlib import Path

from local_sagemaker.settings import Settings

GROUP_PREFIX = "/aws/sagemaker/Endpoints/"


def log_group(endpoint_name: str) -> str:
    """The endpoint's log group."""
    return GROUP_PREFIX + endpoint_name


def log_streams(settings: Settings, endpoint_name: str) -> dict[str, Path]:
    """Stream name -> file of lines `<epoch ms>\\t<line>\\n` (runtime/shim.py), for endpoints that are gone as well."""
    folder = _folder(settings, endpoint_name)
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.glob("*/i-*"))}


def log_file(settings: Settings, endpoint_name: str, stream: str) -> Path:
    """The file of a stream of an endpoint; it appears when the model server starts."""
    return _folder(settings, endpoint_name) / stream


def write_line(log: Path, line: str) -> None:
    """Add a line of local_sagemaker's own to a stream's file."""
    with log.open("ab", buffering=0) as file:
        file.write(f"{int(time.time() * 1000)}\t{line}\n".encode())


def _folder(settings: Settings, endpoint_name: str) -> Path:
    return settings.endpoints_dir / endpoint_name.lower() / "logs"
