"""SageMaker's own inference toolkits (of the PyTorch images) as the oracle of the handler contract.

The same models get the same requests from the toolkits, as a library, and from model_server/handler.py. What is
meant to be otherwise is told by a test of its own, with the reason.
"""

import base64
import json
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model_server.failures import failure
from model_server.handler import Handler
from model_server.messages import Invocation
from model_server.program import import_program
from tests.clients.environments import environment

JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"
TORCH_SITE = Path(torch.__file__).parents[1]


def npy(*numbers: float) -> bytes:
    stream = BytesIO()
    np.save(stream, np.array(numbers, dtype=np.float32))
    return stream.getvalue()


def request(body: bytes = b"[1.5, 2]", content_type: str | None = JSON, accept: str | None = None) -> Mapping[str, Any]:
    headers = {"content-type": content_type, "accept": accept}
    return {
        "headers": {name: value for name, value in headers.items() if value is not None},
        "body": base64.b64encode(body).decode(),
    }


LINEAR = """
import torch
class Double(torch.nn.Module):
    def forward(self, x): return x * 2
def model_fn(model_dir): return Double()
"""
DEFAULTS = [
    *(
        request(body, kind, accept)
        for kind, body in {JSON: b"[[1.5, 2], [3, 0.1]]", CSV: b"1.5,2\n3,0.1", NPY: npy(0.1, 2)}.items()
        for accept in (JSON, CSV, NPY, "*/*", None)
    ),
    request(b"[1, 2]", accept=CSV),
    request(b"[1, 2]", accept="application/x-npy"),
]


@dataclass(frozen=True)
class Case:
    """A model's files, what is asked of it, and whether the answers are errors (their bodies are then not alike)."""

    files: Mapping[str, str]
    requests: list[Mapping[str, Any]] = field(default_factory=lambda: [request()])
    program: str = "inference.py"


ALIKE = {
    "model_fn only": Case({"code/inference.py": LINEAR}, DEFAULTS),
    "all four": Case(
        {
            "code/inference.py": """
from helper import shout
def model_fn(model_dir): return open(model_dir + "/name.txt").read()
def input_fn(body, content_type): return body if isinstance(body, str) else body.decode()
def predict_fn(data, model): return shout(model + data)
def output_fn(prediction, accept): return prediction, "text/x-shout"
""",
            "code/helper.py": "def shout(text): return text.upper()",
            "name.txt": "rex",
        },
        [request(b"wau", "text/plain"), request(b"wau", JSON, "text/html"), request(b"", CSV)],
    ),
    "output_fn alone, without a content type": Case(
        {"code/inference.py": LINEAR + "def output_fn(prediction, accept): return str(prediction.tolist())"},
        [request(accept="a/b"), request(accept="*/*"), request()],
    ),
    "input_fn alone": Case(
        {"code/inference.py": LINEAR + "def input_fn(body, content_type): return torch.ones(2, dtype=torch.int32)"},
        [request(b"x", "image/png", accept) for accept in (JSON, CSV, NPY)],
    ),
    "predictions of other kinds": Case(
        {
            "code/inference.py": LINEAR
            + "import numpy\ndef predict_fn(data, model): return {'labels': ['a'], 'array': numpy.ones(2)}"
        }
    ),
    "transform_fn": Case(
        {
            "code/inference.py": """
def model_fn(model_dir): return "model"
def transform_fn(model, body, content_type, accept): return repr((model, body, content_type, accept)), "text/plain"
"""
        },
        [request(b"a", "text/csv"), request(b"\xff", "image/png", "x/y"), request(b"{}", JSON, "*/*")],
    ),
    "functions that take the context": Case(
        {
            "code/inference.py": """
def model_fn(model_dir, context): return context.system_properties["model_dir"] == model_dir
def transform_fn(model, body, content_type, accept, context):
    context.set_response_header(0, "X-Seen", context.get_request_header(0, "accept"))
    return str(model)
"""
        },
        [request(accept="text/plain")],
    ),
    "functions around model_fn": Case(
        {
            "code/inference.py": """
calls = []
def pre_model_fn(model_dir): calls.append("pre")
def model_fn(model_dir): calls.append("model"); return calls
def model_warmup_fn(model_dir, model): model.append("warm")
def transform_fn(model, body, content_type, accept): return ",".join(model)
"""
        }
    ),
    "another program": Case(
        {"code/serve.py": "def model_fn(model_dir): return 1\ndef transform_fn(m, b, c, a): return 'served'"},
        program="serve.py",
    ),
    "a whole-model pickle, by the model's own code": Case(
        {
            "code/inference.py": """
import pickle
from network import Network
def model_fn(model_dir):
    with open(model_dir + "/model.pkl", "wb") as file: pickle.dump(Network(3), file)
    with open(model_dir + "/model.pkl", "rb") as file: return pickle.load(file)
def transform_fn(model, body, content_type, accept): return f"{type(model).__module__} {model.factor}"
""",
            "code/network.py": "class Network:\n    def __init__(self, factor): self.factor = factor",
        }
    ),
    "a class of the program itself in a pickle": Case(
        {
            "code/inference.py": """
import pickle
class Own: pass
def model_fn(model_dir): return pickle.loads(pickle.dumps(Own()))
def transform_fn(model, body, content_type, accept): return str(isinstance(model, Own))
"""
        }
    ),
}


