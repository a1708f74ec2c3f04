"""Mimicry pairs: which species are nearly mistaken, and what separates two of them."""

from __future__ import annotations

from typing import Any

import gradio as gr
import pandas as pd

from apps import words
from apps.pair_files import zip_of
from apps.pair_listing import COLUMNS, listed_sentence, listing, meaning, row_of_pair
from apps.pair_maps import OTHER, OWN, View, look
from apps.pair_results import HEADS, SHEET, PairResults
from apps.pair_words import ONE_LAYER, pair_sentences, ranking_sentences
from apps.sessions import Session
from apps.tabs.tab import MODEL, PRIVATE, Shell, Tab
from intr_discover.errors import UserError
from intr_discover.figures.screen import figure_picture
from intr_discover.model.intr import ContextMode
from intr_discover.studies.mimicry import STUDY
from intr_discover.studies.pair_on_photograph import require_two
from intr_discover.studies.result import StudyResult

SHOWN = 48
"""Photographs of one species in its gallery; all of them are in the menu."""

_KEPT = "pairs"  # the pair that a session looks at
# What its menus asked for last: a menu says twice that it was clicked.
_ASKED, _SEEN = "pairs asked", "pairs seen"
_TOO_FEW = "Look-alikes need photographs of at least two species; there is one."
_PLAIN = (
    "This model is a plain classifier: it has no class queries, so there are no maps to compare. "
    "Its answers are shown."
)
_FIRST = (
    "Two species fly in the same colours: by what does the model tell them apart? Choose two, look "
    "at a specimen of each, then at the mean maps of all specimens of both."
)


