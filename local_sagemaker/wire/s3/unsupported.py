"""What of S3 is not here, as a pure decision over a request's head.

nanio passes over what it does not know: it takes `PUT key?tagging` for the object itself and `DELETE bucket?policy` for
the bucket. So everything that is not known to work is refused with 501 NotImplemented.
"""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet

from nanio.errors import AccessDenied, NotImplemented_, S3Error

# Query parameters that mean something here, by HTTP method.
_BUCKET_PARAMETERS = {
    "GET": {
        "continuation-token", "delimiter", "encoding-type", "list-type", "location", "marker", "max-keys",
        "prefix", "start-after", "uploads",
    },
    "POST": {"delete"},
}  # fmt: skip
_OBJECT_PARAMETERS = {
    "GET": {"uploadId"},
    "PUT": {"partNumber", "uploadId"},
    "POST": {"uploadId", "uploads"},
    "DELETE": {"uploadId"},
}
# On every request: the operation's name as newer SDKs add it, and what a presigned URL carries (of either version).
_ANYWHERE = {"x-id", "versionid", "awsaccesskeyid", "signature", "expires"}
_PRESIGNED = "x-amz-"

_REFUSED_HEADERS = (
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-copy-source-server-side-encryption-customer-algorithm",
    "x-amz-tagging",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-legal-hold",
    "x-amz-bucket-object-lock-enabled",
    "x-amz-website-redirect-location",
    "x-amz-write-offset-bytes",
    "content-language",
    "expires",
)
# Of these headers the values that change nothing on one machine. Encryption at rest is the disk's business.
_HARMLESS_VALUES = {
    "x-amz-acl": {"private", "bucket-owner-full-control"},
    "x-amz-storage-class": {"STANDARD"},
    "x-amz-server-side-encryption": {"AES256", "aws:kms", "aws:kms:dsse"},
}


def refusal(
    method: str, key: str, query: Mapping[str, str], headers: Mapping[str, str], account_id: str
) -> S3Error | None:
    """Why a request is refused; None when all of it is supported. `key` is empty for a bucket's request."""
    parameters = (_OBJECT_PARAMETERS if key else _BUCKET_PARAMETERS).get(method, set())
    for unknown in (*_unknown_parameters(method, parameters, query), *_unknown_headers(method, headers)):
        return NotImplemented_(f"local_sagemaker's S3 does not have {unknown}")
    for name in ("x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner"):
        if headers.get(name, account_id) != account_id:
            return AccessDenied(f"{name} is {headers[name]}, and the account of this server is {account_id}")
    return None


def _unknown_parameters(method: str, known: AbstractSet[str], query: Mapping[str, str]) -> Iterator[str]:
    for name, value in query.items():
        lower = name.lower()
        if lower == "versionid" and value != "null":
            yield "versions of objects"
        elif name not in known and lower not in _ANYWHERE and not lower.startswith(_PRESIGNED):
            yield f"{method} with ?{name}"


def _unknown_headers(method: str, headers: Mapping[str, str]) -> Iterator[str]:
    yield from (name for name in _REFUSED_HEADERS if name in headers)
    for name, harmless in _HARMLESS_VALUES.items():
        if name in headers and headers[name] not in harmless:
            yield f"{name}: {headers[name]}"
    if method not in ("GET", "HEAD"):
        conditions = ("if-match", "if-none-match")
        yield from (f"{method} with {name}" for name in conditions if _refused(method, name, headers))


def _refused(method: str, condition: str, headers: Mapping[str, str]) -> bool:
    """Of conditional writing there is PutObject of a key that must not be there yet."""
    only_new = method == "PUT" and condition == "if-none-match" and headers.get(condition) == "*"
    return condition in headers and (not only_new or "x-amz-copy-source" in headers)
