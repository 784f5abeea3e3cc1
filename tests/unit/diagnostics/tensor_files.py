"""Writes what smdebug's hook writes, with numpy alone: event, index and collections files."""

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from diagnostics.tensors.events import masked_crc32c
from diagnostics.tensors.index import index_file
from diagnostics.tensors.saved_step import Mode

TYPES = {
    "float32": 1,
    "float64": 2,
    "int32": 3,
    "uint8": 4,
    "int16": 5,
    "int8": 6,
    "complex64": 8,
    "int64": 9,
    "bool": 10,
    "uint16": 17,
    "complex128": 18,
    "float16": 19,
    "uint32": 22,
    "uint64": 23,
}
MODE_NUMBERS = {Mode.TRAIN: 1, Mode.EVAL: 2, Mode.PREDICT: 3, Mode.GLOBAL: 4}
FOOTER = struct.pack("<I", masked_crc32c(b"0x12345678"))  # smdebug's constant in place of a checksum


def varint(value: int) -> bytes:
    """A protobuf number; negative ones as int64."""
    value &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def message(number: int, content: bytes) -> bytes:
    """A field of bytes, text or a message."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def number_field(number: int, value: int) -> bytes:
    """A field with a number."""
    return varint(number << 3) + varint(value)


def tensor_proto(array: npt.ArrayLike) -> bytes:
    """A TensorProto with tensor_content."""
    tensor = np.asarray(array)
    shape = b"".join(message(2, number_field(1, size)) for size in tensor.shape)
    return number_field(1, TYPES[tensor.dtype.name]) + message(2, shape) + message(4, tensor.tobytes())


def text_proto(words: Sequence[str]) -> bytes:
    """A TensorProto with string_val and, as smdebug writes it, no type."""
    return message(2, message(2, number_field(1, len(words)))) + b"".join(message(8, word.encode()) for word in words)


def record(name: str, step: int, proto: bytes, mode: Mode = Mode.TRAIN, mode_step: int = 0) -> bytes:
    """A framed event with one tensor."""
    plugins = (("mode_step", str(mode_step)), ("mode", str(MODE_NUMBERS[mode])))
    metadata = b"".join(message(1, message(1, key.encode()) + message(2, value.encode())) for key, value in plugins)
    value = message(1, name.encode()) + message(9, metadata) + message(8, proto)
    event = b"\x09" + struct.pack("<d", 1.0) + number_field(2, step) + message(5, message(1, value))
    return framed(event)


def framed(event: bytes) -> bytes:
    """A TFRecord."""
    size = struct.pack("<Q", len(event))
    return size + struct.pack("<I", masked_crc32c(size)) + event + FOOTER


class TensorFiles:
    """A debug-output folder of one worker."""

    def __init__(self, root: Path, worker: str = "worker_0") -> None:
        self.root = root
        self.worker = worker

    def save(
        self,
        step: int,
        tensors: Mapping[str, npt.ArrayLike],
        mode: Mode = Mode.TRAIN,
        mode_step: int | None = None,
        reductions: Mapping[str, Mapping[str, float]] | None = None,
    ) -> None:
        """Save a step: its event file, then its index. `reductions`: {"gradient/fc.weight": {"abs_mean": 0.1}}."""
        files = self.files_of(step, tensors, mode, mode_step, reductions)
        for name, content in files.items():
            self.write(name, content)

    def files_of(
        self,
        step: int,
        tensors: Mapping[str, npt.ArrayLike],
        mode: Mode = Mode.TRAIN,
        mode_step: int | None = None,
        reductions: Mapping[str, Mapping[str, float]] | None = None,
    ) -> dict[str, bytes]:
        """The same as {name: content}, in the order in which the hook writes."""
        own_step = step if mode_step is None else mode_step
        named = {name: tensor_proto(array) for name, array in tensors.items()}
        for name, figures in (reductions or {}).items():
            for reduction, figure in figures.items():
                named[f"smdebug/reductions/{reduction}/{name}"] = tensor_proto(np.float32(figure))
        event_file = f"events/{step:012d}/{step:012d}_{self.worker}.tfevents"
        events, payload = bytearray(), []
        for name, proto in named.items():
            framed_event = record(name, step, proto, mode, own_step)
            payload.append({"tensorname": name, "start_idx": len(events), "length": len(framed_event)})
            events += framed_event
        meta = {"mode": mode.value, "mode_step": own_step, "event_file_name": event_file}
        index = {"meta": meta, "tensor_payload": payload, "shape_payload": []}
        return {event_file: bytes(events), index_file(step, self.worker): json.dumps(index).encode()}

    def collections(self, **regexes: str) -> None:
        """The collections with a regex each; what every hook has, where none are given."""
        self.write(*self.collections_file(**regexes))

    def collections_file(self, **regexes: str) -> tuple[str, bytes]:
        """Its name and content."""
        chosen = regexes or {
            "weights": "^(?!gradient).*weight",
            "biases": "^(?!gradient).*bias",
            "gradients": "^gradient",
            "losses": "[Ll]oss_(?!input).*output",
        }
        content: dict[str, Any] = {
            name: {"name": name, "include_regex": [regex], "tensor_names": []} for name, regex in chosen.items()
        }
        document = {"collections": content, "_meta": {"num_workers": 1}}
        return f"collections/000000000/{self.worker}_collections.json", json.dumps(document).encode()

    def end(self) -> None:
        """Mark the end of the job."""
        self.write("training_job_end.ts", b"")

    def write(self, name: str, content: bytes) -> None:
        """Write a file whole, by rename, as the hook does."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.tmp")
        temporary.write_bytes(content)
        temporary.rename(path)
