"""Sources that are asked rather than waited for: what changed in a CRM, written as extract files.

A pull asks a vendor's REST API for the records modified in a window and leaves one file per extract where the
shop's other systems drop theirs; from there the ordinary landing goes on and does not know the difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulls.pulling import Vendor

SOURCES = ("fxiaoke", "zoho_crm")
"""The declared sources that are pulled; each one's Airflow connection is named in its module."""


def connected(source: str) -> Vendor:
    """The vendor's API behind a source, signed in with its Airflow connection.

    Raises ConnectionIncomplete when there is no such connection, or it lacks a field.
    """
    if source == "zoho_crm":
        from pulls.zoho_crm import ZohoCrmHook

        return ZohoCrmHook().get_conn()
    if source == "fxiaoke":
        from pulls.fxiaoke import FxiaokeHook

        return FxiaokeHook().get_conn()
    msg = f"source {source} is not pulled; pulled are {', '.join(SOURCES)}"
    raise ValueError(msg)
