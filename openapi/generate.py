"""Write openapi/openapi.json: `python -m openapi.generate`. A test fails when the file is stale."""

import json
from pathlib import Path

from service.app import create_app
from service.routes.documentation import app_document

DOCUMENT_PATH = Path(__file__).with_name("openapi.json")


def text() -> str:
    """The file's content as it should be."""
    return json.dumps(app_document(create_app()), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    DOCUMENT_PATH.write_text(text(), encoding="utf-8")
