"""Opening a connection to SageMaker Runtime: name, socket, the proxy's tunnel, TLS."""

import asyncio
import os
import socket
import ssl
from typing import cast

from service.aws.runtime_connection import MAX_HEAD_BYTES, Connection, ConnectionFailed
from service.aws.runtime_destination import Destination

CONNECT_SECONDS = 5.0  # for a socket, and again for tunnel and TLS
NEXT_ADDRESS_SECONDS = 1.0  # where a name has another address that may answer sooner
HEAD_END = b"\r\n\r\n"


async def dial(destination: Destination, tls: ssl.SSLContext | None) -> Connection:
    """A connection that can be used. `tls` is needed where the destination says TLS.

    Raises ConnectionFailed; it is lasting where a certificate, the name itself or the proxy's refusal is the reason.
    """
    where = "{}:{}".format(*destination.address)
    try:
        connected = await _connected(destination.address)
        async with asyncio.timeout(CONNECT_SECONDS):
            return await _spoken_to(connected, destination, tls)
    except ssl.SSLError as error:
        raise ConnectionFailed(f"TLS with {where} failed: {error}", lasting=True) from error
    except TimeoutError as error:
        raise ConnectionFailed(f"{where} did not answer within {CONNECT_SECONDS:g} s") from error
    except UnicodeError as error:
        raise ConnectionFailed(f"{destination.address[0]!r} is no host name", lasting=True) from error
    except OSError as error:
        raise ConnectionFailed(f"no connection to {where}: {_reason(error)}") from error


async def _connected(address: tuple[str, int]) -> socket.socket:
    """A socket that is connected to one of the name's addresses, tried in the order that the system gives them."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(*address, type=socket.SOCK_STREAM)
    failure: OSError = OSError("the name has no address")
    for place, (family, kind, protocol, _, one) in enumerate(found, start=1):
        tried = socket.socket(family, kind, protocol)
        try:
            tried.setblocking(False)
            tried.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            async with asyncio.timeout(CONNECT_SECONDS if place == len(found) else NEXT_ADDRESS_SECONDS):
                await loop.sock_connect(tried, one)
        except OSError as error:  # a timeout is one
            tried.close()
            failure = error
        except BaseException:
            tried.close()
            raise
        else:
            return tried
    raise failure


async def _spoken_to(connected: socket.socket, destination: Destination, tls: ssl.SSLContext | None) -> Connection:
    """The connection over this socket, with the tunnel and the TLS that the destination wants."""
    loop = asyncio.get_running_loop()
    name = destination.socket_tls
    context = tls if name is not None else None
    if destination.tunnel is None:
        _, connection = await loop.create_connection(Connection, sock=connected, ssl=context, server_hostname=name)
        return connection
    transport, tunnel = await loop.create_connection(_Tunnel, sock=connected, ssl=context, server_hostname=name)
    try:
        await tunnel.opened(destination.tunnel)
    except BaseException:
        transport.abort()
        raise
    connection = Connection()
    if tls is None:
        raise RuntimeError("a tunnel without TLS")
    inside = await loop.start_tls(transport, connection, tls, server_hostname=destination.tunnel_tls)
    if inside is None:  # closed meanwhile
        raise ConnectionFailed("the proxy closed the tunnel")
    connection.connection_made(inside)
    return connection


def _reason(error: OSError) -> str:
    """The system's words; asyncio puts its own in their place."""
    if error.errno is None or isinstance(error, socket.gaierror):
        return str(error.strerror or error)
    return os.strerror(error.errno)


class _Tunnel(asyncio.Protocol):
    """Asks a proxy for a tunnel, and reads no further than its consent: what follows is the server's."""

    def __init__(self) -> None:
        self._head = b""
        self._answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def opened(self, request: bytes) -> None:
        """Ask, and wait for the consent."""
        self._transport.write(request)
        await self._answered
        line = self._head.partition(b"\r\n")[0].decode("latin-1")
        version, _, rest = line.partition(" ")
        status = rest[:3]
        if not version.startswith("HTTP/1.") or not status.isdecimal():
            raise ConnectionFailed(f"the proxy does not speak HTTP/1.1: {line[:80]!r}")
        if not status.startswith("2"):
            raise ConnectionFailed(f"the proxy opens no tunnel: {rest[:200]}", lasting=not status.startswith("5"))
        if not self._head.endswith(HEAD_END):
            raise ConnectionFailed("the proxy said more than that the tunnel is open")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to the proxy."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Collect the answer's head."""
        self._head += data
        if not self._answered.done() and (HEAD_END in self._head or len(self._head) > MAX_HEAD_BYTES):
            self._answered.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """No tunnel."""
        if not self._answered.done():
            self._answered.set_exception(
                ConnectionFailed(f"the proxy closed the connection{f': {exc}' if exc else ''}")
            )
