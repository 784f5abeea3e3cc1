"""Requests and a context for tests of operations on jobs."""

import threading
from pathlib import Path
from typing import Any, cast

import aiohttp
import botocore.session
from botocore.validate import ParamValidator

from local_sagemaker.operations.context import Context
from local_sagemaker.settings import Settings
from local_sagemaker.store.database import Database


def make_context(state_dir: Path) -> Context:
    """A context over a state folder, without a server."""
    settings = Settings(state_dir=state_dir)
    no_http = cast(aiohttp.ClientSession, None)
    return Context(settings, Database(settings.database_path), threading.Event(), no_http, "eu-west-1")


def rule(name: str, configuration: str = "", **parameters: str) -> dict[str, Any]:
    """A DebugRuleConfiguration or ProfilerRuleConfiguration."""
    return {
        "RuleConfigurationName": configuration or name,
        "RuleEvaluatorImage": "image",
        "RuleParameters": {"rule_to_invoke": name, **parameters},
    }


def without_none(value: Any) -> Any:
    """The value as the wire writes it: members that are None are left out."""
    if isinstance(value, dict):
        return {name: without_none(member) for name, member in value.items() if member is not None}
    return [without_none(member) for member in value] if isinstance(value, list) else value


def check_response(service: str, operation: str, response: dict[str, Any]) -> None:
    """Assert that a response has its shape, required members included."""
    model = botocore.session.get_session().get_service_model(service).operation_model(operation)
    assert model.output_shape is not None
    unknown = set(response) - set(model.output_shape.members)
    assert not unknown
    report = ParamValidator().validate(without_none(response), model.output_shape)
    assert not report.has_errors(), report.generate_report()
