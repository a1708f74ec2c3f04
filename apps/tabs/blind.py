"""Blind study: people tick what a picture shows, and are told neither species nor method."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from apps import words
from apps.annotating import database_to_read, database_to_write, rater_of
from apps.blind_design import (
    METHODS,
    Wanted,
    make_items,
    possible_methods,
    read_own_vocabularies,
    read_vocabulary,
)
from apps.blind_pictures import draw_item
from apps.blind_results import COLUMNS, agreement_table, count_answers, pack_answers
from apps.sessions import Session
from apps.tabs.tab import MODEL, PRIVATE, Shell, Tab
from intr_discover.annotations.agreement import in_words
from intr_discover.annotations.values import clean_name
from intr_discover.errors import UserError

_KEPT = "blind"  # (study, rater, number of the item) that a session answers
_HOW = (
    "You see a photograph on the left, and on the right the same photograph in grey with colour "
    "where a program looked. Tick every attribute that lies in the coloured places. There are no "
    "right answers: say what you see."
)
_DESIGN = (
    "Write the list before you look at any map, so that every attribute can be seen in a "
    "photograph, and put some on it that no species here has: how often these are ticked tells how "
    "freely people tick. The photographs are drawn at random, not chosen. Methods with more "
    "pictures of a photograph have more chances; compare those with equally many."
)


def build(shell: Shell) -> None:
    """Make the tab."""
    service = shell.service
    with gr.Tabs(elem_id="blind-steps"):
        with gr.Tab("Answer", elem_id="blind-step-answer"):
            with gr.Row(elem_classes="pager"):
                study = gr.Dropdown([], label="Study", elem_id="blind-study", min_width=160)
                rater = gr.Textbox(label="Your name", elem_id="blind-rater", max_lines=1,
                                   max_length=200, min_width=160)  # fmt: skip
                begin = gr.Button("Begin, or go on where you stopped", variant="primary",
                                  elem_id="blind-begin", min_width=160)  # fmt: skip
            state = gr.HTML(words.paragraph(_HOW, "quiet"), elem_id="blind-state")
            with gr.Row():
                with gr.Column(scale=3, min_width=320):
                    picture = gr.Image(
                        label="What do you see?", format="png", interactive=False,
                        buttons=["fullscreen"], elem_id="blind-picture",
                        alt_text="A photograph, and in colour where a program looked",
                    )  # fmt: skip
                with gr.Column(scale=2, min_width=320):
                    ticks = gr.CheckboxGroup(
                        [], label="What lies in the coloured places? Tick all that do",
                        elem_id="blind-ticks",
                    )  # fmt: skip
                    save = gr.Button("Save and go on", variant="primary", elem_id="blind-save",
                                     interactive=False)  # fmt: skip
                    none = gr.Button("None of these", elem_id="blind-none", interactive=False)
        with gr.Tab("Make a study", elem_id="blind-step-make"):
            gr.HTML(words.paragraph(_DESIGN, "quiet"))
            with gr.Row():
                with gr.Column(min_width=320):
                    title = gr.Textbox(label="Name of the study", elem_id="blind-title",
                                       max_lines=1, max_length=200)  # fmt: skip
                    vocabulary = gr.Textbox(
                        label="Attributes that may be ticked, one a line", lines=8,
                        max_lines=20, elem_id="blind-vocabulary",
                    )  # fmt: skip
                    sheet = gr.File(
                        label="Or lists for single photographs: CSV with the columns image and "
                        "attribute", type="filepath", file_types=[".csv"], height=160,
                        elem_id="blind-sheet",
                    )  # fmt: skip
                with gr.Column(min_width=320):
                    possible = possible_methods(service)
                    methods = gr.CheckboxGroup(
                        [(METHODS[each], each) for each in possible], value=possible[:1],
                        label="What is shown", elem_id="blind-methods",
                    )  # fmt: skip
                    each = gr.Number(2, label="Photographs of each species", minimum=1,
                                     precision=0, elem_id="blind-each")  # fmt: skip
                    top = gr.Number(3, label="Single heads of each photograph, the strongest",
                                    minimum=1, precision=0, elem_id="blind-top",
                                    visible=service.has_maps)  # fmt: skip
                    seed = gr.Number(0, label="Seed of everything that is drawn", minimum=0,
                                     precision=0, elem_id="blind-seed")  # fmt: skip
                    create = gr.Button("Make the study", variant="primary",
                                       elem_id="blind-create")  # fmt: skip
                    made = gr.HTML(elem_id="blind-made")
        with gr.Tab("What people saw", elem_id="blind-step-results"):
            with gr.Row(elem_classes="pager"):
                which = gr.Dropdown([], label="Study", elem_id="blind-which", min_width=160)
                count = gr.Button("Count the answers", variant="primary", elem_id="blind-count",
                                  min_width=160)  # fmt: skip
                zipped = gr.Button("Make a zip of all answers", elem_id="blind-zip",
                                   min_width=160)  # fmt: skip
                download = gr.DownloadButton("Download the zip", interactive=False,
                                             elem_id="blind-download", min_width=160)  # fmt: skip
            gr.HTML(words.paragraph(
                "Look here when all have answered: who knows the result no longer answers freely. "
                "An attribute is identified where more than half of the raters ticked it.", "quiet"
            ))  # fmt: skip
            told = gr.HTML(elem_id="blind-told")
            result = gr.Dataframe(
                headers=COLUMNS, value=[], interactive=False, buttons=["fullscreen"],
                max_height=420, label="By method and attribute", elem_id="blind-result",
            )  # fmt: skip

    menus = [study, which]
    asked = [state, picture, ticks, save, none]

    def studies(chosen: str | None = None) -> tuple[Any, ...]:
        database = database_to_read(service)
        names = [] if database is None else database.studies.names()
        value = chosen if chosen in names else (names[-1] if names else None)
        return gr.Dropdown(names, value=value), gr.Dropdown(names, value=value)

    def ask(session: Session, name: str, who: str) -> tuple[Any, ...]:
        """Show the next item to a rater."""
        database = service.annotations
        question = database.studies.next_item(name, who)
        if question is None:
            session.kept.pop(_KEPT, None)
            thanks = f"{who}, you have answered all of it. Thank you!"
            return (
                words.paragraph(thanks, "answer"),
                None,
                gr.CheckboxGroup([], value=[]),
                gr.Button(interactive=False),
                gr.Button(interactive=False),
            )
        item = database.studies.item(name, question.number)
        drawn = draw_item(service, item)
        session.kept[_KEPT] = (name, who, question.number)
        where = f"{who}: {question.done + 1} of {question.of}"
        return (
            words.paragraph(where, "answer") + words.paragraph(_HOW, "quiet"),
            drawn,
            gr.CheckboxGroup(list(question.vocabulary), value=[]),
            gr.Button(interactive=True),
            gr.Button(interactive=True),
        )

    def keep(session: Session, ticked: list[str]) -> None:
        """Save an answer: it is safe on disk before the next item is asked for."""
        if _KEPT not in session.kept:
            raise UserError("begin first: choose a study and give your name")
        name, who, number = session.kept[_KEPT]
        database_to_write(service).studies.answer(name, who, number, ticked)

    @shell.spoken
    def opened(chosen: str | None, before: str, request: gr.Request) -> tuple[Any, ...]:
        return *studies(chosen), before or rater_of(shell.session(request), request)

    @shell.spoken
    def come(name: str | None, who: str, request: gr.Request) -> None:
        session = shell.session(request)
        if not name:
            raise UserError("choose a study; where there is none, make one")
        database_to_write(service)  # who cannot be heard is not asked
        session.kept["rater"] = clean_name(who or "", "your name")

    @shell.spoken
    def start(name: str, request: gr.Request) -> tuple[Any, ...]:
        session = shell.session(request)
        return ask(session, name, session.kept["rater"])

    @shell.spoken
    def answered(ticked: list[str], request: gr.Request) -> None:
        if not ticked:
            raise UserError("nothing is ticked: tick what you see, or press None of these")
        keep(shell.session(request), ticked)

    @shell.spoken
    def nothing(ticked: list[str], request: gr.Request) -> None:
        if ticked:
            raise UserError("something is ticked: take the ticks away, or press Save and go on")
        keep(shell.session(request), [])

    @shell.spoken
    def following(request: gr.Request) -> tuple[Any, ...]:
        session = shell.session(request)
        if _KEPT not in session.kept:
            return tuple(gr.skip() for _ in asked)
        name, who, _ = session.kept[_KEPT]
        return ask(session, name, who)

    @shell.spoken
    def create_study(
        name: str, lines: str, csv: str | None, shown: list[str], number: float | None,
        heads: float | None, drawn_by: float | None, request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> str:  # fmt: skip
        database = database_to_write(service)
        name = clean_name(name or "", "the study's name")
        if name in database.studies.names():
            raise UserError(f"there is a study '{name}' already: choose another name")
        wanted = Wanted(
            shown, whole(number, "the number of photographs"), whole(heads, "the number of heads"),
            whole(drawn_by, "the seed"), read_vocabulary(lines or ""),
            {} if csv is None else read_own_vocabularies(service, Path(csv)),
        )  # fmt: skip
        items = make_items(
            service, wanted, lambda done, of: progress((done, of), desc="drawing photographs")
        )
        study = database.studies.create(name, items, wanted.vocabulary, seed=wanted.seed)
        images = len({item.image for item in items})
        said = (
            f"The study {study.name} is made: {len(items)} pictures of {images} photographs. "
            "Everybody answers under Answer, alone and by their own name."
        )
        return words.paragraph(said, "answer")

    @shell.spoken
    def renew(name: str, request: gr.Request) -> tuple[Any, ...]:
        return studies(name.strip())

    @shell.spoken
    def counted(name: str | None, request: gr.Request) -> tuple[Any, ...]:
        database = database_to_read(service)
        if not name or database is None:
            raise UserError("choose a study")
        rows = count_answers(database, name)
        progress = ", ".join(
            f"{who}: {done} of {len(database.studies.get(name).items)}"
            for who, done in sorted(database.studies.progress(name).items())
        )
        said = words.paragraph(f"Answered so far: {progress}.", "quiet")
        return said + words.paragraphs([each.strip() for each in in_words(rows)]), agreement_table(
            rows
        )

    @shell.spoken
    def packed(name: str | None, request: gr.Request) -> Any:
        database = database_to_read(service)
        if not name or database is None:
            raise UserError("choose a study")
        place = pack_answers(database, name, shell.session(request).folder)
        return gr.DownloadButton(value=str(place), interactive=True)

    events = {**MODEL, **PRIVATE}
    wishes = [title, vocabulary, sheet, methods, each, top, seed]
    shell.opened["blind"].select(opened, [study, rater], [*menus, rater], **PRIVATE)
    # First what may go wrong, without outputs: a message must not hide the picture it is about.
    begin.click(come, [study, rater], None, **PRIVATE).success(start, study, asked, **events)
    save.click(answered, ticks, None, **PRIVATE).success(following, None, asked, **events)
    none.click(nothing, ticks, None, **PRIVATE).success(following, None, asked, **events)
    create.click(create_study, wishes, made, **events).success(renew, title, menus, **PRIVATE)
    count.click(counted, which, [told, result], **PRIVATE)
    zipped.click(packed, which, download, **PRIVATE)


def whole(value: float | None, what: str) -> int:
    """Return a number that came from the page as a whole one."""
    if value is None or value != int(value):
        raise UserError(f"{what} must be a whole number")
    return int(value)


TAB = Tab("blind", "Blind study", 5, build)
