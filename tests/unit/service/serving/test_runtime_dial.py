"""Opening connections: TLS that checks whom it talks to, and proxies."""

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Callable

import pytest

from service.aws import runtime_dial
from service.aws.runtime_connection import Connection, ConnectionFailed
from service.aws.runtime_destination import NoSuchProxy, destination_of
from service.aws.runtime_dial import dial
from service.aws.runtime_message import request_head
from tests.unit.service.serving.certificates import Authority
from tests.unit.service.serving.raw_server import LOOPS, proxying, run, saying, serving

Loop = Callable[[], asyncio.AbstractEventLoop]
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
TARGET = "/endpoints/dogs/invocations"

every_loop = pytest.mark.parametrize("loop", LOOPS)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Signs the servers' certificates."""
    return Authority(tmp_path_factory.mktemp("authority"))


async def said(url: str, proxy: str | None, tls: ssl.SSLContext | None, body: bytes = b"image") -> bytes:
    """The answer to a request on a new connection, and to one that follows."""
    destination = destination_of(url, proxy)
    connection = await dial(destination, tls)
    try:
        await _asked(connection, destination.target_prefix, destination.head_lines, body)
        return await _asked(connection, destination.target_prefix, destination.head_lines, b"again")
    finally:
        connection.close()
        while not connection._transport.is_closing():
            await asyncio.sleep(0)


async def _asked(connection: Connection, prefix: str, lines: str, body: bytes) -> bytes:
    return (await connection.exchange(request_head(prefix + TARGET, lines, {}, len(body)), body)).body


@every_loop
def test_tls_with_large_bodies(loop: Loop, authority: Authority) -> None:
    asked: list[tuple[str, bytes]] = []
    large = bytes(range(256)) * 2**14

    async def main() -> None:
        async with serving(saying(HELLO, HELLO, asked=asked), authority.server("localhost")) as port:
            assert await said(f"https://localhost:{port}", None, authority.client(), large) == b"hello"

    run(loop, main())
    assert [body for _, body in asked] == [large, b"again"]


@every_loop
@pytest.mark.parametrize(("name", "trusted"), [("elsewhere.example", True), ("localhost", False)])
def test_tls_with_somebody_else(loop: Loop, authority: Authority, name: str, trusted: bool) -> None:
    tls = authority.client() if trusted else ssl.create_default_context()
    asked: list[tuple[str, bytes]] = []

    async def main() -> None:
        async with serving(saying(HELLO, asked=asked), authority.server(name)) as port:
            with pytest.raises(ConnectionFailed, match="certificate verify failed") as failed:
                await said(f"https://localhost:{port}", None, tls)
            assert failed.value.lasting

    run(loop, main())
    assert asked == []


@every_loop
def test_a_server_that_does_not_speak_tls(loop: Loop, authority: Authority) -> None:
    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HELLO)

    async def main() -> None:
        async with serving(nonsense) as port:
            with pytest.raises(ConnectionFailed):
                await said(f"https://localhost:{port}", None, authority.client())

    run(loop, main())


@every_loop
def test_a_server_that_says_nothing_to_tls(loop: Loop, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_dial, "CONNECT_SECONDS", 0.05)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            pass

    async def main() -> None:
        async with serving(silent) as port:
            for proxy in (None, f"http://localhost:{port}"):
                with pytest.raises(ConnectionFailed, match=r"did not answer within 0.05 s") as failed:
                    await said(f"https://localhost:{port}", proxy, authority.client())
                assert not failed.value.lasting

    run(loop, main())


@every_loop
def test_a_proxy_for_plain_http(loop: Loop) -> None:
    heads: list[str] = []
    asked: list[tuple[str, bytes]] = []

    async def main() -> None:
        async with serving(saying(HELLO, HELLO, asked=asked)) as port, serving(proxying(port, heads)) as proxy:
            assert await said("http://runtime.example:81/base", f"http://me:p%40ss@localhost:{proxy}", None) == b"hello"

    run(loop, main())
    first, host, authorization, *_ = heads[0].split("\r\n")
    assert first == f"POST http://runtime.example:81/base{TARGET} HTTP/1.1"
    assert host == "Host: runtime.example:81"
    assert authorization == f"Proxy-Authorization: Basic {b64encode(b'me:p@ss').decode()}"
    assert len(asked) == 2


