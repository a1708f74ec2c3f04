"""Paint and re-classify: mark a region, change it, and see what the model says now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from apps import editing, history, words
from apps.annotating import rater_of
from apps.editing import Made
from apps.photographs import Photograph, take_upload
from apps.regions import ATTRIBUTE, COLOUR, HEAD, attribute_names, propose
from apps.service import Service
from apps.sessions import Donor, Session
from apps.tabs.tab import MODEL, PRIVATE, Shell, Tab
from apps.versions import Version
from intr_discover.edits.colour_masks import sample_colour
from intr_discover.errors import UserError
from intr_discover.explain.maps import Explanation
from intr_discover.figures.head_names import HeadNames, head_label
from intr_discover.figures.overlay import resize_photograph
from intr_discover.figures.panels import short_number
from intr_discover.figures.screen import (
    colour_bar_figure,
    figure_picture,
    map_picture,
    outlined,
    photograph_picture,
    screen_grid,
)
from intr_discover.studies.looking import TOP_HEADS
from intr_discover.studies.wording import percent

MARKER = ("#ff2fb3", 0.55)
"""The brush's first colour: seen on every wing, and the wing is seen through it."""
_MARK = (*bytes.fromhex(MARKER[0][1:]), round(255 * MARKER[1]))

INKS = ["#000000", "#ffffff", "#d62728", "#ff7f0e", "#f2d024", "#2ca02c", "#1f77b4", "#6b3d1e"]

OPERATIONS = [
    ("Erase it", "erase"),
    ("Give it another colour", "recolour"),
    ("Blur it", "blur"),
    ("Fill it from the other wing", "mirror"),
    ("Fill it from a donor", "transplant"),
    ("Take the paint as it is", "paint"),
]
FILLS = {
    "erase": [
        ("from what lies around it (fast marching)", "telea"),
        ("from what lies around it (lines continued)", "navier-stokes"),
        ("from what lies around it (smooth surface, slow)", "biharmonic"),
        ("the median colour around it", "surround"),
        ("the background's colour", "background"),
        ("its own mean colour (blurred away)", "blur"),
        ("the chosen colour", "colour"),
    ],
    "recolour": [
        ("the chosen colour", "colour"),
        ("its own hue, turned", "hue"),
        ("the colours of the donor", "donor"),
    ],
    "transplant": [("as it is", "plain"), ("fitted to the colours around", "seamless")],
}
_SIDE, _SMALL = 640, 320  # pixels of the longer side
_MEAN = "mean of all heads"


