"""What a tab is, and what it is given: the contract of ``apps/tabs``."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape
from typing import Any

import gradio as gr

from apps.service import Service
from apps.sessions import Session
from intr_discover.errors import UserError

MODEL: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}
"""Of every event that asks the model or draws a figure: one at a time, for all sessions."""

PRIVATE: dict[str, Any] = {"api_visibility": "private"}
"""Of every event that is no named endpoint."""


@dataclass
class Shell:
    """What a tab's ``build`` is given.

    Attributes
    ----------
    service
        The model, the collection and the sessions.
    tabs
        The tabs as one component: an event with it as output may return
        ``gr.Tabs(selected=name)``.
    opened
        The ``gr.Tab`` of each tab by name; ``opened["paint"].select(...)`` runs when it is opened.
    on_load
        Functions that attach an event to the loading of the page; called when all tabs are built.
    """

    service: Service
    tabs: gr.Tabs
    opened: dict[str, gr.Tab] = field(default_factory=dict)
    on_load: list[Callable[[gr.Blocks], object]] = field(default_factory=list)

    def session(self, request: gr.Request) -> Session:
        """Return what the page that sent a request has to itself."""
        return self.service.sessions.get(session_key(request))

    def spoken(self, handler: Callable[..., Any]) -> Callable[..., Any]:
        """Return an event's function, whose ``UserError`` becomes one line on the page.

        A ``with shell.spoken`` for functions: use it as a decorator on every handler. Messages are
        escaped (the page shows them as HTML) and lose the folders of this machine.
        """
        return spoken(self.service, handler)


@dataclass(frozen=True)
class Tab:
    """One tab.

    Attributes
    ----------
    name
        Short, lower case; also the ``id`` of the tab, and a prefix of its components' ``elem_id``.
    title
        On the tab itself.
    order
        Its place.
    build
        Called once inside the tab, makes components and events. Handlers that need to know the page
        take a parameter ``request: gr.Request``; what they remember goes to
        ``shell.session(request)``, never into the module.
    """

    name: str
    title: str
    order: int
    build: Callable[[Shell], None]


def session_key(request: gr.Request | None) -> str:
    """Return what tells one page from another: who is logged in, and the page's own key."""
    if request is None or not request.session_hash:
        raise UserError("this page has no session: load it again")
    return f"{request.username or ''}\x1f{request.session_hash}"


def spoken(service: Service, handler: Callable[..., Any]) -> Callable[..., Any]:
    """Return a handler whose ``UserError`` becomes one line on the page; see ``Shell.spoken``."""

    def said(error: UserError) -> gr.Error:
        words = escape(service.without_paths(str(error)))
        return gr.Error(words, title="That did not work", duration=20, print_exception=False)

    if inspect.isgeneratorfunction(handler):

        @functools.wraps(handler)
        def stream(*given: Any, **named: Any) -> Any:
            try:
                yield from handler(*given, **named)
            except UserError as error:
                raise said(error) from None

        return stream

    @functools.wraps(handler)
    def call(*given: Any, **named: Any) -> Any:
        try:
            return handler(*given, **named)
        except UserError as error:
            raise said(error) from None

    return call
