"""A worker as the front sees it: a child process, its socket, and the requests that it has."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from typing import Protocol

from model_server.channel import Channel
from model_server.frames import Frame, encode_header
from model_server.messages import Answer
from model_server.part_stream import PartStream
from model_server.request import Request
from model_server.spawn import Child


class Owner(Protocol):
    """Who is told of what a worker does."""

    def loaded(self, worker: "WorkerProcess") -> None:
        """It has loaded the model."""

    def idle(self, worker: "WorkerProcess") -> None:
        """It has answered all that it had."""

    def ended(self, worker: "WorkerProcess", returncode: int) -> None:
        """Its process has ended; `running` is what it has left unanswered."""


class WorkerProcess:
    """One life of the worker in place `index`. `loaded_at` is in the event loop's time."""

    def __init__(self, index: int, child: Child, owner: Owner, loop: asyncio.AbstractEventLoop) -> None:
        self.index = index
        self.running: dict[int, Request] = {}
        self.loaded_at: float | None = None
        self._process = child.process
        self._owner = owner
        self._loop = loop
        self._channel = Channel(child.connection, loop, self._received, self.kill)
        # A child of the worker's may hold the socket open, so that its end alone does not tell of the worker's.
        self._watch = os.pidfd_open(self._process.pid)
        loop.add_reader(self._watch, self._exited)

    def run(self, requests: Sequence[Request]) -> None:
        """Have these requests answered, one after the other or as the model's batch."""
        told = [{"id": one.id, "headers": one.headers, "bytes": one.body_bytes} for one in requests]
        now = self._loop.time()
        for request in requests:
            request.worker, request.started = self.index, now
            self.running[request.id] = request
        body = [part for request in requests for part in request.parts if part]
        header = encode_header({"kind": "run", "requests": told}, sum(one.body_bytes for one in requests))
        self._channel.send([header, *body])

    def cancel(self, request: Request) -> None:
        """Nobody reads the rest of the request's streamed answer."""
        if request.id in self.running:
            self._channel.send([encode_header({"kind": "cancel", "id": request.id})])

    def kill(self) -> None:
        """End it at once."""
        if self._watch >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._watch, signal.SIGKILL)

    def end_requests(self) -> None:
        """Have it end when it has answered what it has."""
        self._channel.end_requests()

    def _received(self, frame: Frame) -> None:
        header = frame.header
        match header["kind"]:
            case "ready":
                self.loaded_at = self._loop.time()
                self._owner.loaded(self)
            case "answer":
                self._answered(self.running[header["id"]], frame)
            case "part":
                stream = self.running[header["id"]].stream
                if stream is not None:
                    stream.put(frame.body)
            case "end":
                request = self.running[header["id"]]
                if request.stream is not None:
                    request.model_seconds = header["seconds"]
                    request.stream.end(broken=header["broken"])
                self._finish(request)

    def _answered(self, request: Request, frame: Frame) -> None:
        header = frame.header
        request.model_seconds = header["seconds"]
        if not header["more"]:
            self._finish(request)
            request.answer(Answer(frame.body, header["status"], header["headers"]))
            return
        if request.answered.done():  # it comes too late
            self.cancel(request)
            return
        request.stream = PartStream(self._channel.pause, self._channel.resume)
        request.answer(Answer(b"", header["status"], header["headers"]))

    def _finish(self, request: Request) -> None:
        del self.running[request.id]
        if not self.running:
            self._owner.idle(self)

    def _exited(self) -> None:
        self._loop.remove_reader(self._watch)
        self._channel.drain()  # what it has answered is answered
        self._channel.close()
        os.close(self._watch)
        self._watch = -1
        self._owner.ended(self, self._process.wait())
