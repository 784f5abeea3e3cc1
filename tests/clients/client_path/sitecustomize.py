"""Every Python client of the tests starts with this: says on stderr where it looks or connects beyond this machine."""

import ipaddress
import sys

BEYOND = "BEYOND THIS MACHINE: "


def _local(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode(errors="replace")
    if host is None or not isinstance(host, str) or host in {"", "localhost", "0.0.0.0", "::"}:  # noqa: S104 - compared
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    if not _local(host):
        print(f"{BEYOND}{event} {host!r}", file=sys.stderr, flush=True)


sys.addaudithook(_watch)
