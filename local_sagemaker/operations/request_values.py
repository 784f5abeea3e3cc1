"""Rules that values of several requests' members keep."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from local_sagemaker.errors import ValidationException
from local_sagemaker.operations.unsupported import refuse

OPT_ML = "/opt/ml/"


def check_uri(uri: str, where: str) -> None:
    """An S3 URI, or file:// for what lies on this machine."""
    if not uri.startswith(("s3://", "file:///")) or uri in {"s3://", "file:///"}:
        raise ValidationException(f"{where} {uri!r} is not a valid S3 URI: it must be like s3://bucket/prefix.")


def refuse_twice(what: str, names: Iterable[str]) -> None:
    """Raise ValidationException for the first name that comes twice."""
    for name, count in Counter(names).items():
        if count > 1:
            raise ValidationException(f"Duplicate {what} name {name!r}: names must be unique.")


def check_local_path(config: Mapping[str, Any], where: str) -> None:
    """LocalPath, when it is given: a path of the container that is the job's own folder here."""
    path = config.get("LocalPath")
    if path and (not path.startswith(OPT_ML) or ".." in path.split("/")):
        refuse(f"{where}.LocalPath {path}", f"use a path below {OPT_ML}, which is the job's own folder")
