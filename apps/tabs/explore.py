"""Explore: choose a specimen, see the answer, and where each head looked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray

from apps import words
from apps.photographs import Photograph, take_upload
from apps.service import ALL, RIGHT, WRONG, Service
from apps.sessions import Session
from apps.tabs.tab import MODEL, PRIVATE, Shell, Tab
from intr_discover.errors import UserError
from intr_discover.explain.contrast import contrast
from intr_discover.explain.maps import Explanation, Ranking
from intr_discover.figures.head_names import head_label
from intr_discover.figures.panels import short_number
from intr_discover.figures.screen import (
    colour_bar_figure,
    figure_picture,
    map_picture,
    screen_grid,
)
from intr_discover.model.intr import ContextMode

PAGE = 24
"""Photographs of one page of the gallery."""

PREDICTED = "the predicted class"
_SMALL, _LARGE = 360, 960  # pixels of the longer side

Pictures = list[tuple[NDArray[np.uint8], str]]


def build(shell: Shell) -> None:
    """Make the tab."""
    service = shell.service
    classes = service.explainer.classes
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            label = gr.Dropdown([ALL, *service.labels], value=ALL, label="Species",
                                elem_id="explore-species")  # fmt: skip
            with gr.Row():
                split = gr.Dropdown([ALL, *service.specimens.splits], value=ALL, label="Split",
                                    elem_id="explore-split", min_width=120)  # fmt: skip
                answer = gr.Dropdown(
                    [("all", ALL), ("right", RIGHT), ("wrong", WRONG)], value=ALL,
                    label="The model's answer", elem_id="explore-answer", min_width=120,
                )  # fmt: skip
            gallery = gr.Gallery(
                label="Photographs: choose one", columns=4, height=420, object_fit="cover",
                allow_preview=False, format="png", interactive=False, buttons=[],
                elem_id="explore-gallery",
            )  # fmt: skip
            with gr.Row(elem_classes="pager"):
                back = gr.Button("Previous page", size="sm", elem_id="explore-back")
                where = gr.HTML(elem_id="explore-page")
                on = gr.Button("Next page", size="sm", elem_id="explore-next")
            upload = gr.File(label="Or a photograph of your own", type="filepath", height=120,
                             file_count="single", elem_id="explore-upload")  # fmt: skip
        with gr.Column(scale=3, min_width=320):
            told = gr.HTML(elem_id="explore-answer-words")
            with gr.Row():
                asked = gr.Dropdown(
                    [PREDICTED, *classes], value=PREDICTED, elem_id="explore-class",
                    label="Where does the model look for …",
                )  # fmt: skip
                context = gr.Dropdown(
                    classes, value=[], multiselect=True, label="Only these classes compete",
                    info="none chosen: all of them", elem_id="explore-context",
                )  # fmt: skip
            with gr.Row():
                mode = gr.Dropdown(
                    [("their queries become zero", "zero"), ("they are left out", "subset")],
                    value="zero", label="The other classes", elem_id="explore-context-mode",
                    min_width=140,
                )  # fmt: skip
                ranking = gr.Dropdown(
                    [("largest weight", "maximum"), ("peak, as in the paper", "peak")],
                    value="maximum", label="Heads ranked by", elem_id="explore-ranking",
                    min_width=140,
                )  # fmt: skip
                layer = gr.Dropdown(
                    [(f"{number + 1} of {service.layers}", number)
                     for number in range(service.layers)] or [("none", 0)],
                    value=max(0, service.layers - 1), label="Decoder layer",
                    elem_id="explore-layer", min_width=140,
                )  # fmt: skip
            heads = gr.Gallery(
                label="Heads, the strongest first: choose one to enlarge it", columns=4,
                allow_preview=False, format="png", interactive=False, buttons=[], height="auto",
                object_fit="contain", elem_id="explore-heads", elem_classes="all-shown",
            )  # fmt: skip
            bar = gr.Image(
                label="Scale of all maps above", format="png", interactive=False, buttons=[],
                elem_id="explore-bar", elem_classes="colour-bar",
                alt_text="Colour bar: attention weight per cell",
            )  # fmt: skip
            large = gr.Image(label="Enlarged", format="png", interactive=False,
                             buttons=["download", "fullscreen"], elem_id="explore-large",
                             alt_text="The chosen head, enlarged")  # fmt: skip
            paint = gr.Button("Change this photograph and ask again", variant="primary",
                              elem_id="explore-paint")  # fmt: skip
            with gr.Accordion("Contrast of two classes", open=False, elem_id="explore-contrast"):
                with gr.Row():
                    first = gr.Dropdown(classes, value=classes[0], label="First class",
                                        elem_id="explore-first")  # fmt: skip
                    second = gr.Dropdown(
                        classes, value=classes[min(1, len(classes) - 1)], label="Second class",
                        elem_id="explore-second",
                    )  # fmt: skip
                alone = gr.Checkbox(value=True, label="Only these two compete",
                                    elem_id="explore-alone")  # fmt: skip
                compare = gr.Button("Show the contrast", elem_id="explore-compare")
                contrasted = gr.Image(
                    label="Both classes and the difference of their maps", format="png",
                    interactive=False, buttons=["download", "fullscreen"],
                    elem_id="explore-contrasted",
                    alt_text="Maps of two classes side by side and their difference",
                )  # fmt: skip

    filters, questions = [label, split, answer], [asked, context, mode, ranking, layer]
    shown, seen = [gallery, where], [told, heads, bar, large]

    def turn(session: Session, step: int, chosen: Sequence[str]) -> tuple[Any, ...]:
        species, part, right = chosen
        rows = service.rows(species, part, right)
        pages = max(1, -(-len(rows) // PAGE))
        page = 0 if step == 0 else min(max(session.kept.get("page", 0) + step, 0), pages - 1)
        visible = rows[page * PAGE : (page + 1) * PAGE]
        session.kept |= {"page": page, "rows": visible}
        count = f"{len(rows)} photographs, page {page + 1} of {pages}" if rows else "none"
        return [(service.thumbnail(row), service.label(row)) for row in visible], words.paragraph(
            count, "quiet"
        )

    @shell.spoken
    def filtered(
        species: str,
        part: str,
        right: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple[Any, ...]:
        if right != ALL:  # asks the model about those that it has not seen yet
            service.rows(
                species, part, right, lambda done, of: progress((done, of), desc="classifying")
            )
        return turn(shell.session(request), 0, (species, part, right))

    @shell.spoken
    def previous(species: str, part: str, right: str, request: gr.Request) -> tuple[Any, ...]:
        return turn(shell.session(request), -1, (species, part, right))

    @shell.spoken
    def following(species: str, part: str, right: str, request: gr.Request) -> tuple[Any, ...]:
        return turn(shell.session(request), 1, (species, part, right))

    @shell.spoken
    def choose(
        of: str,
        among: list[str],
        how: ContextMode,
        by: Ranking,
        which: int,
        event: gr.SelectData,
        request: gr.Request,
    ) -> tuple[Any, ...]:
        session = shell.session(request)
        rows = session.kept.get("rows", [])
        if event.index not in range(len(rows)):
            raise UserError("that photograph is no longer on this page: choose it again")
        session.photograph = service.photograph(rows[event.index])
        return explain(service, session, of, among, how, by, which)

    @shell.spoken
    def uploaded(
        path: str | None,
        of: str,
        among: list[str],
        how: ContextMode,
        by: Ranking,
        which: int,
        request: gr.Request,
    ) -> tuple[Any, ...]:
        session = shell.session(request)
        if path is None:
            raise UserError("no file arrived: choose it again")
        session.photograph = take_upload(path, session.folder / "uploads")
        return explain(service, session, of, among, how, by, which)

    @shell.spoken
    def again(
        of: str, among: list[str], how: ContextMode, by: Ranking, which: int, request: gr.Request
    ) -> tuple[Any, ...]:
        return explain(service, shell.session(request), of, among, how, by, which)

    @shell.spoken
    def enlarge(event: gr.SelectData, request: gr.Request) -> Any:
        return enlarged(shell.session(request), event.index)

    @shell.spoken
    def contrasts(one: str, other: str, only_two: bool, which: int, request: gr.Request) -> Any:
        session = shell.session(request)
        photograph = chosen_photograph(session)
        explanation = service.explainer.explain(
            service.encode(photograph), [one, other] if one != other else [one],
            context=[one, other] if only_two and one != other else None, layer=which,
        )  # fmt: skip
        session.kept["contrast"] = found = contrast(explanation, one, other)
        return figure_picture(found.figure())

    @shell.spoken
    def begin(
        species: str, part: str, right: str,
        of: str, among: list[str], how: ContextMode, by: Ranking, which: int,
        request: gr.Request,
    ) -> tuple[Any, ...]:  # fmt: skip
        session = shell.session(request)
        pictures = turn(session, 0, (species, part, right))
        if not session.kept["rows"]:
            return *pictures, "", [], None, None
        session.photograph = service.photograph(session.kept["rows"][0])
        return *pictures, *explain(service, session, of, among, how, by, which)

    events = {**MODEL, **PRIVATE}
    gr.on([each.input for each in filters], filtered, filters, shown, **events)
    back.click(previous, filters, shown, **events)
    on.click(following, filters, shown, **events)
    gallery.select(choose, questions, seen, **events)
    upload.upload(uploaded, [upload, *questions], seen, **events)
    gr.on([each.input for each in questions], again, questions, seen, **events)
    heads.select(enlarge, None, large, **events)
    compare.click(contrasts, [first, second, alone, layer], contrasted, **events)
    paint.click(lambda: gr.Tabs(selected="paint"), None, shell.tabs, queue=False, **PRIVATE)
    shell.on_load.append(
        lambda page: page.load(begin, [*filters, *questions], [*shown, *seen], **events)
    )


def chosen_photograph(session: Session) -> Photograph:
    """Return the photograph that a session looks at."""
    if session.photograph is None:
        raise UserError("choose a photograph first")
    return session.photograph


def explain(
    service: Service,
    session: Session,
    asked: str,
    context: Sequence[str],
    mode: ContextMode,
    ranking: Ranking,
    layer: int,
) -> tuple[Any, ...]:
    """Return the answer in words, the heads, their scale, and the mean map enlarged."""
    photograph = chosen_photograph(session)
    if not service.has_maps:
        table = service.explainer.predict(photograph.path, top=len(service.explainer.classes))
        names, chances = table["label"].tolist(), table["probability"].tolist()
        said = answer_in_words(photograph, names[0], chances[0])
        said += words.paragraph("This model is a plain classifier: it has no maps to show.")
        return (
            said + words.bars(names, [("probability", chances)], marked=[names[0]]),
            [],
            None,
            None,
        )
    if len(context) == 1:
        raise UserError("one class alone has nobody to compete with: choose two or more, or none")
    explanation = service.explainer.explain(
        service.encode(photograph),
        None if asked == PREDICTED else [asked],
        context=list(context) or None,
        context_mode=mode,
        layer=layer,
    )
    session.kept |= {"explanation": explanation, "explained": photograph}
    called = service.names()
    session.kept["order"] = order = explanation.ranked_heads(ranking=ranking)
    said = answer_in_words(photograph, explanation.predicted, explanation.probability)
    looked = f"Maps of the query of {explanation.classes[0]}"
    if context:
        looked += f", while {len(context)} classes compete"
    said += words.bars(
        explanation.competing,
        [("probability", explanation.probabilities.tolist())],
        marked=[explanation.predicted, explanation.classes[0]],
    ) + words.paragraph(f"{looked}.")
    scale = scale_of(explanation)
    scores = explanation.scores(ranking)[0]
    grid = screen_grid((explanation.photograph.shape[0], explanation.photograph.shape[1]), _SMALL)
    pictures: Pictures = [(drawn(explanation, "mean", grid, scale), "mean of all heads")]
    for rank, head in enumerate(order, 1):
        title = head_label(called, explanation.classes[0], head)
        caption = f"{rank}. {title} · {ranking_word(ranking)} {short_number(scores[head])}"
        pictures.append((drawn(explanation, head, grid, scale), caption))
    bar = figure_picture(colour_bar_figure(scale, uniform_of(explanation)))
    return said, pictures, bar, enlarged(session, 0)


def enlarged(session: Session, place: int) -> Any:
    """Return the map at a place of the head gallery, large; the first is the mean."""
    explanation = session.kept.get("explanation")
    if explanation is None:
        raise UserError("choose a photograph first")
    order = session.kept["order"]
    if place not in range(len(order) + 1):
        raise UserError("that head is no longer shown: choose it again")
    head = "mean" if place == 0 else order[place - 1]
    shape = explanation.photograph.shape
    grid = screen_grid((shape[0], shape[1]), _LARGE)
    name = "Mean of all heads" if head == "mean" else f"Head {head}"
    words_above = f"{name}, query of {explanation.classes[0]}"
    return gr.Image(drawn(explanation, head, grid, scale_of(explanation)), label=words_above)


def drawn(
    explanation: Explanation, head: Any, grid: tuple[int, int], scale: float
) -> NDArray[np.uint8]:
    """Return one head's map over the photograph."""
    return map_picture(explanation.photograph, explanation.heatmap(head=head, shape=grid), scale)


def scale_of(explanation: Explanation) -> float:
    """Return the weight in the last colour: the largest of all heads."""
    return max(uniform_of(explanation), float(explanation.map_maxima[0].max()))


def uniform_of(explanation: Explanation) -> float:
    """Return the weight of each cell if a head looked everywhere alike."""
    return float(1 / explanation.maps[0, 0].size)


def ranking_word(ranking: Ranking) -> str:
    """Return what a head's number is."""
    return "max" if ranking == "maximum" else "peak"


def answer_in_words(photograph: Photograph, predicted: str, probability: float) -> str:
    """Return the photograph's name, the answer, and whether it is right."""
    said = f"The model says {predicted}, with probability {100 * probability:.1f} %."
    kind = ""
    if photograph.label is not None:
        right = photograph.label == predicted
        said += f" It is {photograph.label}: {'right' if right else 'wrong'}."
        kind = "right" if right else "wrong"
    return words.heading(photograph.name) + words.paragraph(said, f"answer {kind}".strip())


TAB = Tab("explore", "Explore", 1, build)
