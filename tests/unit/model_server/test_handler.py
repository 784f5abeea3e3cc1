"""model_server/handler.py: the contract of inference.py, and its defaults."""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from model_server import formats
from model_server.context import HandlerContext
from model_server.handler import Handler
from model_server.messages import Invocation
from model_server.program import BadHandler, import_program


def module(**functions: Callable[..., Any]) -> ModuleType:
    found = ModuleType("inference")
    for name, function in functions.items():
        setattr(found, name, function)
    return found


def double(model_dir: str) -> Callable[[Any], Any]:
    return lambda data: data * 2


def test_a_header_that_http_cannot_carry_is_the_models_fault(tmp_path: Path) -> None:
    for content_type in ("text/caf\u00e9", "text/plain\r\nX-More: 1"):
        handler = Handler(module(model_fn=double, output_fn=lambda *_, kind=content_type: (b"", kind)), tmp_path)
        with pytest.raises(BadHandler, match="content-type"):
            handler.invoke(Invocation(b"1", {"content-type": "application/json"}))


def npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


@pytest.fixture(autouse=True)
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever other tests imported: these models use no torch."""
    monkeypatch.delitem(sys.modules, "torch", raising=False)


def test_all_four_functions_see_what_the_contract_says(tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    def model_fn(model_dir: str) -> str:
        seen["model_fn"] = model_dir
        return "model"

    def input_fn(body: Any, content_type: str) -> str:
        seen["input_fn"] = (body, content_type)
        return "data"

    def predict_fn(data: Any, model: Any) -> str:
        seen["predict_fn"] = (data, model)
        return "prediction"

    def output_fn(prediction: Any, accept: str) -> tuple[bytes, str]:
        seen["output_fn"] = (prediction, accept)
        return b"answer", "text/plain"

    handler = Handler(
        module(model_fn=model_fn, input_fn=input_fn, predict_fn=predict_fn, output_fn=output_fn), tmp_path
    )
    answer = handler.invoke(Invocation(b"\xff", {"content-type": "image/jpeg", "accept": "application/json; top_k=5"}))
    assert seen == {
        "model_fn": str(tmp_path),
        "input_fn": (b"\xff", "image/jpeg"),
        "predict_fn": ("data", "model"),
        "output_fn": ("prediction", "application/json; top_k=5"),
    }
    assert (answer.body, answer.status, answer.headers["content-type"]) == (b"answer", 200, "text/plain")


@pytest.mark.parametrize(
    ("content_type", "accept", "body", "expected"),
    [
        ("application/json", "application/json", b"[1, 2]", b"[2, 4]"),
        ("application/json; charset=utf-8", "*/*", b"[[1], [2]]", b"[[2], [4]]"),
        ("text/csv", "application/json", b"1,2\n3,4", b"[[2.0, 4.0], [6.0, 8.0]]"),
        ("text/csv", "text/csv", b"1,2", b"2.0\n4.0\n"),
        ("application/x-npy", "application/json", npy(np.array([1.5])), b"[3.0]"),
        ("application/x-npy", "application/x-npy", npy(np.array([1.5])), npy(np.array([3.0]))),
        ("application/json", "text/html, text/csv;q=0.5", b"[1]", b"2\n"),
    ],
)
def test_default_input_and_output(tmp_path: Path, content_type: str, accept: str, body: bytes, expected: bytes) -> None:
    handler = Handler(module(model_fn=double), tmp_path)
    answer = handler.invoke(Invocation(body, {"content-type": content_type, "accept": accept}))
    assert answer.body == expected


def test_without_headers_the_body_is_octets_and_the_answer_json(tmp_path: Path) -> None:
    seen = []

    def input_fn(body: Any, content_type: str) -> int:
        seen.append((body, content_type))
        return 4

    answer = Handler(module(model_fn=double, input_fn=input_fn), tmp_path).invoke(Invocation(b"b", {}))
    assert seen == [(b"b", "application/octet-stream")]
    assert (answer.body, answer.headers["content-type"]) == (b"8", "application/json")


def test_text_arrives_as_str_as_in_the_public_toolkits(tmp_path: Path) -> None:
    handler = Handler(
        module(
            model_fn=double, input_fn=lambda body, content_type: type(body).__name__, predict_fn=lambda data, _: data
        ),
        tmp_path,
    )
    kinds = {
        kind: handler.invoke(Invocation(b"1", {"content-type": kind})).body
        for kind in ("application/json", "text/csv", "image/png")
    }
    assert kinds == {"application/json": b'"str"', "text/csv": b'"str"', "image/png": b'"bytes"'}


@pytest.mark.parametrize(
    ("headers", "body", "error"),
    [
        ({"content-type": "image/png"}, b"x", formats.UnsupportedContentType),
        ({"content-type": "application/json", "accept": "text/html"}, b"1", formats.UnsupportedAccept),
        ({"content-type": "application/json"}, b"{not json", formats.UnreadableInput),
        ({"content-type": "application/json"}, b"\xff\xfe", formats.UnreadableInput),
        ({"content-type": "application/x-npy"}, b"no npy", formats.UnreadableInput),
    ],
)
def test_the_defaults_refuse_what_they_cannot_read(
    tmp_path: Path, headers: dict[str, str], body: bytes, error: type[Exception]
) -> None:
    handler = Handler(module(model_fn=double), tmp_path)
    with pytest.raises(error) as raised:
        handler.invoke(Invocation(body, headers))
    assert 400 <= getattr(raised.value, "status_code", 0) < 500


def test_a_pickle_in_an_npy_is_not_loaded(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
            return (Path.touch, (tmp_path / "sprung",))  # type: ignore[return-value]

    stream = io.BytesIO()
    np.save(stream, np.array([Trap()], dtype=object), allow_pickle=True)
    handler = Handler(module(model_fn=double), tmp_path)
    with pytest.raises(formats.UnreadableInput, match="allow_pickle"):
        handler.invoke(Invocation(stream.getvalue(), {"content-type": "application/x-npy"}))
    assert not (tmp_path / "sprung").exists()


def test_functions_may_take_a_context(tmp_path: Path) -> None:
    def model_fn(model_dir: str, context: HandlerContext) -> Any:
        assert context.system_properties["model_dir"] == model_dir
        return lambda data: data

    def input_fn(body: Any, content_type: str, request_context: HandlerContext) -> Any:
        return request_context.get_request_header(0, "X-Custom")

    def output_fn(prediction: Any, accept: str, *, context: HandlerContext) -> str:
        context.set_response_header(0, "X-Answer", "yes")
        context.set_response_status(201)
        return str(prediction)

    handler = Handler(module(model_fn=model_fn, input_fn=input_fn, output_fn=output_fn), tmp_path)
    answer = handler.invoke(Invocation(b"", {"x-custom": "header"}))
    assert (answer.body, answer.status, answer.headers["x-answer"]) == (b"header", 201, "yes")


def test_a_parameter_with_a_default_is_no_context(tmp_path: Path) -> None:
    def predict_fn(data: Any, model: Any, scale: int = 10) -> Any:
        return data * scale

    handler = Handler(module(model_fn=double, predict_fn=predict_fn), tmp_path)
    assert handler.invoke(Invocation(b"[1]", {"content-type": "application/json"})).body == b"[10]"


def test_transform_fn_does_everything(tmp_path: Path) -> None:
    def transform_fn(model: Any, body: Any, content_type: str, accept: str) -> tuple[str, str]:
        return f"{model('a')}|{body.decode()}|{content_type}|{accept}", "text/plain"

    handler = Handler(module(model_fn=double, transform_fn=transform_fn), tmp_path)
    answer = handler.invoke(Invocation(b"b", {"content-type": "a/b", "accept": "c/d"}))
    assert answer.body == b"aa|b|a/b|c/d"


def test_transform_fn_beside_its_parts_is_refused(tmp_path: Path) -> None:
    both = module(model_fn=double, transform_fn=lambda *_: b"", predict_fn=lambda data, model: data)
    with pytest.raises(BadHandler, match="transform_fn"):
        Handler(both, tmp_path)


def test_a_generator_answers_in_parts(tmp_path: Path) -> None:
    def output_fn(prediction: Any, accept: str) -> Any:
        yield "a"
        yield b"b"
        yield 3

    answer = Handler(module(model_fn=double, output_fn=output_fn), tmp_path).invoke(
        Invocation(b"[1]", {"content-type": "application/json", "accept": "text/plain"})
    )
    assert not isinstance(answer.body, bytes)
    assert (next(answer.body), next(answer.body), answer.headers["content-type"]) == (b"a", b"b", "text/plain")
    with pytest.raises(BadHandler, match="it returned a int"):
        next(answer.body)


def test_functions_around_model_fn(tmp_path: Path) -> None:
    calls: list[Any] = []
    Handler(
        module(
            pre_model_fn=calls.append,
            model_fn=lambda model_dir: len(calls),
            model_warmup_fn=lambda model_dir, model: calls.append(model),
        ),
        tmp_path,
    )
    assert calls == [str(tmp_path), 1]


def test_an_answer_that_is_no_bytes_is_named(tmp_path: Path) -> None:
    handler = Handler(module(model_fn=double, output_fn=lambda prediction, accept: {"a": 1}), tmp_path)
    with pytest.raises(BadHandler, match="returned a dict"):
        handler.invoke(Invocation(b"[1]", {"content-type": "application/json"}))


def test_without_model_fn_and_without_torchscript_it_is_said_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").touch()
    with pytest.raises(BadHandler, match=r"model\.pt.*weights\.bin.*code/inference\.py"):
        Handler(None, tmp_path)


def test_the_program_is_imported_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "serve-it.py").write_text("x = __name__")
    found = import_program(tmp_path, "serve-it.py")
    assert found is not None
    assert found.x == "serve-it"
    assert import_program(tmp_path, None) is None
    with pytest.raises(BadHandler, match=r"SAGEMAKER_PROGRAM is missing\.py"):
        import_program(tmp_path, "missing.py")
