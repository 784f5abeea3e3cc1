"""tar.gz archives: written the same way every time, unpacked without trusting them."""

import gzip
import lzma
import tarfile
import zlib
from pathlib import Path

CHUNK_BYTES = 1024 * 1024


class BadArchive(ValueError):
    """The archive cannot be read, or has a member that would leave its folder."""


def extract(archive: Path, folder: Path) -> None:
    """Unpack a tar or tar.gz into `folder` with tarfile's data filter.

    Raises BadArchive for a broken archive, links out of the folder, absolute paths and devices. A member with an
    empty name, as the SDKs' repacking writes for the root, is passed over.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tarfile.open(archive) as tar:
            # One after the other: a list of them first would have everything unpacked twice.
            tar.extractall(folder, members=(m for m in tar if m.name.strip("/.")), filter="data")
            while tar.fileobj is not None and tar.fileobj.read(CHUNK_BYTES):
                pass  # to the checksum behind the last member
    except (tarfile.TarError, EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise BadArchive(f"{archive.name} cannot be unpacked: {error}") from error


def pack(folder: Path, archive: Path) -> None:
    """Write the contents of `folder` as a tar.gz whose members are at the top level, by rename."""
    temporary = archive.with_name(archive.name + ".tmp")
    # Weights do not compress: level 1 costs a tenth of the default's time for the same size.
    with gzip.open(temporary, "wb", compresslevel=1) as zipped, tarfile.open(fileobj=zipped, mode="w") as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, arcname=path.name)
    temporary.rename(archive)
