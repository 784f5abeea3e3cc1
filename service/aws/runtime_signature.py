"""SigV4 of a POST without a query, its signing key derived once a day.

botocore derives the key, builds an AWSRequest and parses the URL for every request: several times the work.
"""

import hmac
import time
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Protocol
from urllib.parse import quote, urlsplit

from service.aws.runtime_destination import host_of

ALGORITHM = "AWS4-HMAC-SHA256"
# Proxies add or change these, so they are never signed.
UNSIGNED = frozenset(
    {
        "baggage",
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "traceparent",
        "tracestate",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-amzn-trace-id",
    }
)


class FrozenCredentials(Protocol):
    """Credentials that do not change any more; `token` is None for those of a user."""

    @property
    def access_key(self) -> str | None:
        """The public half."""

    @property
    def secret_key(self) -> str | None:
        """What the signing key is derived from."""

    @property
    def token(self) -> str | None:
        """The session token."""


class Signer:
    """Signs for one service in one region. Not thread-safe: one event loop's."""

    def __init__(self, region: str, service: str) -> None:
        self._region = region
        self._service = service
        self._stamped: tuple[int, str] = (-1, "")
        self._derived: tuple[str | None, str, bytes] = (None, "", b"")

    def signed(
        self,
        url: str,
        body_digest: str,
        headers: Mapping[str, str],
        credentials: FrozenCredentials,
        now: float,
    ) -> dict[str, str]:
        """`headers` and those that sign them: X-Amz-Date, Authorization, and X-Amz-Security-Token if there is a token.

        `body_digest` is the SHA-256 of the body in hexadecimal, `now` seconds since the epoch. No two names in
        `headers` differ by case alone, and Host is not among them: it is signed as the URL has it.
        """
        host, path = _host_and_path(url)
        moment = self._timestamp(int(now))
        date = moment[:8]
        complete = {**headers, "X-Amz-Date": moment}
        if credentials.token:
            complete["X-Amz-Security-Token"] = credentials.token
        canonical = [(name.lower(), " ".join(value.split())) for name, value in complete.items()]
        canonical = [named for named in canonical if named[0] not in UNSIGNED]
        canonical.append(("host", host))
        canonical.sort()
        lines = "".join([f"{name}:{value}\n" for name, value in canonical])
        names = ";".join([name for name, _ in canonical])
        request = f"POST\n{path}\n\n{lines}\n{names}\n{body_digest}"
        scope = f"{date}/{self._region}/{self._service}/aws4_request"
        to_sign = f"{ALGORITHM}\n{moment}\n{scope}\n{sha256(request.encode()).hexdigest()}"
        signature = hmac.digest(self._key(credentials.secret_key, date), to_sign.encode(), "sha256").hex()
        complete["Authorization"] = (
            f"{ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
        )
        return complete

    def _timestamp(self, second: int) -> str:
        """`20260131T235959Z`, formatted once a second."""
        if self._stamped[0] != second:
            self._stamped = (second, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second)))
        return self._stamped[1]

    def _key(self, secret: str | None, date: str) -> bytes:
        """The signing key, derived when the day or the credentials have changed."""
        if self._derived[0] != secret or self._derived[1] != date:
            key = f"AWS4{secret}".encode()
            for part in (date, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._derived = (secret, date, key)
        return self._derived[2]


@lru_cache(maxsize=1024)  # one entry an endpoint
def _host_and_path(url: str) -> tuple[str, str]:
    """The Host header, and the path in canonical form: dot segments and double slashes removed, encoded once more."""
    parts = urlsplit(url)
    return host_of(parts), quote(_without_dots(parts.path) or "/", safe="/~")


def _without_dots(path: str) -> str:
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            kept[-1:] = []
        elif segment not in {"", "."}:
            kept.append(segment)
    first = "/" if path.startswith("/") else ""
    last = "/" if path.endswith("/") and kept else ""
    return f"{first}{'/'.join(kept)}{last}"
