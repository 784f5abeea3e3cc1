"""Answers the cases on standard input by SageMaker's own inference toolkits. Arguments: site-packages that hold torch.

A case is a model folder with its requests; an answer is (status, content type, headers, body) of each request, or the
error that the model could not be loaded for. Bodies are base64.
"""

import base64
import importlib
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

sys.path.extend(sys.argv[1:])
warnings.simplefilter("ignore")


class Request:
    def __init__(self, headers: dict[str, str]) -> None:
        self.headers = headers

    def get_request_properties(self) -> dict[str, str]:
        return self.headers


class Context:
    """The part of the model server's context that the toolkits use."""

    def __init__(self, model_dir: str, headers: dict[str, str]) -> None:
        self.system_properties = {"model_dir": model_dir}
        self.request_processor = [Request(headers)]
        self.model_name = "model"
        self.status = 200
        self.headers: dict[str, str | None] = {}

    def get_request_header(self, index: int, name: str) -> str | None:
        return self.request_processor[index].headers.get(name)

    def set_response_status(self, code: int = 200, phrase: str = "", idx: int = 0) -> None:
        self.status = code

    def set_response_header(self, index: int, name: str, value: str | None) -> None:
        self.headers[name.lower()] = value

    def set_response_content_type(self, index: int, value: str | None) -> None:
        self.set_response_header(index, "content-type", value)


def answers(case: dict[str, Any]) -> dict[str, Any]:
    from sagemaker_inference.transformer import Transformer  # type: ignore[import-not-found]  # in its own environment
    from sagemaker_pytorch_serving_container import (  # type: ignore[import-not-found]  # likewise
        default_pytorch_inference_handler as defaults,
    )

    transformer = Transformer(default_inference_handler=defaults.DefaultPytorchInferenceHandler())
    model_dir = case["model_dir"]
    try:
        transformer.validate_and_initialize(model_dir, Context(model_dir, {}))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is compared
        return {"error": f"{type(error).__name__}: {error}"}
    return {"answers": [answer(transformer, model_dir, request) for request in case["requests"]]}


def answer(transformer: Any, model_dir: str, request: dict[str, Any]) -> list[Any]:
    context = Context(model_dir, request["headers"])
    transformer._context = context  # the toolkit would go on passing the context of its first request
    (body,) = transformer.transform([{"body": base64.b64decode(request["body"])}], context)
    content = body.encode() if isinstance(body, str) else bytes(body)
    return [context.status, context.headers.get("content-type"), base64.b64encode(content).decode(), context.headers]


def main() -> None:
    found = []
    for case in json.load(sys.stdin):
        before, path = set(sys.modules), list(sys.path)
        sys.path.insert(0, str(Path(case["model_dir"], "code")))
        os.chdir(case["model_dir"])
        os.environ["SAGEMAKER_PROGRAM"] = case["program"]
        importlib.invalidate_caches()
        found.append(answers(case))
        sys.path[:] = path
        for name in set(sys.modules) - before:
            if str(getattr(sys.modules[name], "__file__", "")).startswith(case["model_dir"]):
                del sys.modules[name]
    json.dump(found, sys.stdout)


main()
