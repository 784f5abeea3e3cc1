"""GET /docs: Swagger UI from this process alone, for networks without a CDN. GET /openapi.json: the document."""

import re
from base64 import b64encode
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse

from service import openapi_document

router = APIRouter(include_in_schema=False)

ASSETS_PACKAGE = "fastapi_offline"  # ships Swagger UI's files; its code is not imported
CACHED = {"Cache-Control": "public, max-age=3600"}
POLICY = (  # the page loads from, and talks to, this origin only
    "default-src 'none'; script-src 'self' '{script}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
INLINE_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
SWAGGER_UI = {
    "tryItOutEnabled": True,
    "displayRequestDuration": True,
    "defaultModelsExpandDepth": 0,
    "syntaxHighlight": False,  # a dozen examples an operation: colours make it slow to open
}


@router.get("/")
async def to_docs(request: Request) -> RedirectResponse:
    """Somebody opened the service in a browser."""
    return RedirectResponse(f"{_root(request)}/docs")


@router.get("/docs")
async def swagger_ui(request: Request) -> HTMLResponse:
    """The page; scripts and styles come from /docs/assets."""
    assets = f"{_root(request)}/docs/assets"
    page = get_swagger_ui_html(
        openapi_url=f"{_root(request)}/openapi.json",
        title=f"{openapi_document.TITLE}: REST API",
        swagger_js_url=f"{assets}/swagger-ui-bundle.js",
        swagger_css_url=f"{assets}/swagger-ui.css",
        swagger_favicon_url=f"{assets}/favicon.png",
        swagger_ui_parameters=SWAGGER_UI,
    )
    page.headers["Content-Security-Policy"] = POLICY.format(script=_hash_of_inline_script(bytes(page.body).decode()))
    return page


@router.get("/docs/assets/{name}")
def asset(name: Literal["swagger-ui-bundle.js", "swagger-ui.css", "favicon.png"]) -> FileResponse:
    """A file of Swagger UI."""
    return FileResponse(_assets_dir() / name, headers=CACHED)


@router.get("/favicon.ico")
def favicon() -> FileResponse:
    """Browsers ask for it on pages that name no icon, such as the document."""
    return asset("favicon.png")


@router.get("/openapi.json")
def openapi_json(request: Request) -> JSONResponse:
    """The OpenAPI document, made at the first request."""
    return JSONResponse(app_document(request.app))


def app_document(app: Any) -> dict[str, Any]:
    """The document of the app, kept where FastAPI keeps it."""
    if app.openapi_schema is None:
        app.openapi_schema = openapi_document.document(app.routes)
    made: dict[str, Any] = app.openapi_schema
    return made


def _hash_of_inline_script(page: str) -> str:
    """The source expression that allows this script and no other one inside the page."""
    scripts = INLINE_SCRIPT.findall(page)
    if len(scripts) != 1:
        raise RuntimeError(f"FastAPI's page of Swagger UI has {len(scripts)} inline scripts; the policy allows one")
    return f"sha256-{b64encode(sha256(scripts[0].encode()).digest()).decode()}"


def _root(request: Request) -> str:
    """The path that a proxy in front takes away."""
    return str(request.scope.get("root_path", "")).rstrip("/")


def _assets_dir() -> Path:
    package = find_spec(ASSETS_PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise RuntimeError(f"the package {ASSETS_PACKAGE} is not installed, so there is no Swagger UI to serve")
    return Path(package.submodule_search_locations[0]) / "static"
