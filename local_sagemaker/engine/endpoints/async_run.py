"""One asynchronous invocation from its payload to its result or failure object. Repeatable at any point."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local_sagemaker import clock
from local_sagemaker.engine.endpoints.routing import RoutedServer, RoutedVariant
from local_sagemaker.errors import ModelError
from local_sagemaker.runtime.object_location import ObjectError, ObjectsUnreachable
from local_sagemaker.runtime.objects import Objects
from local_sagemaker.runtime.serving import async_call
from local_sagemaker.runtime.serving.async_call import FileAnswer
from local_sagemaker.runtime.serving.capture_spool import CaptureSpool
from local_sagemaker.runtime.serving.data_capture import CapturedInvocation, Observed
from local_sagemaker.runtime.serving.model_errors import ModelLog, model_error, timed_out
from local_sagemaker.settings import Settings
from local_sagemaker.store import async_invocations as store
from local_sagemaker.store.async_invocations import AsyncInvocation
from local_sagemaker.store.database import Database

MAX_PAYLOAD_BYTES = 1024**3
MAX_ATTEMPTS = 3
MAX_ERROR_BYTES = 65_536

logger = logging.getLogger(__name__)


class TryLater(Exception):
    """Nothing is decided: the invocation is run again, after `seconds`."""

    seconds = 1.0


class AsyncRun:
    """The steps of an invocation; used by many threads."""

    def __init__(self, settings: Settings, database: Database, objects: Objects, spool: CaptureSpool) -> None:
        self._settings = settings
        self._database = database
        self._objects = objects
        self._spool = spool
        self.closing = False

    def __call__(
        self,
        invocation: AsyncInvocation,
        variant: RoutedVariant,
        server: RoutedServer,
        captured: Mapping[str, Any] | None,
    ) -> None:
        """Run it on `server`; `captured` is DataCaptureConfig when it chose this one. Raises TryLater."""
        into = self._settings.async_invocations_dir / f"{invocation.id}.out"
        try:
            payload, headers = self._request(invocation)
            answer = self._answer(invocation, server, payload, headers, into)
            self._write_result(invocation, answer, into)
            if captured is not None:
                self._capture(invocation, variant, captured, (payload, headers), (into, answer.content_type))
        except ModelError as error:
            self.fail(invocation, error.message)
        except ObjectsUnreachable as error:
            raise TryLater(str(error)) from error
        except ObjectError as error:
            self.fail(invocation, str(error))
        finally:
            into.unlink(missing_ok=True)

    def fail(self, invocation: AsyncInvocation, message: str) -> None:
        """Write the failure object, where one is wanted. Raises TryLater."""
        logger.warning("asynchronous invocation %s of %s: %s", invocation.id, invocation.endpoint_name, message)
        if invocation.failure_location is not None:
            path = self._settings.async_invocations_dir / f"{invocation.id}-error.out"
            path.write_text(message)
            try:
                self._objects.upload_file(path, invocation.failure_location, content_type="text/plain")
            except ObjectsUnreachable as error:
                raise TryLater(str(error)) from error
            except ObjectError:
                logger.exception("the failure object of asynchronous invocation %s cannot be written", invocation.id)
            finally:
                path.unlink()
        store.delete(self._database, invocation.id)

    def _request(self, invocation: AsyncInvocation) -> tuple[bytes | Path, Mapping[str, str]]:
        """The payload and its headers; the content type, when the request had none, is the object's."""
        if invocation.input_location is None:
            return invocation.body or b"", invocation.headers
        payload = self._objects.file(invocation.input_location)
        size = payload.stat().st_size
        if size > MAX_PAYLOAD_BYTES:
            raise ObjectError(f"{invocation.input_location} has {size} bytes; a payload may have {MAX_PAYLOAD_BYTES}")
        kind = {} if "Content-Type" in invocation.headers else self._content_type(invocation.input_location)
        return payload, {**kind, **invocation.headers}

    def _content_type(self, uri: str) -> dict[str, str]:
        found = self._objects.content_type(uri)
        return {"Content-Type": found} if found else {}

    def _answer(
        self,
        invocation: AsyncInvocation,
        server: RoutedServer,
        payload: bytes | Path,
        headers: Mapping[str, str],
        into: Path,
    ) -> FileAnswer:
        """The model's answer of success, its body in `into`. Raises ModelError and TryLater."""
        log = ModelLog(invocation.endpoint_name, server.log_stream, invocation.region, self._settings.account_id)
        try:
            answer = async_call.post(server.url, headers, payload, invocation.timeout_seconds, into)
        except async_call.NotReached as error:
            raise TryLater(str(error)) from error
        except async_call.Overdue as error:
            raise timed_out(log, invocation.timeout_seconds) from error
        except async_call.Ended as error:
            if self.closing:
                raise TryLater("local_sagemaker stops") from error
            store.count_attempt(self._database, invocation.id)
            if invocation.attempts + 1 < MAX_ATTEMPTS:
                raise TryLater(f"the model server ended ({error})") from error
            raise model_error(log, 500, f"The model server ended before it answered, {MAX_ATTEMPTS} times.") from error
        match answer.refusal:
            case None if 200 <= answer.status < 300:
                return answer
            case None:
                with into.open("rb") as file:
                    raise model_error(log, answer.status, file.read(MAX_ERROR_BYTES).decode("utf-8", "replace"))
            case "timeout":
                raise timed_out(log, invocation.timeout_seconds)
            case refusal:
                raise TryLater(refusal)

    def _write_result(self, invocation: AsyncInvocation, answer: FileAnswer, path: Path) -> None:
        self._objects.upload_file(path, invocation.output_location, content_type=answer.content_type)
        store.delete(self._database, invocation.id)

    def _capture(
        self,
        invocation: AsyncInvocation,
        variant: RoutedVariant,
        config: Mapping[str, Any],
        request: tuple[bytes | Path, Mapping[str, str]],
        response: tuple[Path, str],
    ) -> None:
        """Capture it unless a payload is larger than those of other endpoints may be."""
        payload, headers = request
        sizes = [len(side) if isinstance(side, bytes) else side.stat().st_size for side in (payload, response[0])]
        if max(sizes) > self._settings.max_invocation_bytes:
            logger.warning("asynchronous invocation %s is too large to be captured", invocation.id)
            return
        sent = payload if isinstance(payload, bytes) else payload.read_bytes()
        observed = CapturedInvocation(
            invocation.id,
            invocation.inference_id,
            headers.get("X-Amzn-SageMaker-Custom-Attributes"),
            clock.now(),
            Observed(headers.get("Content-Type", ""), sent),
            Observed(response[1], response[0].read_bytes()),
        )
        self._spool.put(invocation.endpoint_name, variant.name, config, observed)
