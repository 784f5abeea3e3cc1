"""Content types that the default input_fn and output_fn read and write: JSON, CSV, NPY.

PyTorch's part is taken only when the model's own code has imported torch; nothing here imports it. numpy is imported
when the first array is read or written: a model with functions of its own need not have it.
"""

import importlib
import io
import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

from model_server.messages import JSON

CSV = "text/csv"
NPY = "application/x-npy"


class UnsupportedContentType(Exception):
    """The default input_fn does not read this content type."""

    status_code = 415


class UnsupportedAccept(Exception):
    """The default output_fn writes nothing that this Accept header takes."""

    status_code = 406


class UnreadableInput(Exception):
    """The body is not what its content type says."""

    status_code = 400


def media_type(header: str) -> str:
    """The type alone, in lower case: `application/json` of `application/JSON; charset=utf-8`."""
    return header.partition(";")[0].strip().lower()


def decode(body: Any, content_type: str) -> Any:
    """The array in a request's body: a torch tensor where the model uses torch, else a numpy array."""
    reader = _READERS.get(media_type(content_type))
    if reader is None:
        raise UnsupportedContentType(
            f"no input_fn in inference.py, and the default one reads {', '.join(_READERS)}, not {content_type}"
        )
    try:
        array = reader(body)
    except (ValueError, EOFError, OSError) as error:
        raise UnreadableInput(f"the body is no {media_type(content_type)}: {error}") from error
    torch = sys.modules.get("torch")
    if torch is None:
        return array
    if media_type(content_type) == NPY:
        return torch.from_numpy(array)
    return torch.as_tensor(array, dtype=torch.float32)


def encode(prediction: Any, accept: str) -> tuple[bytes, str]:
    """The prediction (a tensor, an array, or what json takes) in the first acceptable of JSON, CSV, NPY."""
    for offered in accept.split(","):
        wanted = JSON if media_type(offered) in {"*/*", "application/*", ""} else media_type(offered)
        if wanted in _WRITERS:
            return _WRITERS[wanted](_plain(prediction)), wanted
    raise UnsupportedAccept(
        f"no output_fn in inference.py, and the default one writes {', '.join(_WRITERS)}, not {accept}"
    )


def _plain(prediction: Any) -> Any:
    """A tensor as the array that numpy makes of its numbers: Python's, so of 64 bits, as in the toolkits."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(prediction, torch.Tensor):
        return prediction
    array = prediction.detach().cpu().numpy()
    return array.astype(_WIDE.get(array.dtype.kind, array.dtype.str), copy=False)


def _numpy() -> Any:
    return importlib.import_module("numpy")


def _read_json(body: Any) -> Any:
    np = _numpy()
    return np.array(json.loads(body))


def _read_csv(body: Any) -> Any:
    np = _numpy()
    text = body if isinstance(body, str) else bytes(body).decode()
    return np.genfromtxt(io.StringIO(text), delimiter=",")


def _read_npy(body: Any) -> Any:
    np = _numpy()
    return np.load(io.BytesIO(body), allow_pickle=False)  # a pickle would run whatever its sender likes


def _write_json(value: Any) -> bytes:
    return json.dumps(value, default=_json_default).encode()


def _write_csv(value: Any) -> bytes:
    np = _numpy()
    stream = io.StringIO()
    np.savetxt(stream, np.atleast_1d(np.asarray(value)), delimiter=",", fmt="%s")
    return stream.getvalue().encode()


def _write_npy(value: Any) -> bytes:
    np = _numpy()
    stream = io.BytesIO()
    np.save(stream, np.asarray(value), allow_pickle=False)
    return stream.getvalue()


def _json_default(value: Any) -> Any:
    if hasattr(value, "tolist"):  # arrays and numpy's scalars, also inside dicts and lists
        return _plain(value).tolist()
    raise TypeError(f"a {type(value).__name__} has no JSON form; return a list, an array or a tensor")


_WIDE: Mapping[str, str] = {"f": "float64", "i": "int64", "u": "int64", "c": "complex128"}
_READERS: Mapping[str, Callable[[Any], Any]] = {JSON: _read_json, CSV: _read_csv, NPY: _read_npy}
_WRITERS: Mapping[str, Callable[[Any], bytes]] = {JSON: _write_json, CSV: _write_csv, NPY: _write_npy}