@every_loop
def test_a_tunnel_through_a_proxy(loop: Loop, authority: Authority) -> None:
    heads: list[str] = []
    asked: list[tuple[str, bytes]] = []

    async def main() -> None:
        there = serving(saying(HELLO, HELLO, asked=asked), authority.server("runtime.example"))
        async with there as port, serving(proxying(port, heads)) as proxy:
            url = "https://runtime.example/base"
            assert await said(url, f"http://me:secret@localhost:{proxy}", authority.client()) == b"hello"
            with pytest.raises(ConnectionFailed, match="certificate verify failed"):
                await said("https://elsewhere.example", f"http://localhost:{proxy}", authority.client())

    run(loop, main())
    authorization = f"Proxy-Authorization: Basic {b64encode(b'me:secret').decode()}"
    assert heads == [
        f"CONNECT runtime.example:443 HTTP/1.1\r\nHost: runtime.example:443\r\n{authorization}\r\n\r\n",
        "CONNECT elsewhere.example:443 HTTP/1.1\r\nHost: elsewhere.example:443\r\n\r\n",
    ]
    assert asked[0][0].startswith(f"POST /base{TARGET} HTTP/1.1\r\nHost: runtime.example\r\n")
    assert "Proxy-Authorization" not in asked[0][0]


@every_loop
def test_a_proxy_that_speaks_tls_itself(loop: Loop, authority: Authority) -> None:
    heads: list[str] = []

    async def main() -> None:
        there = serving(saying(HELLO, HELLO), authority.server("runtime.example"))
        async with there as port, serving(proxying(port, heads), authority.server("localhost")) as proxy:
            url = f"https://localhost:{proxy}"
            assert await said("https://runtime.example", url, authority.client()) == b"hello"
        plain = serving(saying(HELLO, HELLO))
        async with plain as port, serving(proxying(port, heads), authority.server("localhost")) as proxy:
            assert await said("http://plain.example", f"https://localhost:{proxy}", authority.client()) == b"hello"

    run(loop, main())
    assert [head.split(" ")[:2] for head in heads] == [
        ["CONNECT", "runtime.example:443"],
        ["POST", f"http://plain.example{TARGET}"],
    ]


@every_loop
@pytest.mark.parametrize(
    ("answer", "message", "lasting"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "no tunnel: 407 Proxy Authentication Required", True),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", "no tunnel: 503 Busy", False),
        (b"SSH-2.0\r\n\r\n", "does not speak HTTP/1.1", False),
        (b"HTTP/1.1 200 OK\r\n\r\nmore", "said more", False),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, "said more", False),
        (b"", "the proxy closed the connection", False),
    ],
)
def test_a_proxy_that_opens_no_tunnel(
    loop: Loop, authority: Authority, answer: bytes, message: str, lasting: bool
) -> None:
    async def main() -> None:
        async with serving(saying(answer)) as proxy:
            with pytest.raises(ConnectionFailed, match=message) as failed:
                await said("https://runtime.example", f"http://localhost:{proxy}", authority.client())
            assert failed.value.lasting == lasting

    run(loop, main())


def test_the_next_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with serving(saying(HELLO, HELLO)) as port:
            addresses = await asyncio.get_running_loop().getaddrinfo("127.0.0.1", port, type=1)
            family, kind, protocol, name, _ = addresses[0]
            # Port 1 refuses; both belong to the one name.
            found = [(family, kind, protocol, name, ("127.0.0.1", 1)), *addresses]

            async def getaddrinfo(*_: object, **__: object) -> object:
                return found

            monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)
            assert await said(f"http://two.example:{port}", None, None) == b"hello"

    run(asyncio.new_event_loop, main())


@pytest.mark.parametrize("proxy", ["socks5://localhost:1080", "http://", "http://localhost:port", "ftp://me:pw@x:1"])
def test_a_proxy_that_cannot_be_used(proxy: str) -> None:
    with pytest.raises(NoSuchProxy, match="it has to be http://host:port") as told:
        destination_of("https://runtime.example", proxy)
    assert "pw" not in str(told.value)


def test_a_proxy_without_a_scheme_is_http() -> None:
    assert destination_of("https://runtime.example", "proxy:3128").address == ("proxy", 3128)
    assert destination_of("https://[::1]:8443", "http://[::2]").address == ("::2", 80)
    assert (destination_of("https://[::1]:8443", "http://[::2]").tunnel or b"").startswith(b"CONNECT [::1]:8443 ")


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0b"])
def test_no_header_becomes_two(value: str) -> None:
    with pytest.raises(ValueError, match="'X-Id'"):
        request_head("/", "Host: a\r\n", {"Accept": "*/*", "X-Id": value}, 0)
    with pytest.raises(ValueError, match="line break"):
        request_head("/", "Host: a\r\n", {value: "x"}, 0)


@pytest.mark.parametrize("target", ["/a b", "/a\r\nX: 1", "/a\n", "", "/\x7f", "/é"])
def test_no_target_becomes_a_header(target: str) -> None:
    with pytest.raises(ValueError, match="no target"):
        request_head(target, "Host: a\r\n", {}, 0)
