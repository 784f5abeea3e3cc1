"""Which image format some bytes are, told from their beginning. The sender's Content-Type is not believed:
curl's default for --data-binary is a form's, and a name that ends in .jpg proves nothing.
"""

SIGNATURE_BYTES = 32
# The sizes of the headers that a Windows or OS/2 bitmap goes on with, in their four bytes.
BITMAP_HEADERS = frozenset(size.to_bytes(4, "little") for size in (12, 16, 40, 52, 56, 64, 108, 124))


def content_type_of(head: bytes) -> str | None:
    """The media type of an image that begins with `head` (SIGNATURE_BYTES of it suffice); None for anything else."""
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[:2] == b"BM" and head[14:18] in BITMAP_HEADERS:  # "BM" alone begins many a text
        return "image/bmp"
    return None


def looks_like(head: bytes) -> str:
    """What the bytes seem to be, for the message to who sent them."""
    known = (
        (b"%PDF", "a PDF document"),
        (b"PK\x03\x04", "a zip archive or an office document"),
        (b"\x1f\x8b", "a gzip archive"),
        (b"\x93NUMPY", "a NumPy array"),
        (b"II*\0", "a TIFF image"),
        (b"MM\0*", "a TIFF image"),
        (b"data:", "a data: URL; send the bytes it stands for"),
        (b"/9j/", "a JPEG in base64; send the bytes themselves"),
        (b"iVBOR", "a PNG in base64; send the bytes themselves"),
        (b"\xef\xbf\xbd", "an image that was decoded as UTF-8 text on its way and is lost; send bytes, not text"),
    )
    for signature, name in known:
        if head.startswith(signature):
            return name
    if head[4:8] == b"ftyp":
        return "an AVIF or HEIC image, or a video"
    if all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in head):
        return f"text ({head.decode('ascii')!r}...)"
    return f"unknown data (first bytes {head[:8].hex(' ')})"
