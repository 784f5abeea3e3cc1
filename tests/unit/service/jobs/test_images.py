"""Image URIs from the SDK's tables, for the versions that the settings name by default."""

import subprocess
from pathlib import Path

import pytest

from service.aws import image_tables, images
from service.errors import BadRequest, InternalError
from service.settings import Settings

REGISTRY = "763104351884.dkr.ecr.us-east-1.amazonaws.com"


@pytest.fixture(scope="module", autouse=True)
def _prepared() -> None:
    """One question for what most tests ask: each costs an import of the SDK."""
    images.prepare(Settings(), ["ml.m5.xlarge", "ml.g4dn.xlarge", "nonsense"])


@pytest.mark.parametrize(("instance_type", "processor"), [("ml.m5.xlarge", "cpu"), ("ml.g4dn.xlarge", "gpu")])
def test_default_versions_exist_for_training_and_inference(instance_type: str, processor: str) -> None:
    settings = Settings()
    tag = f"2.5.1-{processor}-py311"
    assert images.training_image(settings, instance_type) == f"{REGISTRY}/pytorch-training:{tag}"
    assert images.inference_image(settings, instance_type) == f"{REGISTRY}/pytorch-inference:{tag}"


def test_rule_evaluator_image() -> None:
    uri = "503895931360.dkr.ecr.us-east-1.amazonaws.com/sagemaker-debugger-rules:latest"
    assert images.rule_evaluator_image(Settings()) == uri


def test_settings_win() -> None:
    settings = Settings(training_image="mine:1", inference_image="mine:2")
    assert images.training_image(settings, "nonsense") == "mine:1"
    assert images.inference_image(settings, "nonsense") == "mine:2"


def test_what_the_tables_do_not_have_is_a_problem() -> None:
    with pytest.raises(BadRequest, match="Invalid SageMaker instance type: nonsense") as caught:
        images.training_image(Settings(), "nonsense")
    assert "SAGEHOUND_TRAINING_IMAGE" in caught.value.action
    with pytest.raises(BadRequest, match="Unsupported pytorch version: 99"):
        images.inference_image(Settings(framework_version="99"), "ml.m5.xlarge")


def test_prepared_images_need_no_further_question(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings()
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("asked again"))
    assert "-gpu-" in images.inference_image(settings, "ml.g4dn.xlarge")
    assert "debugger" in images.rule_evaluator_image(settings)


def test_an_sdk_that_cannot_be_imported_is_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "image_tables.py"
    broken.write_text("raise ImportError('no sagemaker here')")
    monkeypatch.setattr(image_tables, "__file__", str(broken))
    with pytest.raises(InternalError, match="no sagemaker here") as caught:
        images.training_image(Settings(region="eu-west-1"), "ml.m5.xlarge")
    assert "SAGEHOUND_TRAINING_IMAGE" in caught.value.action
