"""The card of a churn model: what it is, how it did, and why it is published or not, in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.churn.probability import ChurnModel


def card(model: ChurnModel) -> str:
    """The card as Markdown text."""
    return f"# Churn model of {model.as_of}\n\nStatus **{model.status}**, decision **{model.decision}**.\n"
