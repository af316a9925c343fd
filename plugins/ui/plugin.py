"""What Airflow loads: a page and its place in the navigation.

Every Airflow process imports this file, the scheduler and each task's too. So the page's own imports
(FastAPI, jinja2, pyarrow) wait for the first request, which only ever comes to the API server.
"""

from __future__ import annotations

from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

from days import DaysTimetable


class Pages:
    """An ASGI application that is put together when it is first asked for something."""

    def __init__(self) -> None:
        self._application: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on."""
        if self._application is None:
            from ui import pages, reading

            self._application = pages.application(reading.lake_root())
        await self._application(scope, receive, send)


class SegmentationPlugin(AirflowPlugin):
    """The page and its entry in the navigation."""

    name = "segmentation"
    timetables: ClassVar = [DaysTimetable]
    fastapi_apps: ClassVar = [{"app": Pages(), "url_prefix": "/segmentation", "name": "segmentation"}]
    external_views: ClassVar = [
        {
            "name": "Segments · 客户细分",
            "href": "/segmentation/",
            "destination": "nav",
            "url_route": "segments",
            "nav_top_level": True,
        }
    ]
