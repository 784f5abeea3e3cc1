"""Model archives for tests."""

import gzip
import io
import json
import tarfile

CLASSES = [
    {"index": 0, "folder": "001.Affenpinscher", "breed": "Affenpinscher"},
    {"index": 1, "folder": "002.Afghan_hound", "breed": "Afghan hound"},
]
MEMBERS = {
    "model.json": b'{"format_version": 1}',
    "classes.json": json.dumps(CLASSES).encode(),
    "model.xml": b"<net/>",
    "model.bin": bytes(range(256)) * 40,
    "model.safetensors": bytes(range(256)) * 40,
}


def model_archive(
    members: dict[str, bytes] | None = None, *, extra: list[tarfile.TarInfo] | None = None, prefix: str = ""
) -> bytes:
    """A model.tar.gz; `extra` are members without content, `prefix` stands before each name."""
    buffer = io.BytesIO()
    with gzip.GzipFile("", "wb", 1, buffer, 0) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        for header in extra or []:
            tar.addfile(header)
        for name, content in (MEMBERS if members is None else members).items():
            header = tarfile.TarInfo(prefix + name)
            header.size = len(content)
            header.mtime = 1_700_000_000
            tar.addfile(header, io.BytesIO(content))
    return buffer.getvalue()


def unpacked(archive: bytes) -> dict[str, bytes]:
    """Names and contents of the archive's files, in their order."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        return {member.name: file.read() for member in tar if (file := tar.extractfile(member)) is not None}
