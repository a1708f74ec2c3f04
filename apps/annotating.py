"""Who speaks, and whether what people say may be read and kept: for the tabs that ask people."""

from __future__ import annotations

import gradio as gr

from apps.service import Service
from apps.sessions import Session
from intr_discover.annotations import Database
from intr_discover.errors import UserError

READ_ONLY = "this page is for looking only (--read-only): nothing was saved"


def rater_of(session: Session, request: gr.Request) -> str:
    """Return the name that a page's rater gave, or is logged in by; empty without either."""
    return str(session.kept.get("rater") or request.username or "")


def database_to_read(service: Service) -> Database | None:
    """Return the database; None where nobody has said anything and nothing may be made.

    Raises
    ------
    UserError
        If it cannot be opened.
    """
    if service.read_only and not service.has_annotations:
        return None
    return service.annotations


def database_to_write(service: Service) -> Database:
    """Return the database.

    Raises
    ------
    UserError
        If nothing may be kept, or it cannot be opened.
    """
    if service.read_only:
        raise UserError(READ_ONLY)
    return service.annotations