@dataclass(frozen=True)
class Run:
    """Cases by name, and what each side made of them."""

    toolkit: Mapping[str, Any]
    ours: Mapping[str, Any]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """All cases, by both: one process of the toolkits for all, since it takes seconds to start."""
    cases = {**ALIKE, **{name: case for name, (case, *_) in OTHERWISE.items()}, **LOADED}
    written = [_written(tmp_path_factory.mktemp("model"), case) for case in cases.values()]
    script = Path(__file__).parent / "inference_toolkit" / "toolkit.py"
    ran = subprocess.run(
        [environment("inference_toolkit"), script, TORCH_SITE],
        input=json.dumps(written),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated, and what models are deployed with
        ours = [_answered(case) for case in written]
    return Run(dict(zip(cases, json.loads(ran.stdout), strict=True)), dict(zip(cases, ours, strict=True)))


@pytest.mark.parametrize("name", ALIKE)
def test_models_answer_alike(run: Run, name: str) -> None:
    assert "answers" in run.toolkit[name], run.toolkit[name]
    for sent, theirs, ours in zip(
        ALIKE[name].requests, run.toolkit[name]["answers"], run.ours[name]["answers"], strict=True
    ):
        assert theirs[0] == 200, base64.b64decode(theirs[2]).decode()
        assert ours == theirs, sent


# Where an answer is otherwise than the toolkits': the case, their status, ours, and why.
OTHERWISE: Mapping[str, tuple[Case, int, int, str]] = {
    "unsupported content type": (
        Case({"code/inference.py": LINEAR}, [request(b"x", "image/png")]),
        500,
        415,
        "it is the client's fault and can be told from the model's",
    ),
    "unsupported accept": (
        Case({"code/inference.py": LINEAR}, [request(accept="text/html")]),
        500,
        406,
        "it is the client's fault and can be told from the model's",
    ),
    "unreadable input": (
        Case({"code/inference.py": LINEAR}, [request(b"{not json")]),
        500,
        400,
        "it is the client's fault and can be told from the model's",
    ),
    "an exception": (
        Case({"code/inference.py": LINEAR + "def predict_fn(data, model): raise ValueError('bad')"}),
        500,
        500,
        "the body is {code, message}; the traceback is in the log alone",
    ),
    "an exception with a status": (
        Case(
            {
                "code/inference.py": LINEAR
                + "class E(Exception): status_code = 422\ndef predict_fn(data, model): raise E('bad')"
            }
        ),
        500,
        422,
        "any exception may say its status, not only those of the toolkits",
    ),
    "a content type with parameters": (
        Case({"code/inference.py": LINEAR}, [request(content_type="application/json; charset=utf-8")]),
        500,
        200,
        "HTTP's clients send it",
    ),
    "accept with parameters": (
        Case({"code/inference.py": LINEAR}, [request(accept="application/json;q=0.9, */*")]),
        500,
        200,
        "HTTP's clients send it",
    ),
    "no content type": (
        Case({"code/inference.py": LINEAR + "def input_fn(body, kind): return torch.ones(1)"}, [request(b"x", None)]),
        200,
        200,
        "input_fn is given application/octet-stream, HTTP's own reading, in place of None",
    ),
    "a model that is a function": (
        Case({"code/inference.py": "import torch\ndef model_fn(model_dir): return lambda data: data"}),
        500,
        200,
        "predict_fn calls whatever model_fn made",
    ),
    "a parameter with a default": (
        Case({"code/inference.py": LINEAR + "def predict_fn(data, model, scale=2): return data * scale"}),
        500,
        200,
        "only a parameter that must be given, or is called context, is given the context",
    ),
    "a program in a folder": (
        Case(
            {"code/sub/serve.py": LINEAR + "from sibling import name", "code/sub/sibling.py": "name = 1"},
            program="sub/serve.py",
        ),
        0,
        200,
        "the toolkits do not find it",
    ),
}


@pytest.mark.parametrize("name", OTHERWISE)
def test_answers_that_are_meant_to_be_otherwise(run: Run, name: str) -> None:
    _, theirs, ours, reason = OTHERWISE[name]
    assert reason
    found = run.toolkit[name]
    assert (found["answers"][0][0] if "answers" in found else 0) == theirs, found
    assert run.ours[name]["answers"][0][0] == ours, base64.b64decode(run.ours[name]["answers"][0][2])


SCRIPTED = "torchscript"  # files of this content are written as TorchScript models
LOADED = {
    "model.pt": Case({"model.pt": SCRIPTED}),
    "the only .pth": Case({"weights.pth": SCRIPTED, "notes.txt": "x"}),
    "several": Case({"one.pth": SCRIPTED, "two.pth": SCRIPTED}),
    "none": Case({"notes.txt": "x"}),
    "no TorchScript": Case({"model.pt": "x"}),
    "transform_fn beside its parts": Case(
        {
            "code/inference.py": "def model_fn(d): return 1\ndef transform_fn(m, b, c, a): return b\n"
            "def input_fn(b, c): return b"
        }
    ),
}


@pytest.mark.parametrize("name", LOADED)
def test_the_default_model_fn_loads_and_refuses_the_same_folders(run: Run, name: str) -> None:
    assert run.ours[name].keys() == run.toolkit[name].keys(), (run.ours[name], run.toolkit[name])
    assert run.ours[name].get("answers") == run.toolkit[name].get("answers")


def test_a_pickle_in_a_request_is_loaded_by_the_toolkits_alone(run: Run, tmp_path: Path) -> None:
    """Their default input_fn runs what any client sends; ours refuses it."""
    stream = BytesIO()
    np.save(stream, np.array([{"an": "object"}], dtype=object), allow_pickle=True)
    folder = _written(tmp_path, Case({"code/inference.py": LINEAR}, [request(stream.getvalue(), NPY)]))
    status, _, body, _ = _answered(folder)["answers"][0]
    assert (status, b"allow_pickle" in base64.b64decode(body)) == (400, True)


class _Double(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 2


def _written(folder: Path, case: Case) -> dict[str, Any]:
    """The case as both sides read it, its files in place."""
    for name, content in case.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content == SCRIPTED:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                torch.jit.script(_Double()).save(str(path))  # type: ignore[no-untyped-call]
        else:
            path.write_text(content)
    return {"model_dir": str(folder), "program": case.program, "requests": case.requests}


def _answered(case: Mapping[str, Any]) -> dict[str, Any]:
    """What model_server/handler.py answers, in the form of inference_toolkit/toolkit.py."""
    model_dir = Path(case["model_dir"])
    code, program = model_dir / "code", case["program"]
    with _imports_from(code):
        try:
            module = import_program(code, program if (code / program).is_file() else None)
            handler = Handler(module, model_dir)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is compared
            return {"error": f"{type(error).__name__}: {error}"}
        return {"answers": [_answer(handler, sent) for sent in case["requests"]]}


def _answer(handler: Handler, sent: Mapping[str, Any]) -> list[Any]:
    try:
        answer = handler.invoke(Invocation(base64.b64decode(sent["body"]), sent["headers"]))
    except Exception as error:  # noqa: BLE001 - the model server's boundary
        answer = failure(error)
    assert isinstance(answer.body, bytes)
    headers = dict(answer.headers)
    return [answer.status, headers.get("content-type"), base64.b64encode(answer.body).decode(), headers]


@contextmanager
def _imports_from(folder: Path) -> Iterator[None]:
    """The model's code folder first on sys.path, and its modules forgotten afterwards."""
    before, path = set(sys.modules), list(sys.path)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
                del sys.modules[name]