def build(shell: Shell) -> None:
    """Make the tab."""
    service = shell.service
    collection = [(f"{service.name(row)}  ({service.label(row)})", row)
                  for row in range(len(service.specimens))]  # fmt: skip
    with gr.Row():
        with gr.Column(scale=3, min_width=320):
            with gr.Row(elem_classes="pager"):
                chosen = gr.Dropdown(collection, value=None, label="Photograph", scale=3,
                                     elem_id="paint-photograph", min_width=200)  # fmt: skip
                upload = gr.UploadButton("Upload a photograph", type="filepath", scale=1, size="md",
                                         elem_id="paint-upload", min_width=200)  # fmt: skip
            told = gr.HTML(elem_id="paint-note")
            editor = gr.ImageEditor(
                label="Mark the region with the brush", type="numpy", format="png", height=620,
                image_mode="RGBA", sources=(), transforms=(), layers=False, buttons=["fullscreen"],
                brush=gr.Brush(default_size=24, colors=[MARKER, *INKS], default_color=MARKER,
                               color_mode="defaults"),
                eraser=gr.Eraser(default_size=24), canvas_size=(640, 640), elem_id="paint-editor",
            )  # fmt: skip
            with gr.Accordion("Let a region be proposed", open=False, elem_id="paint-propose"):
                kind = gr.Radio(
                    [("where a head looks", HEAD), ("an attribute", ATTRIBUTE),
                     ("a range of colours", COLOUR)], value=HEAD, label="Region",
                    elem_id="paint-kind",
                )  # fmt: skip
                with gr.Group(visible=True) as of_head:
                    head = gr.Dropdown([(_MEAN, -1)], value=-1, label="Head",
                                       elem_id="paint-head")  # fmt: skip
                    share = gr.Slider(0.5, 30, 2, step=0.5, label="Percent of the photograph",
                                      elem_id="paint-share")  # fmt: skip
                with gr.Group(visible=False) as of_attribute:
                    attribute = gr.Dropdown([], label="Attribute", elem_id="paint-attribute")
                with gr.Group(visible=False) as of_colour:
                    distance = gr.Slider(
                        2, 60, 20, step=1, label="Distance from the chosen colour",
                        info="20 gathers what one would call the same colour",
                        elem_id="paint-distance",
                    )  # fmt: skip
                proposal = gr.Button("Put it on the canvas", elem_id="paint-put")
            with gr.Accordion("Earlier edits of this photograph", open=False,
                              elem_id="paint-earlier"):  # fmt: skip
                past = gr.Dropdown([], label="Kept in the database", elem_id="paint-past")
                repeat = gr.Button("Put its region and settings on the page",
                                   elem_id="paint-repeat")  # fmt: skip
        with gr.Column(scale=2, min_width=320):
            operation = gr.Radio(OPERATIONS, value="erase", label="What happens to the region",
                                 elem_id="paint-operation")  # fmt: skip
            fill = gr.Dropdown(FILLS["erase"], value="telea", label="Filled with",
                               elem_id="paint-fill")  # fmt: skip
            with gr.Group(visible=False, elem_id="paint-colours") as colours:
                colour = gr.ColorPicker(value="#d62728", label="Colour", elem_id="paint-colour")
                sampler = gr.Image(
                    label="Or click on the photograph to take a colour from it", format="png",
                    interactive=False, buttons=[], elem_id="paint-sampler", height=220,
                    alt_text="The photograph: click to take a colour",
                )  # fmt: skip
                lightness = gr.Radio(
                    [("becomes that of the colour", "match"), ("stays", "keep")], value="match",
                    label="Lightness, when recoloured", elem_id="paint-lightness",
                )  # fmt: skip
            degrees = gr.Slider(-180, 180, 90, step=5, label="Degrees by which the hue is turned",
                                visible=False, elem_id="paint-degrees")  # fmt: skip
            with gr.Group(visible=False, elem_id="paint-donors") as donors:
                donor = gr.Image(label="Donor", format="png", interactive=False, buttons=[],
                                 elem_id="paint-donor", height=180,
                                 alt_text="The donor and its region")  # fmt: skip
                keep = gr.Button("Keep this photograph and its region as donor",
                                 elem_id="paint-keep")  # fmt: skip
            with gr.Row():
                feather = gr.Slider(0, 20, 0, step=0.5, label="Soft edge (pixels)",
                                    elem_id="paint-feather", min_width=140)  # fmt: skip
                strength = gr.Slider(0.05, 1, 1, step=0.05, label="Strength",
                                     elem_id="paint-strength", min_width=140)  # fmt: skip
            run = gr.Button("Change it and ask again", variant="primary", elem_id="paint-run")
            verdict = gr.HTML(elem_id="paint-verdict")
            chart = gr.HTML(elem_id="paint-chart")
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            slider = gr.ImageSlider(
                label="Before (left) and after (right)", format="png", type="numpy",
                interactive=False, buttons=["download", "fullscreen"], elem_id="paint-slider",
                max_height=640,
            )  # fmt: skip
        with gr.Column(scale=3, min_width=320):
            heads = gr.Gallery(
                label="The strongest heads, before and after", columns=2, format="png",
                allow_preview=False, interactive=False, buttons=[], height="auto",
                object_fit="contain", elem_id="paint-heads", elem_classes="all-shown",
            )  # fmt: skip
            bar = gr.Image(label="Scale of all maps above", format="png", interactive=False,
                           buttons=[], elem_id="paint-bar", elem_classes="colour-bar",
                           alt_text="Colour bar: attention weight per cell")  # fmt: skip
    with gr.Group(elem_id="paint-versions"):
        table = gr.Dataframe(
            headers=["version", "photograph", "edit", "before", "after", "beyond controls"],
            value=[], interactive=False, label="Versions of this session", wrap=True,
            elem_id="paint-table", max_height=260,
        )  # fmt: skip
        with gr.Row(equal_height=True):
            one = gr.Dropdown([], label="Version", elem_id="paint-version", min_width=120)
            reopen = gr.Button("Open it again", elem_id="paint-reopen", min_width=120)
            export = gr.Button("Make a zip of it", elem_id="paint-export", min_width=120)
            saved = gr.DownloadButton("Download the zip", interactive=False,
                                      elem_id="paint-download", min_width=120)  # fmt: skip
        with gr.Row(equal_height=True):
            other = gr.Dropdown([], label="Compare with version", elem_id="paint-other",
                                min_width=120)  # fmt: skip
            compare = gr.Button("Compare the two", elem_id="paint-compare", min_width=120)
    with gr.Row(visible=False) as comparison:
        pair = gr.ImageSlider(label="The two versions", format="png", type="numpy",
                              interactive=False, buttons=["download", "fullscreen"],
                              elem_id="paint-pair", max_height=560)  # fmt: skip
        pair_chart = gr.HTML(elem_id="paint-pair-chart")

    canvas = [chosen, told, editor, sampler, head, attribute, past]
    parameters = [operation, fill, colour, lightness, degrees, feather, strength]
    listed = [table, one, other]

    def show(session: Session, strokes: NDArray[np.uint8] | None = None) -> tuple[Any, ...]:
        """Put the session's photograph on the canvas."""
        photograph = session.photograph
        assert photograph is not None
        session.painting = photograph
        pixels = service.pixels(photograph)
        shape = editing.canvas_shape(photograph.shape)
        # Enlarged by a whole number, each pixel stays a square: what is marked is what is meant.
        ground = (
            np.asarray(Image.fromarray(pixels).resize(shape[::-1], Image.Resampling.NEAREST))
            if shape[0] > photograph.shape[0]
            else resize_photograph(pixels, *shape)
        )
        note = words.heading(photograph.name)
        if photograph.label is not None:
            note += words.paragraph(photograph.label)
        known = attribute_names(service, photograph)
        return (
            gr.Dropdown(value=photograph.row),
            note + words.paragraph(editing.canvas_words(photograph.shape), "quiet"),
            {"background": ground, "layers": [] if strokes is None else [strokes],
             "composite": None},
            photograph_picture(pixels, _SIDE),
            gr.Dropdown(_head_choices(service, photograph)),
            gr.Dropdown(known, value=known[0] if known else None),
            past_edits(photograph),
        )  # fmt: skip

    def past_edits(photograph: Photograph) -> Any:
        found = history.earlier(service, photograph)
        choices = [(history.title(edit), edit.number) for edit in found]
        return gr.Dropdown(choices, value=choices[0][1] if choices else None)

    @shell.spoken
    def opened(request: gr.Request) -> tuple[Any, ...]:
        session = shell.session(request)
        if session.photograph is None:
            session.photograph = service.photograph(0)
        if session.painting == session.photograph:
            return tuple(gr.skip() for _ in canvas)  # what is painted stays
        return show(session)

    @shell.spoken
    def pick(row: int | None, request: gr.Request) -> tuple[Any, ...]:
        session = shell.session(request)
        if row is None:
            raise UserError("choose a photograph")
        session.photograph = service.photograph(int(row))
        return show(session)

    @shell.spoken
    def uploaded(path: str | None, request: gr.Request) -> tuple[Any, ...]:
        session = shell.session(request)
        if path is None:
            raise UserError("no file arrived: choose it again")
        session.photograph = take_upload(path, session.folder / "uploads")
        return show(session)

    @shell.spoken
    def put(
        which: str, number: int, of_all: float, name: str | None, ink: str, away: float,
        request: gr.Request,
    ) -> Any:  # fmt: skip
        photograph = _painting(shell.session(request))
        mask = propose(
            service, photograph, which, head=None if number in (None, -1) else int(number),
            share=of_all / 100, attribute=name, colour=editing.css_colour(ink), distance=away,
        )  # fmt: skip
        return show(shell.session(request), _marked(mask, photograph))[2]

    @shell.spoken
    def sample(event: gr.SelectData, request: gr.Request) -> str:
        photograph = _painting(shell.session(request))
        grid = screen_grid(photograph.shape, _SIDE)
        x, y = (
            (place + 0.5) * own / shown - 0.5
            for place, own, shown in zip(event.index, photograph.shape[::-1], grid[::-1],
                                         strict=True)
        )  # fmt: skip
        found = sample_colour(service.pixels(photograph), x, y, radius=1)
        return "#{:02x}{:02x}{:02x}".format(*found)

    @shell.spoken
    def kept(painted: dict[str, Any] | None, request: gr.Request) -> Any:
        session = shell.session(request)
        photograph = _painting(session)
        strokes = editing.strokes_of(painted, editing.canvas_shape(photograph.shape))
        mask = editing.mask_at_size(strokes[..., 3], photograph.shape)
        path = session.folder / f"donor-{len(list(session.folder.glob('donor-*')))}.png"
        editing.write_picture(path, mask.astype(np.uint8) * 255)
        session.donor = Donor(photograph, path)
        picture = outlined(photograph_picture(service.pixels(photograph), _SIDE), mask)
        return gr.Image(picture, label=f"Donor: {photograph.name}")

    @shell.spoken
    def change(
        painted: dict[str, Any] | None, what: str, how: str | None, ink: str, light: str,
        turn: float, soft: float, strong: float, request: gr.Request,
    ) -> tuple[Any, ...]:  # fmt: skip
        session = shell.session(request)
        photograph = _painting(session)
        strokes = editing.strokes_of(painted, editing.canvas_shape(photograph.shape))
        edit = editing.edit_of(
            what, how if what in FILLS else None, colour=ink, lightness=light, degrees=turn,
            feather=soft, strength=strong, donor=session.donor is not None, strokes=strokes,
        )  # fmt: skip
        made = editing.make_version(service, session, photograph, strokes, edit)
        session.kept |= {"awaits": made.version.number, "made": made}
        waiting = words.paragraph("Making the same change in 20 random regions …", "quiet waiting")
        return _answer(made.version) + waiting, _chart(made.version), *_listing(session)

    @shell.spoken
    def look(request: gr.Request) -> tuple[Any, ...]:
        made = shell.session(request).kept.pop("made", None)
        if made is None:
            return tuple(gr.skip() for _ in range(3))
        return _pictures(made, service.names())

    @shell.spoken
    def control(request: gr.Request) -> tuple[Any, ...]:
        session = shell.session(request)
        number = session.kept.pop("awaits", None)
        if number is None:
            return tuple(gr.skip() for _ in range(1 + len(listed)))
        version = editing.add_controls(service, session, number)
        return _verdict(version), *_listing(session)

    @shell.spoken
    def remembered(request: gr.Request) -> Any:
        session = shell.session(request)
        version = session.versions.all()[-1]
        history.remember(service, version, rater_of(session, request))
        return past_edits(version.photograph)

    @shell.spoken
    def repeated(number: int | None, request: gr.Request) -> tuple[Any, ...]:
        session = shell.session(request)
        photograph = _painting(session)
        edits = {edit.number: edit for edit in history.earlier(service, photograph)}
        if number not in edits:
            raise UserError("choose one of the earlier edits of this photograph")
        shape = editing.canvas_shape(photograph.shape)
        strokes = history.strokes_of(edits[number], shape, _MARK)
        return *show(session, strokes), *_settings(edits[number].operation)

    @shell.spoken
    def again(number: int | None, request: gr.Request) -> tuple[Any, ...]:
        session = shell.session(request)
        version = session.versions.get(_number(number))
        session.photograph = version.photograph
        strokes = editing.read_strokes(version.folder / editing.PAINTED)
        return (
            *show(session, strokes), *_settings(version.edit), _verdict(version), _chart(version)
        )  # fmt: skip

    @shell.spoken
    def zipped(number: int | None, request: gr.Request) -> Any:
        session = shell.session(request)
        place = editing.pack(session.versions.get(_number(number)), session.folder)
        return gr.DownloadButton(value=str(place), interactive=True)

    @shell.spoken
    def compared(first: int | None, second: int | None, request: gr.Request) -> tuple[Any, ...]:
        session = shell.session(request)
        versions = [session.versions.get(_number(number)) for number in (first, second)]
        pictures = [
            photograph_picture(
                editing.read_strokes(version.folder / editing.EDITED)[..., :3], _SIDE
            )
            for version in versions
        ]
        if pictures[0].shape != pictures[1].shape:
            pictures[1] = resize_photograph(pictures[1], *pictures[0].shape[:2])
        series = [(f"version {version.number}", version.after) for version in versions]
        marked = [version.answers[1] for version in versions]
        said = words.bars(versions[0].classes, series, marked=marked)
        label = f"Version {versions[0].number} (left) and {versions[1].number} (right)"
        return gr.Row(visible=True), gr.ImageSlider((pictures[0], pictures[1]), label=label), said

    def fit(what: str) -> tuple[Any, ...]:
        fills = FILLS.get(what, [])
        first = fills[0][1] if fills else None
        return gr.Dropdown(fills, value=first, visible=bool(fills)), *fitting(what, first)

    def fitting(what: str, how: str | None) -> tuple[Any, ...]:
        takes_colour = how == "colour" and what in ("erase", "recolour")
        takes_donor = what == "transplant" or (what, how) == ("recolour", "donor")
        return (
            gr.Group(visible=takes_colour),
            gr.Radio(visible=what == "recolour"),
            gr.Slider(visible=(what, how) == ("recolour", "hue")),
            gr.Group(visible=takes_donor),
        )

    def regions(which: str) -> tuple[Any, ...]:
        return (
            gr.Group(visible=which == HEAD),
            gr.Group(visible=which == ATTRIBUTE),
            gr.Group(visible=which == COLOUR),
            gr.Group(visible=True) if which == COLOUR else gr.skip(),
        )

    events = {**MODEL, **PRIVATE}
    quick: dict[str, Any] = {"queue": False, "show_progress": "hidden", **PRIVATE}
    groups = [colours, lightness, degrees, donors]
    shell.opened["paint"].select(opened, None, canvas, **events)
    chosen.input(pick, chosen, canvas, **events)
    upload.upload(uploaded, upload, canvas, **events)
    operation.input(fit, operation, [fill, *groups], **quick)
    fill.input(fitting, [operation, fill], groups, **quick)
    kind.input(regions, kind, [of_head, of_attribute, of_colour, colours], **quick)
    proposal.click(put, [kind, head, share, attribute, colour, distance], editor, **events)
    sampler.select(sample, None, colour, **events)
    keep.click(kept, editor, donor, **events)
    first_answer = run.click(
        change, [editor, *parameters], [verdict, chart, *listed], show_progress_on=[verdict],
        **events,
    )  # fmt: skip
    # The new answer is on the page before pictures are drawn, and these before controls are made.
    seen = first_answer.success(look, None, [slider, heads, bar], **events)
    seen.success(control, None, [verdict, *listed], show_progress_on=[verdict], **events)
    first_answer.success(remembered, None, past, queue=False, show_progress="hidden", **PRIVATE)
    repeat.click(repeated, past, [*canvas, *parameters], **events).success(
        fitting, [operation, fill], groups, **quick
    )
    reopen.click(again, one, [*canvas, *parameters, verdict, chart], **events).success(
        fitting, [operation, fill], groups, **quick
    )
    export.click(zipped, one, saved, **events)
    compare.click(compared, [one, other], [comparison, pair, pair_chart], **events)


