"""The pages: one list of days, one page per day, the gates' report and the published files.

Airflow mounts a plugin's application without any login check, so every route here asks Airflow's own: the
user must be known (401) and allowed to see this view (403).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse

from ui import reading
from ui.texts import TEXTS

if TYPE_CHECKING:
    from jinja2 import Environment

RESOURCE = "Segments"

# The pages have no script but their own few lines and load nothing from anywhere; data stays text.
SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def allowed(user: GetUserDep) -> None:
    """Let in whom Airflow's auth manager knows and allows to see this view."""
    if not get_auth_manager().is_authorized_custom_view(method="GET", resource_name=RESOURCE, user=user):
        raise HTTPException(403, "Forbidden")


def application(lake: Path) -> FastAPI:
    """The application over one lake."""
    application = FastAPI(
        title="Segments", docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(allowed)]
    )
    templates = _templates()

    def page(name: str, request: Request, status: int = 200, **values: Any) -> HTMLResponse:
        language = _language(request)
        content = templates.get_template(name).render(
            t=TEXTS[language],
            lang=language,
            other="en" if language == "zh" else "zh",
            root=request.scope.get("root_path", "").rstrip("/"),
            path=request.url.path,
            **values,
        )
        return HTMLResponse(content, status, SECURITY)

    @application.get("/")
    def overview(request: Request) -> HTMLResponse:
        """Every day, newest first."""
        current = reading.shown(lake)
        version = current.get("version")
        return page(
            "days.html",
            request,
            current=current,
            days=reading.days(lake),
            gates=reading.GATES,
            schemes=reading.schemes(lake, version) if version else [],
            lake=lake,
        )

    @application.get("/days/{key}")
    def one_day(key: str, request: Request) -> HTMLResponse:
        """One day: its gates, what broke, its segments and files."""
        try:
            found = reading.day(lake, key)
        except reading.DayUnknown:
            return page("unknown.html", request, 404, key=key)
        return page(
            "day.html",
            request,
            day=found,
            current=reading.shown(lake),
            gates=[found.gate(name) for name in reading.GATES],
            keys=reading.failing_keys(found.run) if found.run and found.broken else {},
            model=reading.churn_model(lake, found.version) if found.version else None,
            schemes=reading.schemes(lake, found.version) if found.version else [],
            manifest=reading.manifest(lake, found.version) if found.version else {},
            report=reading.report(lake, found) is not None,
        )

    @application.get("/days/{key}/report")
    def report(key: str) -> FileResponse:
        """The report the gates of the day's last run left, or that of the published version."""
        try:
            path = reading.report(lake, reading.day(lake, key))
        except reading.DayUnknown:
            path = None
        if path is None:
            raise HTTPException(404, f"no gate report for {key}")
        return FileResponse(path, media_type="text/html; charset=utf-8", headers=SECURITY)

    @application.get("/versions/{version}/{name:path}")
    def download(version: str, name: str) -> FileResponse:
        """A published file, to save."""
        path = reading.published_file(lake, version, name)
        if path is None:
            raise HTTPException(404, "no such published file")
        return FileResponse(
            path,
            media_type="application/octet-stream",
            filename=f"{version}_{Path(name).name}",
            headers=SECURITY,
        )

    return application


def _language(request: Request) -> str:
    """The one asked for, else the browser's first."""
    asked = request.query_params.get("lang") or request.headers.get("accept-language", "")[:2].lower()
    return asked if asked in TEXTS else "en"


def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
