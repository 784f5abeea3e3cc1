"""An endpoint that answers InvokeEndpoint at once, with the same predictions whatever it is sent.

`python -m benchmarks.instant_endpoint PORT`: a process of its own, which reads of a request only its length.
"""

import asyncio
import json
import sys
from typing import cast

import uvloop

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"
PREDICTIONS = {
    "predictions": [
        {
            "class_index": index,
            "class_name": f"{index + 1:03}.Breed_{index}",
            "breed": f"Breed {index}",
            "probability": p,
        }
        for index, p in enumerate((0.7012, 0.1523, 0.0871, 0.0402, 0.0192))
    ],
    "model": {"architecture": "resnet18", "version": "dogs-1"},
}
BODY = json.dumps(PREDICTIONS).encode()
ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-Amzn-Invoked-Production-Variant: AllTraffic\r\n"
    b"x-amzn-RequestId: 7c5a1f0e-8f0b-4f53-9e0a-2b3c4d5e6f70\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)
)


class InstantAnswer(asyncio.Protocol):
    """One connection. A client sends its next request only after the answer, as HTTP clients do."""

    def __init__(self) -> None:
        self._head = b""
        self._left_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class

    def data_received(self, data: bytes) -> None:
        """Answer once the request is whole."""
        if self._left_bytes == 0:
            self._head += data
            end = self._head.find(HEAD_END)
            if end < 0:
                return
            head = self._head[:end].lower()
            length = int(head.partition(LENGTH)[2].partition(b"\r\n")[0])
            self._left_bytes = length - (len(self._head) - end - len(HEAD_END))
            if b"100-continue" in head:  # boto3 waits for it
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._head = b""
        else:
            self._left_bytes -= len(data)
        if self._left_bytes == 0:
            self._transport.write(ANSWER)


async def serve(port: int) -> None:
    """Answer until the process is ended."""
    server = await asyncio.get_running_loop().create_server(InstantAnswer, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