def _settings(edit: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the values of the page's settings for an edit as ``Edit.as_dict`` gives it."""
    fills = FILLS.get(edit["operation"], [])
    return (
        edit["operation"],
        gr.Dropdown(fills, value=edit["fill"] if fills else None, visible=bool(fills)),
        edit.get("colour", gr.skip()),
        edit.get("lightness", gr.skip()),
        edit.get("degrees", gr.skip()),
        edit["feather"],
        edit["strength"],
    )


def _painting(session: Session) -> Photograph:
    if session.painting is None:
        raise UserError("open a photograph first")
    return session.painting


def _number(number: int | None) -> int:
    if number is None:
        raise UserError("choose a version first")
    return int(number)


def _head_choices(service: Service, photograph: Photograph) -> list[tuple[str, int]]:
    """Return the heads of the predicted class's query, the strongest first."""
    if not service.has_maps:
        return [(_MEAN, -1)]
    explanation = service.explainer.explain(service.encode(photograph))
    ranked = explanation.ranked_heads()
    heads = [(f"head {head} ({rank}.)", head) for rank, head in enumerate(ranked, 1)]
    return [*heads, (_MEAN, -1)]


def _marked(mask: NDArray[np.bool_], photograph: Photograph) -> NDArray[np.uint8]:
    """Return a region as strokes of the marker on the canvas."""
    shape = editing.canvas_shape(photograph.shape)
    layer = np.zeros((*shape, 4), dtype=np.uint8)
    layer[editing.mask_at_size(mask, shape)] = _MARK
    return layer


def _pictures(made: Made, names: HeadNames) -> tuple[Any, ...]:
    """Return the photograph before and after, the heads of both, and their scale."""
    version = made.version
    pictures = tuple(photograph_picture(each, _SIDE) for each in (made.photograph, made.edited))
    if made.maps is None:
        return pictures, [], None
    scale, uniform = _scale(made.maps)
    grid = screen_grid(version.photograph.shape, _SMALL)
    shown = []
    for head in made.maps[0].ranked_heads()[:TOP_HEADS]:
        for explanation, when in zip(made.maps, ("before", "after"), strict=True):
            values = explanation.heatmap(head=head, shape=grid)
            most = short_number(float(explanation.map_maxima[0, head]))
            picture = map_picture(explanation.photograph, values, scale)
            called = head_label(names, explanation.classes[0], head)
            shown.append((picture, f"{called} {when} · max {most}"))
    bar = figure_picture(colour_bar_figure(scale, uniform))
    return pictures, shown, bar


def _scale(maps: tuple[Explanation, Explanation]) -> tuple[float, float]:
    uniform = float(1 / maps[0].maps[0, 0].size)
    return max(uniform, *(float(each.map_maxima[0].max()) for each in maps)), uniform


def _answer(version: Version) -> str:
    before, after = version.answers
    first, second = max(version.before), max(version.after)
    if before == after:
        said = (
            f"Version {version.number}: still {before}, {percent(second)} after {percent(first)}."
        )
        return words.paragraph(said, "answer")
    said = (
        f"Version {version.number}: {before} ({percent(first)}) becomes {after} "
        f"({percent(second)})."
    )
    return words.paragraph(said, "answer changed")


def _verdict(version: Version) -> str:
    """Return the answer and what the controls say of it."""
    if not version.sentences:
        return _answer(version)
    # The first sentence says once more what the answer was.
    return _answer(version) + words.paragraphs(version.sentences[1:])


def _chart(version: Version) -> str:
    series = [("before", version.before), ("after", version.after)]
    return words.bars(version.classes, series, marked=list(version.answers), shown=4)


def _listing(session: Session) -> tuple[Any, ...]:
    """Return the table of the versions, and the two menus that choose among them."""
    versions = session.versions.all()
    rows = []
    for version in reversed(versions):
        first, second = version.answers
        facts = version.facts
        beyond = f"{facts['larger']} of {facts['controls']}" if facts.get("controls") else ""
        name = f"{version.edit['operation']} ({version.edit['fill']})"
        rows.append([version.number, version.photograph.name, name,
                     f"{first} {percent(max(version.before))}",
                     f"{second} {percent(max(version.after))}",
                     beyond])  # fmt: skip
    numbers = [version.number for version in versions]
    columns = ["version", "photograph", "edit", "before", "after", "beyond controls"]
    earlier = numbers[-2] if len(numbers) > 1 else numbers[-1]
    return (
        pd.DataFrame(rows, columns=columns),
        gr.Dropdown(numbers, value=numbers[-1]),
        gr.Dropdown(numbers, value=earlier),
    )


TAB = Tab("paint", "Paint and re-classify", 2, build)