def build(shell: Shell) -> None:
    """Make the tab."""
    service = shell.service
    pairs = PairResults(service)
    labels = pairs.labels
    if len(labels) < 2:
        gr.HTML(words.paragraph(_TOO_FEW), elem_id="pairs-first-words")
        return
    looks = service.has_maps
    first_words = words.paragraph(_FIRST, "quiet") + ("" if looks else words.paragraph(_PLAIN))
    gr.HTML(first_words, elem_id="pairs-first-words")
    rank = gr.Button("Rank all pairs", variant="primary", elem_id="pairs-rank", interactive=looks)
    state = gr.HTML(elem_id="pairs-state")
    table = gr.Dataframe(
        headers=list(COLUMNS), value=[], interactive=False, buttons=["fullscreen"], max_height=330,
        label="Pairs: choose a row to see the pair; ⋮ beside a heading sorts",
        elem_id="pairs-table", show_search="search", wrap=False,
    )  # fmt: skip
    with gr.Accordion("What the columns mean", open=False, elem_id="pairs-meaning"):
        gr.HTML(meaning())
    with gr.Row():
        first = gr.Dropdown(labels, value=None, label="First species", elem_id="pairs-first")
        second = gr.Dropdown(labels, value=None, label="Second species", elem_id="pairs-second")
        query = gr.Radio(
            [("its own species", OWN), ("the other species", OTHER)], value=OWN,
            label="Where does the model look for …", elem_id="pairs-query", visible=looks,
        )  # fmt: skip
        mode = gr.Radio(
            [("their queries become zero", "zero"), ("they are left out", "subset")],
            value="zero", label="All other classes, when the two are alone", elem_id="pairs-mode",
            visible=looks,
        )  # fmt: skip
        every = gr.Checkbox(value=False, label="Show every head", elem_id="pairs-every",
                            visible=looks, min_width=140)  # fmt: skip
    told = gr.HTML(elem_id="pairs-told")
    sides = (("a", "First species"), ("b", "Second species"))
    specimens, answers, maps = [], [], []
    with gr.Row():
        for name, title in sides:
            with gr.Column(min_width=320):
                gallery = gr.Gallery(
                    label=f"{title}: choose a specimen", columns=6, height=250, object_fit="cover",
                    allow_preview=False, format="png", interactive=False, buttons=[],
                    elem_id=f"pairs-gallery-{name}", elem_classes="pairs-gallery",
                )  # fmt: skip
                which = gr.Dropdown([], label=f"{title}: specimen", elem_id=f"pairs-which-{name}")
                photograph = gr.Image(
                    label=f"{title}: photograph", format="png", interactive=False, height=300,
                    buttons=["fullscreen"], elem_id=f"pairs-photograph-{name}",
                    alt_text=f"The chosen specimen of the {title.lower()}",
                )  # fmt: skip
                specimens += [(gallery, which, photograph)]
    with gr.Row():  # rows, so that what is compared stands side by side
        for name, _ in sides:
            with gr.Column(min_width=320):
                answers.append(gr.HTML(elem_id=f"pairs-answer-{name}"))
    with gr.Row():
        for name, title in sides:
            maps.append(gr.Gallery(
                label=f"{title}, heads: above with all classes, below with the two alone",
                columns=3, format="png", interactive=False, buttons=["fullscreen"], height="auto",
                object_fit="contain", allow_preview=True, elem_id=f"pairs-heads-{name}",
                elem_classes="all-shown pairs-heads", min_width=320, visible=looks,
            ))  # fmt: skip
    bar = gr.Image(
        label="Scale of all maps above", format="png", interactive=False, buttons=[],
        elem_id="pairs-bar", elem_classes="colour-bar", visible=looks,
        alt_text="Colour bar: attention weight per cell",
    )  # fmt: skip
    with gr.Row(elem_classes="pager"):
        ask = gr.Button("All specimens of both: mean maps and numbers", variant="primary",
                        elem_id="pairs-ask", min_width=300, interactive=looks)  # fmt: skip
        store = gr.Button("Make a zip of figures and tables", elem_id="pairs-store", min_width=240,
                          interactive=looks)  # fmt: skip
        download = gr.DownloadButton("Download the zip", interactive=False, min_width=180,
                                     elem_id="pairs-download")  # fmt: skip
    found = gr.HTML(elem_id="pairs-found")
    sheet = gr.Image(
        label="The page of this pair", format="png", interactive=False,
        buttons=["download", "fullscreen"], elem_id="pairs-sheet",
        elem_classes="pairs-page", visible=False,
        alt_text="Mean maps of both species, their differences, margins and numbers",
    )  # fmt: skip
    under_sheet = gr.HTML(elem_id="pairs-sheet-words")
    pair_heads = gr.Image(
        label="Single heads, on a typical specimen of each", format="png", interactive=False,
        buttons=["download", "fullscreen"], elem_id="pairs-single-heads",
        elem_classes="pairs-page", visible=False,
        alt_text="The strongest heads with all classes and with the two alone",
    )  # fmt: skip
    under_heads = gr.HTML(elem_id="pairs-heads-words")

    (gallery_a, which_a, photograph_a), (gallery_b, which_b, photograph_b) = specimens
    listed = [state, table]
    settings = [query, mode, every]
    seen = [photograph_a, answers[0], maps[0], photograph_b, answers[1], maps[1], bar]
    page = [found, sheet, under_sheet, pair_heads, under_heads, download]
    shown = [told, gallery_a, which_a, gallery_b, which_b, *seen, *page]

    def matrix() -> pd.DataFrame | None:
        made = service.results.latest(STUDY.name)
        return None if made is None else made.result.tables["matrix"]

    def list_pairs() -> tuple[Any, ...]:
        ranked, known = matrix(), pairs.known()
        rows = listing(known, ranked, {label: len(pairs.rows(label)) for label in labels})
        said = listed_sentence(len(rows), len(known), None if ranked is None else len(ranked))
        return words.paragraph(said, "quiet"), rows

    def say(a: str, b: str) -> str:
        """Return what is known of a pair already."""
        said = words.heading(f"{a} and {b}")
        named = {frozenset(pair[:2]): pair[2] for pair in pairs.known()}
        attribute = named.get(frozenset((a, b)))
        if attribute is not None:
            said += words.paragraph(f"Known to separate them: {attribute}.")
        ranked = matrix()
        row = None if ranked is None else row_of_pair(ranked, a, b)
        if ranked is not None and row is not None:
            said += words.paragraphs(ranking_sentences(row, len(ranked)))
        return said + (words.paragraph(ONE_LAYER, "quiet") if service.layers == 1 else "")

    def see(session: Session, pair: tuple[str, str], rows: Any, view: View) -> tuple[Any, ...]:
        session.kept[_SEEN] = (rows, view)
        return look(service, pair, rows, view)

    def show(session: Session, a: str | None, b: str | None, view: View) -> tuple[Any, ...]:
        if not a or not b:
            raise UserError("choose two species")
        session.kept[_ASKED] = (a, b)
        require_two(a, b)
        chosen = [pairs.rows(label) for label in (a, b)]
        half: list[Any] = []
        for rows in chosen:
            half.append([(service.thumbnail(row), service.name(row)) for row in rows[:SHOWN]])
            half.append(gr.Dropdown([(service.name(row), row) for row in rows], value=rows[0]))
        seen_now = see(session, (a, b), (chosen[0][0], chosen[1][0]), view)
        session.kept[_KEPT] = (a, b)
        return say(a, b), *half, *seen_now, *_no_page()

    @shell.spoken
    def opened(whose: str, how: ContextMode, whole: bool, request: gr.Request) -> tuple[Any, ...]:
        session = shell.session(request)
        if _KEPT in session.kept:
            return *list_pairs(), *(gr.skip() for _ in (first, second, *shown))
        known = pairs.known()
        a, b = known[0][:2] if known else labels[:2]
        return *list_pairs(), a, b, *show(session, a, b, View(whose, how, whole))

    @shell.spoken
    def ranks(
        a: str | None,
        b: str | None,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple[Any, ...]:
        if matrix() is None:
            service.results.get(
                STUDY.name,
                lambda done, of: progress((done, of), desc="asking every photograph"),
                service.names(),
            )
        return *list_pairs(), gr.skip() if not a or not b or a == b else say(a, b)

    @shell.spoken
    def clicked(
        whose: str, how: ContextMode, whole: bool, event: gr.SelectData, request: gr.Request
    ) -> tuple[Any, ...]:
        # The row's own values: its place is another one when the table is sorted.
        values = event.row_value
        if not isinstance(values, list) or len(values) < 2:
            raise UserError("choose a row of the table")
        a, b = str(values[0]), str(values[1])
        return a, b, *show(shell.session(request), a, b, View(whose, how, whole))

    @shell.spoken
    def changed(
        a: str | None, b: str | None, whose: str, how: ContextMode, whole: bool, request: gr.Request
    ) -> tuple[Any, ...]:
        session = shell.session(request)
        if session.kept.get(_ASKED) == (a, b):
            return tuple(gr.skip() for _ in shown)
        return show(session, a, b, View(whose, how, whole))

    @shell.spoken
    def again(
        row_a: int | None,
        row_b: int | None,
        whose: str,
        how: ContextMode,
        whole: bool,
        request: gr.Request,
    ) -> tuple[Any, ...]:
        session = shell.session(request)
        rows, view = (row_a, row_b), View(whose, how, whole)
        if session.kept.get(_SEEN) == (rows, view):
            return tuple(gr.skip() for _ in seen)
        return see(session, pair_of(session), rows, view)

    @shell.spoken
    def pick_first(
        row_b: int | None,
        whose: str,
        how: ContextMode,
        whole: bool,
        event: gr.SelectData,
        request: gr.Request,
    ) -> tuple[Any, ...]:
        session = shell.session(request)
        pair = pair_of(session)
        row = at(pairs.rows(pair[0]), event.index)
        return row, *see(session, pair, (row, row_b), View(whose, how, whole))

    @shell.spoken
    def pick_second(
        row_a: int | None,
        whose: str,
        how: ContextMode,
        whole: bool,
        event: gr.SelectData,
        request: gr.Request,
    ) -> tuple[Any, ...]:
        session = shell.session(request)
        pair = pair_of(session)
        row = at(pairs.rows(pair[1]), event.index)
        return row, *see(session, pair, (row_a, row), View(whose, how, whole))

    def result_of(pair: tuple[str, str], progress: gr.Progress) -> StudyResult:
        return pairs.get(
            *pair, service.names(),
            lambda done, of: progress((done, of), desc="asking the photographs of both"),
        )  # fmt: skip

    @shell.spoken
    def compute(
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple[Any, ...]:
        a, b = pair_of(shell.session(request))
        result = result_of((a, b), progress)
        photographs = [len(pairs.rows(label)) for label in (a, b)]
        row = result.table.iloc[0].to_dict()
        said = words.heading(f"All specimens of {a} and {b}")
        said += words.paragraphs(pair_sentences(row, service.layers, photographs))
        said += words.paragraph(STUDY.reading, "quiet")
        shown_now: list[Any] = []
        for name in (SHEET, HEADS):
            drawn = figure_picture(result.drawings[name]())
            shown_now.append(gr.Image(drawn, visible=True))
            shown_now.append(words.paragraph(result.captions[name], "quiet"))
        return said, *shown_now, _no_file()

    @shell.spoken
    def stored(
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Any:
        session = shell.session(request)
        made = zip_of(result_of(pair_of(session), progress), session.folder)
        return gr.DownloadButton(value=str(made), interactive=True)

    # On one component: a mistake would else cover everything that is still shown.
    events = {**MODEL, **PRIVATE, "show_progress_on": told}
    shell.opened["pairs"].select(opened, settings, [*listed, first, second, *shown], **events)
    rank.click(ranks, [first, second], [*listed, told], **{**events, "show_progress_on": state})
    table.select(clicked, settings, [first, second, *shown], **events)
    gr.on([first.input, second.input], changed, [first, second, *settings], shown, **events)
    gr.on([which_a.input, which_b.input, query.input, mode.input, every.input], again,
          [which_a, which_b, *settings], seen,
          **{**events, "show_progress_on": answers})  # fmt: skip
    gallery_a.select(pick_first, [which_b, *settings], [which_a, *seen],
                     **{**events, "show_progress_on": answers[0]})  # fmt: skip
    gallery_b.select(pick_second, [which_a, *settings], [which_b, *seen],
                     **{**events, "show_progress_on": answers[1]})  # fmt: skip
    ask.click(compute, None, page, **{**events, "show_progress_on": found})
    store.click(stored, None, download, **{**events, "show_progress_on": download})


def pair_of(session: Session) -> tuple[str, str]:
    """Return the pair that a session looks at."""
    if _KEPT not in session.kept:
        raise UserError("choose two species first")
    a, b = session.kept[_KEPT]
    return str(a), str(b)


def at(rows: list[int], place: Any) -> int:
    """Return the photograph at a place of a gallery."""
    if not isinstance(place, int) or place not in range(min(SHOWN, len(rows))):
        raise UserError("that specimen is no longer shown: choose it again")
    return rows[place]


def _no_file() -> Any:
    return gr.DownloadButton(value=None, interactive=False)


def _no_page() -> tuple[Any, ...]:
    """Return an empty page: what it showed was of another pair."""
    nothing = gr.Image(None, visible=False)
    return "", nothing, "", nothing, "", _no_file()


TAB = Tab("pairs", "Mimicry pairs", 3, build)
