"""Where objects are: s3:// and file:// URIs, and what can be wrong with them.

ObjectError
+-- ObjectNotFound          no such object, prefix or bucket
+-- BadObjectUri            the URI, or an object's name, cannot be used
+-- ObjectsUnreachable      the store did not answer within the patience
+-- ObjectAccessFailed      the store refused
"""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit


class ObjectError(Exception):
    """Base of what goes wrong with objects; the message names the URI."""


class ObjectNotFound(ObjectError):
    """No such object, prefix or bucket."""


class BadObjectUri(ObjectError):
    """The URI, or an object's name, cannot be used."""


class ObjectsUnreachable(ObjectError):
    """The store did not answer within the patience."""


class ObjectAccessFailed(ObjectError):
    """The store refused."""


@dataclass(frozen=True)
class Location:
    """A parsed URI: a bucket and a key, or (with bucket None) a path of this machine."""

    bucket: str | None
    key: str

    @classmethod
    def parse(cls, uri: str) -> "Location":
        """Parse s3://bucket/key or file:///path. Raises BadObjectUri."""
        try:
            parts = urlsplit(uri, allow_fragments=False)
        except ValueError as error:  # brackets that are no IPv6 address
            raise BadObjectUri(f"{uri!r} is not a URI: {error}") from error
        if parts.scheme == "s3" and parts.netloc:
            bucket, _, key = uri.removeprefix("s3://").partition("/")  # may hold ? and #, and is not URL-encoded
            return cls(bucket, key)
        if parts.scheme == "file" and parts.netloc in {"", "localhost"} and parts.path:
            return cls(None, unquote(parts.path))
        raise BadObjectUri(f"{uri!r} is neither an s3://bucket/key nor a file:///path URI")

    def uri(self, key: str) -> str:
        """The URI of another key in the same place."""
        return f"file://{key}" if self.bucket is None else f"s3://{self.bucket}/{key}"


def relative_name(key: str, prefix: str) -> str:
    """A key's name in a channel's folder: the prefix's folder is stripped."""
    if prefix.endswith("/") or key.startswith(prefix + "/"):
        return key[len(prefix.rstrip("/")) :].lstrip("/")
    return key[prefix.rfind("/") + 1 :]
