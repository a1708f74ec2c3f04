"""Export: figures at a journal's width, tables as CSV, and a paragraph for the methods."""

from __future__ import annotations

from typing import Any

import gradio as gr

from apps import exports, words
from apps.exports import Exhibit, Look
from apps.service import Service
from apps.sessions import Session
from apps.tabs.tab import MODEL, PRIVATE, Shell, Tab
from intr_discover.errors import UserError
from intr_discover.figures import style
from intr_discover.figures.screen import figure_picture

AS_DRAWN, OTHER = "as drawn", "other"
WIDTHS = [
    ("as it was drawn", AS_DRAWN),
    (f"one column ({style.SINGLE_COLUMN_MM:g} mm)", str(style.SINGLE_COLUMN_MM)),
    (f"two columns ({style.DOUBLE_COLUMN_MM:g} mm)", str(style.DOUBLE_COLUMN_MM)),
    ("another", OTHER),
]
THIS, ALL = "this", "all"
_PREVIEW_DOTS = 130


def build(shell: Shell) -> None:
    """Make the tab."""
    service = shell.service
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            studies = gr.CheckboxGroup(
                [], value=[], label="Studies: tick what is to be answered first",
                info="each runs once for all who use this page; on a large collection it takes "
                     "minutes", elem_id="export-studies",
            )  # fmt: skip
            run = gr.Button("Run the ticked studies", elem_id="export-run")
            done = gr.HTML(elem_id="export-done")
            figure = gr.Dropdown([], label="Figure", elem_id="export-figure")
            width = gr.Radio(WIDTHS, value=AS_DRAWN, label="Width", elem_id="export-width")
            other = gr.Number(120, label="Width in mm", visible=False, precision=1,
                              elem_id="export-other")  # fmt: skip
            dots = gr.Slider(150, 600, 300, step=50, label="Dots per inch (PNG, and photographs)",
                             elem_id="export-dots")  # fmt: skip
            formats = gr.CheckboxGroup(
                [("PDF", "pdf"), ("SVG", "svg"), ("PNG", "png")], value=["pdf", "png"],
                label="Formats", elem_id="export-formats",
            )  # fmt: skip
            scope = gr.Radio(
                [("this figure", THIS), ("all figures and tables", ALL)], value=ALL,
                label="What is exported", elem_id="export-scope",
            )  # fmt: skip
            make = gr.Button("Make the files", variant="primary", elem_id="export-make")
            saved = gr.DownloadButton("Download the zip", interactive=False,
                                      elem_id="export-download")  # fmt: skip
        with gr.Column(scale=3, min_width=320):
            size = gr.HTML(elem_id="export-size")
            preview = gr.Image(
                label="Figure", format="png", interactive=False, buttons=["fullscreen"],
                elem_id="export-preview", alt_text="The chosen figure",
            )  # fmt: skip
            caption = gr.HTML(elem_id="export-caption")
            methods = gr.Textbox(
                label="For the methods section", lines=10, max_lines=24, interactive=False,
                buttons=["copy"], elem_id="export-methods",
            )  # fmt: skip

    seen, looks = [size, preview, caption], [width, other, dots, formats]

    def look(wide: str, millimetres: float | None, fine: float, forms: list[str]) -> Look:
        if wide == OTHER and millimetres is None:
            raise UserError("say how many mm wide the figures shall be")
        chosen = {AS_DRAWN: None, OTHER: millimetres}
        own = chosen[wide] if wide in chosen else float(wide)
        return Look(own, int(fine), tuple(forms))

    def show(exhibit: Exhibit | None, as_asked: Look) -> tuple[Any, ...]:
        if exhibit is None:
            nothing = "No figure yet: look at a photograph in Explore, or run a study here."
            return words.paragraph(nothing, "quiet"), None, ""
        drawn = exhibit.draw()
        said = words.paragraph(exports.legibility(drawn, as_asked))
        return said, figure_picture(drawn, _PREVIEW_DOTS), words.paragraph(exhibit.caption)

    def listing(session: Session, title: str | None, as_asked: Look) -> tuple[Any, ...]:
        there = exports.exhibits(service, session)
        titles = [exhibit.title for exhibit in there]
        chosen = title if title in titles else (titles[0] if titles else None)
        return (
            *_studies(service),
            gr.Dropdown(titles, value=chosen),
            *show(_find(there, chosen), as_asked),
            exports.methods(service, service.results.made()),
        )

    @shell.spoken
    def opened(
        title: str | None, wide: str, millimetres: float | None, fine: float, forms: list[str],
        request: gr.Request,
    ) -> tuple[Any, ...]:  # fmt: skip
        return listing(shell.session(request), title, look(wide, millimetres, fine, forms))

    @shell.spoken
    def ran(
        names: list[str], title: str | None, wide: str, millimetres: float | None, fine: float,
        forms: list[str], request: gr.Request, progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple[Any, ...]:  # fmt: skip
        if not names:
            raise UserError("tick at least one study")
        for name in names:
            progress(0, desc=name)
            service.results.get(
                name, lambda done, of: progress((done, of), desc="running"), service.names()
            )
        return listing(shell.session(request), title, look(wide, millimetres, fine, forms))

    @shell.spoken
    def chosen(
        title: str | None, wide: str, millimetres: float | None, fine: float, forms: list[str],
        request: gr.Request,
    ) -> tuple[Any, ...]:  # fmt: skip
        there = exports.exhibits(service, shell.session(request))
        as_asked = look(wide, millimetres, fine, forms)
        return gr.Number(visible=wide == OTHER), *show(_find(there, title), as_asked)

    @shell.spoken
    def made(
        what: str, title: str | None, wide: str, millimetres: float | None, fine: float,
        forms: list[str], request: gr.Request, progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Any:  # fmt: skip
        session = shell.session(request)
        there = exports.exhibits(service, session)
        one = _find(there, title)
        if what == THIS and one is None:
            raise UserError("choose a figure first")
        place = exports.make_zip(
            service,
            session,
            [one] if what == THIS and one is not None else there,
            [] if what == THIS else [each.result for each in service.results.made()],
            look(wide, millimetres, fine, forms),
            lambda drawn, of: progress((drawn, of), desc="drawing"),
        )
        return gr.DownloadButton(value=str(place), interactive=True)

    events = {**MODEL, **PRIVATE}
    all_of_it = [studies, done, figure, *seen, methods]
    shell.opened["export"].select(opened, [figure, *looks], all_of_it, **events)
    run.click(ran, [studies, figure, *looks], all_of_it, show_progress_on=[done], **events)
    gr.on(
        [figure.input, width.input, other.submit, dots.release],
        chosen, [figure, *looks], [other, *seen], **events,
    )  # fmt: skip
    make.click(made, [scope, figure, *looks], saved, **events)


def _studies(service: Service) -> tuple[Any, Any]:
    """Return the studies that can be run, and words about those that were."""
    made = [each.study for each in service.results.made()]
    choices = [(f"{study.title}", study.name) for study in service.results.possible()]
    said = "Nothing was run yet."
    if made:
        said = f"Done: {', '.join(study.name.replace('_', ' ') for study in made)}."
    return gr.CheckboxGroup(choices, value=[]), words.paragraph(said, "quiet")


def _find(there: list[Exhibit], title: str | None) -> Exhibit | None:
    return next((exhibit for exhibit in there if exhibit.title == title), None)


TAB = Tab("export", "Export", 8, build)
