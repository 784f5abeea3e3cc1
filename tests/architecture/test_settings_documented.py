"""docs/settings.md names every setting with its default, and no other."""

import re
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from local_sagemaker.settings import Settings as LocalSageMakerSettings
from service.settings import REPOSITORY_DIR
from service.settings import Settings as ServiceSettings

DOCUMENT = REPOSITORY_DIR / "docs" / "settings.md"
ROW = re.compile(r"^\| `(?P<name>[A-Z0-9_]+)` \| (?P<default>.*?) \| (?P<description>.*) \|$", re.MULTILINE)


def shown(default: object) -> str:
    """A default as the table shows it."""
    if default is None:
        return "none"
    if isinstance(default, Path):
        path = default.relative_to(REPOSITORY_DIR) if default.is_absolute() else default
        return f"`{path}`"
    return f"`{default}`"


def rows_of(settings: type[BaseSettings], prefix: str) -> dict[str, tuple[str, str]]:
    """Variable -> (default, description), as the class has them."""
    return {
        str(field.validation_alias or f"{prefix}{name}".upper()): (shown(field.default), field.description or "")
        for name, field in settings.model_fields.items()
    }


@pytest.fixture(scope="module")
def documented() -> dict[str, tuple[str, str]]:
    """Variable -> (default, description), as the document has them."""
    rows = ROW.findall(DOCUMENT.read_text(encoding="utf-8"))
    names = [name for name, _, _ in rows]
    assert len(names) == len(set(names))
    return {name: (default, description) for name, default, description in rows}


@pytest.mark.parametrize(
    ("settings", "prefix"), [(ServiceSettings, "SAGEHOUND_"), (LocalSageMakerSettings, "LOCAL_SAGEMAKER_")]
)
def test_every_setting_is_documented(
    documented: dict[str, tuple[str, str]], settings: type[BaseSettings], prefix: str
) -> None:
    rows = rows_of(settings, prefix)
    mine = {name: documented.get(name) for name in rows}
    assert mine == rows
    assert {name for name in documented if name.startswith(prefix)} <= set(rows)
