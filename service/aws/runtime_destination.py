"""Where a URL's connections go: to its host, or to a proxy that hands requests on or opens a tunnel. Pure."""

from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


class NoSuchProxy(ValueError):
    """The proxy's URL cannot be used; the message says what is wrong."""


@dataclass(frozen=True)
class Destination:
    """How the server of a URL is reached.

    A socket is connected to `address` (host and port), with TLS for the certificate name `socket_tls` where that is not
    None. Where there is a `tunnel`, it is the request that opens one, and inside of it TLS is spoken for `tunnel_tls`.
    A request's target is `target_prefix` and what follows the URL, and `head_lines` are the first lines of its head.
    """

    address: tuple[str, int]
    socket_tls: str | None
    tunnel: bytes | None
    tunnel_tls: str | None
    target_prefix: str
    head_lines: str


def destination_of(url: str, proxy: str | None) -> Destination:
    """How to reach the server of `url`. `proxy` is a URL, its user and password percent-encoded.

    Raises NoSuchProxy for a proxy that is neither http:// nor https://, or has no host.
    """
    parts = urlsplit(url)
    name, port = _name_and_port(parts)
    host = f"Host: {host_of(parts)}\r\n"
    secure = parts.scheme == "https"
    if proxy is None:
        return Destination((name, port), name if secure else None, None, None, parts.path, host)
    via = _proxy(proxy)
    address = _name_and_port(via)
    proxy_tls = address[0] if via.scheme == "https" else None
    authorization = _proxy_authorization(via)
    if not secure:
        return Destination(address, proxy_tls, None, None, f"http://{host_of(parts)}{parts.path}", host + authorization)
    authority = f"{_bracketed(name)}:{port}"
    tunnel = f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{authorization}\r\n".encode()
    return Destination(address, proxy_tls, tunnel, name, parts.path, host)


def host_of(parts: SplitResult) -> str:
    """The Host header: without the scheme's own port."""
    host = _bracketed(parts.hostname or "")
    if parts.port is not None and parts.port != DEFAULT_PORTS.get(parts.scheme):
        host = f"{host}:{parts.port}"
    return host


def _proxy(proxy: str) -> SplitResult:
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        usable = parts.scheme in DEFAULT_PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        shown = proxy.rpartition("@")[2]  # without a password
        raise NoSuchProxy(f"the proxy {shown!r} cannot be used: it has to be http://host:port or https://host:port")
    return parts


def _proxy_authorization(parts: SplitResult) -> str:
    if parts.username is None:
        return ""
    credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Proxy-Authorization: Basic {b64encode(credentials.encode()).decode()}\r\n"


def _name_and_port(parts: SplitResult) -> tuple[str, int]:
    return parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name else name
