"""Heads: the report card, what each head finds, and what people call it."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pandas as pd

from apps import words
from apps.annotating import database_to_read, database_to_write, rater_of
from apps.head_atlas import head_atlas
from apps.head_listing import COLUMNS, listing, meaning
from apps.head_naming import (
    COLUMNS as SAID,
)
from apps.head_naming import (
    MOST_SUGGESTIONS,
    agreed_in_words,
    answers_of,
    answers_table,
)
from apps.service import ALL
from apps.sessions import Session
from apps.tabs.tab import MODEL, PRIVATE, Shell, Tab
from intr_discover.errors import UserError
from intr_discover.figures.head_names import head_label
from intr_discover.studies.head_exhibits import head_words
from intr_discover.studies.one_head import named_card, row_of_head
from intr_discover.studies.result import StudyResult

_KEPT = "heads"  # (class, head) that a session looks at
_FIRST = (
    "A head is worth a name where it finds the same thing in every photograph, no other head finds "
    "it, the decision needs it, and it has a place. The report card says so for every head; it is "
    "made once and takes about as long as looking at the whole collection twice."
)


def build(shell: Shell) -> None:
    """Make the tab."""
    service = shell.service
    gr.HTML(words.paragraph(_FIRST, "quiet"), elem_id="heads-first")
    with gr.Row(elem_classes="pager"):
        make = gr.Button("Make the report card", variant="primary", elem_id="heads-make",
                         min_width=200)  # fmt: skip
        species = gr.Dropdown([ALL, *service.labels], value=ALL, label="Species",
                              elem_id="heads-species", scale=2)  # fmt: skip
    state = gr.HTML(elem_id="heads-state")
    table = gr.Dataframe(
        headers=list(COLUMNS), value=[], interactive=False, buttons=["fullscreen"], max_height=380,
        label="Head report card: choose a row to see the head; ⋮ beside a heading sorts",
        elem_id="heads-table", show_search="search", wrap=False,
    )  # fmt: skip
    with gr.Accordion("What the columns mean", open=False, elem_id="heads-meaning"):
        gr.HTML(meaning(list(COLUMNS)))
    chosen = gr.Dropdown([], label="Head that is shown below", elem_id="heads-head")
    with gr.Row():
        with gr.Column(scale=3, min_width=320):
            told = gr.HTML(elem_id="heads-words")
            atlas = gr.Gallery(
                label="Left what lies round its strongest point (ring), right its whole map",
                columns=3, format="png", interactive=False, buttons=["fullscreen"],
                height="auto", object_fit="contain", allow_preview=True, elem_id="heads-atlas",
            )  # fmt: skip
            bar = gr.Image(
                label="Scale of all maps above", format="png", interactive=False, buttons=[],
                elem_id="heads-bar", elem_classes="colour-bar",
                alt_text="Colour bar: attention weight per cell",
            )  # fmt: skip
        with gr.Column(scale=2, min_width=320), gr.Group(elem_id="heads-naming"):
            agreed = gr.HTML(elem_id="heads-agreed", padding=True)
            rater = gr.Textbox(label="Your name", elem_id="heads-rater", max_lines=1,
                               max_length=200)  # fmt: skip
            name = gr.Dropdown(
                [], value=None, allow_custom_value=True, elem_id="heads-name",
                label="Which attribute does this head show?",
                info="In your own words, such as “red basal spots”; earlier names are suggested",
            )  # fmt: skip
            with gr.Row():
                save = gr.Button("Save this name", variant="primary", elem_id="heads-save",
                                 min_width=140)  # fmt: skip
                none = gr.Button("It shows no attribute", elem_id="heads-none", min_width=140)
            said = gr.Dataframe(
                headers=SAID, value=[], interactive=False, buttons=[], max_height=260, wrap=True,
                label="What was said of this head", elem_id="heads-said",
            )  # fmt: skip

    listed = [state, table, chosen]
    naming = [agreed, name, said]
    seen = [told, atlas, bar, *naming]

    def result() -> StudyResult | None:
        made = service.results.latest("heads")
        return None if made is None else made.result

    def card(found: StudyResult) -> pd.DataFrame:
        return named_card(found, service.names())

    def list_heads(session: Session, label: str) -> tuple[Any, ...]:
        found = result()
        if found is None:
            return gr.skip(), gr.skip(), gr.skip()
        shown = listing(card(found), None if label == ALL else label)
        heads = list(zip(shown["species"], shown["head"], strict=True))
        names = service.names()
        choices = [(f"{of}, {head_label(names, of, number)}", f"{number}\x1f{of}")
                   for of, number in heads]  # fmt: skip
        at = session.kept.get(_KEPT)
        value = f"{at[1]}\x1f{at[0]}" if at in heads else None
        counted = f"{len(shown)} heads. Heads of this model with an agreed name: {len(names)}."
        return words.paragraph(counted, "quiet"), shown, gr.Dropdown(choices, value=value)

    def say(session: Session) -> tuple[Any, ...]:
        """Return what people said of the head that a session looks at."""
        label, head = head_of(session)
        database = database_to_read(service)
        everything = [] if database is None else database.names.all(service.explainer.fingerprint)
        answers = answers_of(everything, label, head)
        known = [] if database is None else database.names.suggestions(most=MOST_SUGGESTIONS)
        return (
            words.heading(f"{label}, head {head}") + words.paragraph(agreed_in_words(answers)),
            gr.Dropdown(known, value=None),
            answers_table(answers),
        )

    def show(session: Session, label: str, head: int) -> tuple[Any, ...]:
        found = result()
        if found is None:
            raise UserError("make the report card first")
        row = row_of_head(card(found), label, head)
        session.kept[_KEPT] = (label, head)
        shown = head_atlas(service, found, label, head)
        heading, *lines = [line for line in head_words(row) if line]
        above = words.heading(f"{label}, {heading}") + words.paragraph(" · ".join(lines))
        if not shown.pictures:
            above += words.paragraph("No photograph of this species counts: none is rightly named.")
        else:
            above += words.paragraph(
                f"The {len(shown.pictures)} of {shown.of} photographs in which it is strongest, "
                "the strongest first. Blue frame: the place of the left picture.", "quiet"
            )  # fmt: skip
        return above, shown.pictures, shown.bar, *say(session)

    @shell.spoken
    def opened(label: str, before: str, request: gr.Request) -> tuple[Any, ...]:
        session = shell.session(request)
        return *list_heads(session, label), before or rater_of(session, request)

    @shell.spoken
    def compute(
        label: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple[Any, ...]:
        if result() is None:
            service.results.get(
                "heads",
                lambda done, of: progress((done, of), desc="looking at photographs"),
                service.names(),
            )
        session = shell.session(request)
        shown = list_heads(session, label)
        if _KEPT in session.kept or shown[1].empty:
            return *shown, *(gr.skip() for _ in seen)
        first = shown[1].iloc[0]
        found = show(session, first["species"], int(first["head"]))
        return *list_heads(session, label), *found

    @shell.spoken
    def filtered(label: str, request: gr.Request) -> tuple[Any, ...]:
        return list_heads(shell.session(request), label)

    @shell.spoken
    def clicked(event: gr.SelectData, request: gr.Request) -> tuple[Any, ...]:
        # The row's own values: its place is another one when the table is sorted.
        values = event.row_value
        if not isinstance(values, list) or len(values) < 2:
            raise UserError("choose a row of the report card")
        label, head = str(values[0]), number_of(values[1])
        found = show(shell.session(request), label, head)
        return gr.Dropdown(value=f"{head}\x1f{label}"), *found

    @shell.spoken
    def picked(which: str | None, request: gr.Request) -> tuple[Any, ...]:
        head, _, label = (which or "").partition("\x1f")
        return show(shell.session(request), label, number_of(head))

    def keep(session: Session, who: str, called: str | None) -> None:
        label, head = head_of(session)
        database = database_to_write(service)
        database.names.add(who or "", service.explainer.fingerprint, label, head, called)
        session.kept["rater"] = who.strip()

    @shell.spoken
    def saved(who: str, called: str | None, request: gr.Request) -> None:
        keep(shell.session(request), who, str(called or ""))

    @shell.spoken
    def no_attribute(who: str, request: gr.Request) -> None:
        keep(shell.session(request), who, None)

    @shell.spoken
    def renew(label: str, request: gr.Request) -> tuple[Any, ...]:
        session = shell.session(request)
        return *say(session), *list_heads(session, label)

    events = {**MODEL, **PRIVATE}
    shell.opened["heads"].select(opened, [species, rater], [*listed, rater], **PRIVATE)
    make.click(compute, species, [*listed, *seen], **events)
    species.input(filtered, species, listed, **PRIVATE)
    table.select(clicked, None, [chosen, *seen], **events)
    chosen.input(picked, chosen, seen, **events)
    # First what may go wrong, without outputs: a message must not hide the table.
    save.click(saved, [rater, name], None, **PRIVATE).success(
        renew, species, [*naming, *listed], **PRIVATE
    )
    none.click(no_attribute, rater, None, **PRIVATE).success(
        renew, species, [*naming, *listed], **PRIVATE
    )


def head_of(session: Session) -> tuple[str, int]:
    """Return the class and the head that a session looks at."""
    if _KEPT not in session.kept:
        raise UserError("choose a head first")
    label, head = session.kept[_KEPT]
    return str(label), int(head)


def number_of(value: Any) -> int:
    """Return the number of a head that came from the page."""
    try:
        return int(value)
    except (TypeError, ValueError):
        raise UserError("choose a head first") from None


TAB = Tab("heads", "Heads", 4, build)
