"""The page around the tabs: title, theme, hidden endpoints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from apps.endpoints import add_endpoints
from apps.service import Service
from apps.tabs import find_tabs
from apps.tabs.tab import Shell, session_key
from intr_discover import __version__
from intr_discover.errors import UserError

TITLE = "intr-discover"
_HERE = Path(__file__).parent
CSS = [_HERE / "page.css", *sorted((_HERE / "tabs").glob("*.css"))]
"""The page's style, then what single tabs add."""
LARGEST_UPLOAD = "100mb"
"""More than four bytes for each pixel of the largest canvas: else what is painted is lost."""

_QUEUE = 64  # events that wait; more are refused with a message
_CLEAN_EVERY, _CLEAN_OLDER = 1800, 6 * 3600  # seconds


def build_page(service: Service) -> gr.Blocks:
    """Return the whole app as Gradio's blocks."""
    with gr.Blocks(
        title=TITLE, analytics_enabled=False, delete_cache=(_CLEAN_EVERY, _CLEAN_OLDER),
        fill_width=True,
    ) as page:  # fmt: skip
        gr.HTML(_header(service))
        with gr.Tabs(selected="explore", elem_id="tabs") as tabs:
            shell = Shell(service, tabs)
            found = find_tabs()
            for tab in found:
                with gr.Tab(tab.title, id=tab.name, elem_id=f"tab-{tab.name}") as opened:
                    shell.opened[tab.name] = opened
                    tab.build(shell)
        add_endpoints(shell)
        for attach in shell.on_load:
            attach(page)

        def leave(request: gr.Request) -> None:
            try:
                key = session_key(request)
            except UserError:
                return
            service.forget(service.sessions.get(key))
            service.sessions.close(key)

        page.unload(leave)
    page.queue(max_size=_QUEUE, default_concurrency_limit=4)
    return page


def page_options() -> dict[str, Any]:
    """Return what the page is served with: everything that is not part of its blocks."""
    return {
        "theme": _theme(),
        "css_paths": CSS,
        "footer_links": ["api"],
        "run_history": False,
        "enable_monitoring": False,
        "show_error": False,  # an unforeseen error names no file of this machine
        "max_file_size": LARGEST_UPLOAD,
        "ssr_mode": False,
        "pwa": False,
        "mcp_server": False,
        "head": '<meta name="robots" content="noindex">',
    }


def _theme() -> gr.themes.Base:
    """Return a theme of built-in fonts, dark enough to read in sunlight."""
    fonts = ["Inter", "system-ui", "Liberation Sans", "Arial", "sans-serif"]
    return gr.themes.Default(
        primary_hue=gr.themes.colors.blue,
        neutral_hue=gr.themes.colors.slate,
        font=fonts,
        font_mono=["ui-monospace", "Liberation Mono", "monospace"],
    ).set(
        body_text_color_subdued="#475569",
        block_label_text_color="#1e293b",
        block_title_text_color="#1e293b",
        block_info_text_color="#475569",
        button_primary_background_fill="#005a8c",
        button_primary_background_fill_hover="#00466e",
        button_primary_text_color="#ffffff",
        body_text_color_subdued_dark="#cbd5e1",
        block_label_text_color_dark="#e2e8f0",
        block_title_text_color_dark="#e2e8f0",
        block_info_text_color_dark="#cbd5e1",
    )


def _header(service: Service) -> str:
    classes, photographs = len(service.explainer.classes), len(service.specimens)
    return (
        f"<h1>{TITLE}: which visual attributes separate look-alike species?</h1>"
        f'<p class="quiet">{photographs} photographs, a model of {classes} classes, '
        f"version {__version__}. A map shows where the model looked, not why; to know, change it "
        "and ask again.</p>"
    )
