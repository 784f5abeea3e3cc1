"""An image on its way to S3: on disk or in memory, and known by its digest."""

from dataclasses import dataclass
from typing import IO


@dataclass(frozen=True)
class ReceivedImage:
    """The whole upload. `file` stands at its beginning, and whoever opened it closes it."""

    file: IO[bytes]
    sha256: str
    content_type: str
