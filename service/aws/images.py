"""Image URIs from the tables of the sagemaker SDK, so that accounts and regions are AWS's own."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterable
from typing import Literal, NamedTuple

from service.aws import image_tables
from service.errors import BadRequest, InternalError, Problem
from service.settings import Settings

Scope = Literal["training", "inference"]
Question = tuple[tuple[str, str], ...]  # image_uris.retrieve's keyword arguments, in order
ASK_TIMEOUT_SECONDS = 120
_answers: dict[Question, dict[str, str]] = {}  # the SDK's tables do not change while the process lives
_one_at_a_time = threading.Lock()


class Framework(NamedTuple):
    """Which images: of one region, PyTorch version and Python version."""

    region: str
    version: str
    python: str

    @classmethod
    def of(cls, settings: Settings) -> "Framework":
        """As the settings say."""
        return cls(settings.region, settings.framework_version, settings.python_version)

    def pytorch(self, scope: Scope, instance_type: str) -> Question:
        """The question for a PyTorch image."""
        return (
            ("framework", "pytorch"),
            ("region", self.region),
            ("version", self.version),
            ("py_version", self.python),
            ("instance_type", instance_type),
            ("image_scope", scope),
        )

    def questions(self, instance_type: str) -> tuple[Question, Question, Question]:
        """All that is asked when jobs and endpoints are made for an instance type."""
        return self.pytorch("training", instance_type), self.pytorch("inference", instance_type), self.rules()

    def rules(self) -> Question:
        """The question for the rule evaluator's image."""
        return (("framework", "debugger"), ("region", self.region))


def training_image(settings: Settings, instance_type: str) -> str:
    """The PyTorch training image for an instance type. Raises BadRequest when the SDK knows none."""
    return settings.training_image or _pytorch(settings, "training", instance_type)


def inference_image(settings: Settings, instance_type: str) -> str:
    """The PyTorch inference image for an instance type. Raises BadRequest when the SDK knows none."""
    return settings.inference_image or _pytorch(settings, "inference", instance_type)


def own_container_image(settings: Settings) -> str:
    """The image built from inference/Dockerfile. Raises BadRequest with the way to it when no setting names it."""
    if settings.own_container_image is None:
        raise BadRequest(
            "The service knows no image for container own: SAGEHOUND_OWN_CONTAINER_IMAGE is not set.",
            "Build it in the repository (docker build -f inference/Dockerfile -t IMAGE .), docker push it to a "
            "repository of Amazon ECR in the endpoint's region, start the service with "
            "SAGEHOUND_OWN_CONTAINER_IMAGE=IMAGE, and send this again; or leave container out.",
        )
    return settings.own_container_image


def rule_evaluator_image(settings: Settings) -> str:
    """The image that evaluates Debugger and Profiler rules. Raises BadRequest for a region without one."""
    framework = Framework.of(settings)
    try:
        return _retrieve(framework.rules())
    except ValueError as error:
        raise _unknown(error, 'Send "debugger": null and "profiler": null, or use another region.') from error


def prepare(settings: Settings, instance_types: Iterable[str]) -> None:
    """Ask now for the images of these instance types, so that the first job need not wait for the SDK's import."""
    framework = Framework.of(settings)
    with _one_at_a_time:
        _ask(question for name in instance_types for question in framework.questions(name))


def _pytorch(settings: Settings, scope: Scope, instance_type: str) -> str:
    framework = Framework.of(settings)
    try:
        return _retrieve(framework.pytorch(scope, instance_type), *framework.questions(instance_type))
    except ValueError as error:
        action = (
            "Correct instance_type, or SAGEHOUND_FRAMEWORK_VERSION and SAGEHOUND_PYTHON_VERSION, "
            f"or name the image in SAGEHOUND_{scope.upper()}_IMAGE."
        )
        raise _unknown(error, action) from error


def _unknown(error: ValueError, action: str) -> Problem:
    return BadRequest(f"The sagemaker SDK has no such image: {error}", action)


def _retrieve(question: Question, *companions: Question) -> str:
    """The URI; the SDK is asked at need, for companions too. Raises ValueError in the SDK's words."""
    with _one_at_a_time:
        if question not in _answers:
            _ask((question, *companions))
        answer = _answers[question]
    if "error" in answer:
        raise ValueError(answer["error"])
    return answer["uri"]


def _ask(questions: Iterable[Question]) -> None:
    unknown = [question for question in dict.fromkeys(questions) if question not in _answers]
    asked = subprocess.run(
        [sys.executable, "-P", image_tables.__file__],
        input=json.dumps([dict(question) for question in unknown]),
        capture_output=True,
        text=True,
        check=False,
        timeout=ASK_TIMEOUT_SECONDS,
    )
    if asked.returncode != 0:
        raise InternalError(
            f"The sagemaker SDK cannot be asked for image URIs: {asked.stderr.strip().rpartition(chr(10))[2]}",
            "Install the service anew, or set SAGEHOUND_TRAINING_IMAGE and SAGEHOUND_INFERENCE_IMAGE.",
        )
    _answers.update(zip(unknown, json.loads(asked.stdout), strict=True))
