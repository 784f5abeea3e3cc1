"""A plain HTTP client that sends the same request over and over, on some connections at once."""

import http.client
import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# Signed for SageMaker in form; neither server checks the signature.
AUTHORIZATION = (
    "AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/sagemaker/aws4_request, SignedHeaders=host, Signature=0"
)
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Rate:
    """What was measured: answers in a second over all connections, and the time that 99 % of them stayed below."""

    per_second: float
    p99_ms: float


def call(port: int, operation: str, members: Mapping[str, object]) -> bytes:
    """One call of a SageMaker operation, on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
    try:
        return _send(connection, operation, json.dumps(members).encode())
    finally:
        connection.close()


def measure(port: int, operation: str, bodies: Sequence[bytes], *, connections: int, seconds: float) -> Rate:
    """Send the bodies in turn for some time, on each connection one after the other."""
    times: list[float] = []
    until = time.perf_counter() + seconds

    def send_on(offset: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        number = offset
        while (began := time.perf_counter()) < until:
            _send(connection, operation, bodies[number % len(bodies)])
            times.append(time.perf_counter() - began)
            number += connections
        connection.close()

    threads = [threading.Thread(target=send_on, args=(offset,)) for offset in range(connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    times.sort()
    return Rate(len(times) / (time.perf_counter() - began), times[int(len(times) * 0.99)] * 1000)


def _send(connection: http.client.HTTPConnection, operation: str, body: bytes) -> bytes:
    headers = {
        "X-Amz-Target": f"SageMaker.{operation}",
        "Content-Type": "application/x-amz-json-1.1",
        "Authorization": AUTHORIZATION,
        "X-Amz-Date": "20260101T000000Z",
    }
    connection.request("POST", "/", body, headers)
    answer = connection.getresponse()
    told = answer.read()
    if answer.status != 200:
        raise RuntimeError(f"{operation} answered {answer.status}: {told[:500]!r}")
    return told
