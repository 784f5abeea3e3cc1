"""Settings of the model server, from its environment. docs/settings.md describes them."""

from collections.abc import Mapping
from dataclasses import dataclass

MIB = 2**20


class BadSetting(Exception):
    """A variable has a value that is not acceptable; the message names both."""


@dataclass(frozen=True)
class Settings:
    """`workers` is None where the CPUs decide; `queue_bytes` bounds the bodies that are held; the rest is by unit."""

    workers: int | None
    queue_size: int
    queue_bytes: int
    batch_size: int
    batch_delay_seconds: float
    access_log: bool


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings. Raises BadSetting."""
    workers = environment.get("SAGEMAKER_MODEL_SERVER_WORKERS")
    return Settings(
        workers=None if not workers else _whole(environment, "SAGEMAKER_MODEL_SERVER_WORKERS", 1),
        queue_size=_whole(environment, "MODEL_SERVER_QUEUE_SIZE", 512),
        queue_bytes=_whole(environment, "MODEL_SERVER_QUEUE_MIB", 256) * MIB,
        batch_size=_whole(environment, "SAGEMAKER_TS_BATCH_SIZE", 1),
        batch_delay_seconds=_whole(environment, "SAGEMAKER_TS_MAX_BATCH_DELAY", 0, least=0) / 1000,
        access_log=_whole(environment, "MODEL_SERVER_ACCESS_LOG", 1, least=0) != 0,
    )


def _whole(environment: Mapping[str, str], name: str, default: int, least: int = 1) -> int:
    text = environment.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and int(text) >= least):
        raise BadSetting(f"{name} is {text!r}; it takes a whole number of at least {least}")
    return int(text)
