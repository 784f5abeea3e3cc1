"""A model's answer of success, its body still to be read, and the model server that it holds."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp

from local_sagemaker.engine.endpoints.routing import Demand, RoutedServer, RoutedVariant, RoutingTable
from local_sagemaker.errors import ModelError
from local_sagemaker.runtime.serving.model_errors import ModelLog, model_error, timed_out


class Answer:
    """An answer that may take `seconds`, until `deadline` in the event loop's time. It holds its model server."""

    def __init__(
        self,
        response: aiohttp.ClientResponse,
        variant: RoutedVariant,
        log: ModelLog,
        *,
        seconds: float,
        deadline: float,
        held: tuple[RoutingTable, RoutedServer, Demand | None],
    ) -> None:
        self.response = response
        self.variant = variant
        self.log = log
        self.seconds = seconds
        self._deadline = deadline
        self._held: tuple[RoutingTable, RoutedServer, Demand | None] | None = held

    def close(self) -> None:
        """Let the model server go; an answer that was not read to its end is broken off. Repeatable."""
        if self._held is None:
            return
        self.response.close()
        routes, server, demand = self._held
        self._held = None
        routes.release(server)
        routes.leave(demand)

    async def read(self, limit_bytes: int) -> bytes:
        """The whole body. Raises ModelError when it breaks off or is larger than the limit."""
        length = self.response.content_length
        if length is None or length > limit_bytes:
            return await self._read_parts(limit_bytes)
        try:
            return await self.response.read()
        except TimeoutError:
            raise timed_out(self.log, self.seconds) from None
        except aiohttp.ClientError as error:
            raise self._broken_off(error) from error

    async def _read_parts(self, limit_bytes: int) -> bytes:
        parts: list[bytes] = []
        size = 0
        async for part in self.parts():
            size += len(part)
            if size > limit_bytes:
                message = f"The model's answer is larger than {limit_bytes} bytes, which is the limit."
                raise model_error(self.log, 0, message)
            parts.append(part)
        return b"".join(parts)

    async def parts(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises ModelError when it breaks off; its OriginalStatusCode is 0 for want of time."""
        try:
            async for part in self.response.content.iter_any():
                yield part
        except TimeoutError:
            raise timed_out(self.log, self.seconds) from None
        except aiohttp.ClientError as error:
            raise self._broken_off(error) from error

    def _broken_off(self, error: aiohttp.ClientError) -> ModelError:
        if asyncio.get_running_loop().time() >= self._deadline:
            return timed_out(self.log, self.seconds)
        return model_error(self.log, 500, f"The model server broke its answer off ({type(error).__name__}).")
