"""The two steps of "Your data" that are done by hand: landmarks and masks."""

from __future__ import annotations

import zipfile
from typing import Any

import gradio as gr
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from apps import editing, words
from apps.own_data import OwnData, own_data
from apps.placing import (
    KEYPOINTS,
    UNSEEN,
    Point,
    landmark_names,
    landmarks_of,
    marked_picture,
    mask_of,
    save_landmark,
    save_mask,
)
from apps.sessions import Session
from apps.tabs.paint import MARKER
from apps.tabs.tab import PRIVATE, Shell
from intr_discover.data.images import read_image, upright_shape
from intr_discover.data.specimens import Specimens
from intr_discover.edits.masks import mask_of_layer
from intr_discover.edits.scaling import mask_at_size
from intr_discover.errors import UserError
from intr_discover.figures.overlay import resize_photograph
from intr_discover.figures.screen import photograph_picture, screen_grid

_SIDE = 900  # pixels of the longer side
_HOW = (
    "Type the names once, in the order in which you place them; then click on the photograph. "
    "Every click is written to keypoints.csv beside your table at once. Where a landmark is hidden "
    "or broken off, say so: 'not visible' is an answer, too."
)
_HOW_MASKS = (
    "What is coloured counts as specimen. Colour it with the brush, take away with the eraser, "
    "then save: the mask goes to the folder masks and into the column mask of your table."
)
_DRAWING: dict[str, Any] = {"concurrency_id": "placing", "concurrency_limit": 2, **PRIVATE}


def build_landmarks(shell: Shell, step: gr.Tab) -> None:
    """Make the step of landmarks."""
    gr.HTML(words.paragraph(_HOW, "quiet"), elem_id="data-landmark-how")
    with gr.Row(equal_height=True):
        photograph = gr.Dropdown([], label="Photograph", elem_id="data-landmark-photograph",
                                 scale=3, min_width=220)  # fmt: skip
        back = gr.Button("Previous photograph", elem_id="data-landmark-back", min_width=140)
        onward = gr.Button("Next photograph", elem_id="data-landmark-next", min_width=140)
    with gr.Row():
        with gr.Column(scale=3, min_width=320):
            picture = gr.Image(
                label="Click where the landmark is", format="png", interactive=False,
                buttons=["fullscreen"], elem_id="data-landmark-picture", height=620,
                alt_text="The photograph: click to place the landmark",
            )  # fmt: skip
        with gr.Column(scale=2, min_width=300):
            listed = gr.Textbox(
                label="Names of the landmarks, with commas between them", lines=2,
                placeholder="wing base left, wing tip left, eyespot left",
                elem_id="data-landmark-names",
            )  # fmt: skip
            use = gr.Button("Use these names", elem_id="data-landmark-use")
            name = gr.Dropdown([], label="Landmark that the next click places",
                               elem_id="data-landmark-name")  # fmt: skip
            with gr.Row():
                unseen = gr.Button("Not visible", elem_id="data-landmark-unseen", min_width=120)
                undo = gr.Button("Undo", elem_id="data-landmark-undo", min_width=120)
            told = gr.HTML(elem_id="data-landmark-told")
            with gr.Accordion("Place it by numbers", open=False, elem_id="data-landmark-numbers"):
                with gr.Row():
                    across = gr.Number(label="Pixels from the left", elem_id="data-landmark-x",
                                       min_width=120)  # fmt: skip
                    down = gr.Number(label="Pixels from the top", elem_id="data-landmark-y",
                                     min_width=120)  # fmt: skip
                put = gr.Button("Place it there", elem_id="data-landmark-put")
            _build_download(shell)
    shown = [photograph, listed, name, picture, told]

    def show(data: OwnData, active: str | None = None) -> tuple[Any, ...]:
        """Show the photograph; where no name is given, the first landmark that is missing."""
        points = landmarks_of(data.specimens, data.image)
        missing = [each for each in data.names if each not in points]
        active = active or next(iter(missing), data.names[-1] if data.names else None)
        pixels = read_image(data.specimens.root / data.image)
        drawn = marked_picture(photograph_picture(pixels, _SIDE), pixels.shape[:2], points, active)
        return (
            gr.Dropdown(data.images, value=data.image),
            ", ".join(data.names),
            gr.Dropdown(data.names, value=active),
            drawn,
            _progress(data, points, missing),
        )

    def place(session: Session, name: str | None, point: Point) -> tuple[Any, ...]:
        data = own_data(session)
        if not name:
            raise UserError("type the names of the landmarks, and press 'Use these names'")
        before = landmarks_of(data.specimens, data.image).get(name)
        save_landmark(data.specimens, data.image, name, point)
        data.undo.append((data.image, name, before))
        return show(data)

    @shell.spoken
    def opened(request: gr.Request) -> tuple[Any, ...]:
        data = own_data(shell.session(request))
        return show(data)

    @shell.spoken
    def picked(image: str | None, request: gr.Request) -> tuple[Any, ...]:
        data = own_data(shell.session(request))
        data.image = _known(data, image)
        return show(data)

    @shell.spoken
    def previous(request: gr.Request) -> tuple[Any, ...]:
        data = own_data(shell.session(request))
        data.image = _beside(data, -1)
        return show(data)

    @shell.spoken
    def following(request: gr.Request) -> tuple[Any, ...]:
        data = own_data(shell.session(request))
        data.image = _beside(data, 1)
        return show(data)

    @shell.spoken
    def called(text: str | None, request: gr.Request) -> tuple[Any, ...]:
        data = own_data(shell.session(request))
        names = [" ".join(each.split()) for each in (text or "").replace("\n", ",").split(",")]
        names = list(dict.fromkeys(each for each in names if each))
        if not names:
            raise UserError("type at least one name, such as: wing tip left")
        # Landmarks that are placed already cannot lose their name here.
        data.names = list(dict.fromkeys([*names, *landmark_names(data.specimens)]))
        return show(data)

    @shell.spoken
    def clicked(name: str | None, event: gr.SelectData, request: gr.Request) -> tuple[Any, ...]:
        session = shell.session(request)
        data = own_data(session)
        height, width = upright_shape(data.specimens.root / data.image)
        rows, columns = screen_grid((height, width), _SIDE)
        # The middle of the clicked pixel of the screen, counted from the corner.
        x, y = (event.index[0] + 0.5) * width / columns, (event.index[1] + 0.5) * height / rows
        return place(session, name, Point(x, y))

    @shell.spoken
    def hidden(name: str | None, request: gr.Request) -> tuple[Any, ...]:
        return place(shell.session(request), name, UNSEEN)

    @shell.spoken
    def numbered(
        name: str | None, x: float | None, y: float | None, request: gr.Request
    ) -> tuple[Any, ...]:
        if x is None or y is None:
            raise UserError("type both numbers: pixels from the left and from the top")
        return place(shell.session(request), name, Point(float(x), float(y)))

    @shell.spoken
    def undone(request: gr.Request) -> tuple[Any, ...]:
        data = own_data(shell.session(request))
        if not data.undo:
            raise UserError("there is nothing to undo")
        image, name, before = data.undo.pop()
        save_landmark(data.specimens, image, name, before)
        data.image = image
        return show(data, name)

    @shell.spoken
    def chosen(name: str | None, request: gr.Request) -> tuple[Any, ...]:
        return show(own_data(shell.session(request)), name)

    step.select(opened, None, shown, **_DRAWING)
    photograph.input(picked, photograph, shown, **_DRAWING)
    back.click(previous, None, shown, **_DRAWING)
    onward.click(following, None, shown, **_DRAWING)
    use.click(called, listed, shown, **_DRAWING)
    name.input(chosen, name, shown, **_DRAWING)
    picture.select(clicked, name, shown, **_DRAWING)
    unseen.click(hidden, name, shown, **_DRAWING)
    put.click(numbered, [name, across, down], shown, **_DRAWING)
    undo.click(undone, None, shown, **_DRAWING)


def build_masks(shell: Shell, step: gr.Tab) -> None:
    """Make the step of masks."""
    gr.HTML(words.paragraph(_HOW_MASKS, "quiet"), elem_id="data-mask-how")
    with gr.Row(equal_height=True):
        photograph = gr.Dropdown([], label="Photograph", elem_id="data-mask-photograph", scale=3,
                                 min_width=220)  # fmt: skip
        back = gr.Button("Previous photograph", elem_id="data-mask-back", min_width=140)
        onward = gr.Button("Next photograph", elem_id="data-mask-next", min_width=140)
    with gr.Row(equal_height=True):
        guess = gr.Button("Let the specimen be guessed", elem_id="data-mask-guess", min_width=180)
        save = gr.Button("Save the mask", variant="primary", elem_id="data-mask-save",
                         min_width=180)  # fmt: skip
    told = gr.HTML(elem_id="data-mask-told")
    editor = gr.ImageEditor(
        label="The specimen: mend what is coloured", type="numpy", format="png", height=640,
        image_mode="RGBA", sources=(), transforms=(), layers=False, buttons=["fullscreen"],
        brush=gr.Brush(default_size=24, colors=[MARKER], default_color=MARKER, color_mode="fixed"),
        eraser=gr.Eraser(default_size=24), canvas_size=(640, 640), elem_id="data-mask-editor",
    )  # fmt: skip
    shown = [photograph, told, editor]

    def show(data: OwnData, *, automatic: bool = False) -> tuple[Any, ...]:
        mask, said = mask_of(data.specimens, data.image, automatic=automatic)
        pixels = read_image(data.specimens.root / data.image)
        canvas = editing.canvas_shape((pixels.shape[0], pixels.shape[1]))
        enlarged = canvas[0] > pixels.shape[0]
        ground = (
            np.asarray(Image.fromarray(pixels).resize(canvas[::-1], Image.Resampling.NEAREST))
            if enlarged
            else resize_photograph(pixels, *canvas)
        )
        layers = [] if mask is None else [_coloured(mask, canvas)]
        data.painted = (data.source, data.image)
        return (
            gr.Dropdown(data.images, value=data.image),
            words.paragraph(said),
            {"background": ground, "layers": layers, "composite": None},
        )

    @shell.spoken
    def opened(request: gr.Request) -> tuple[Any, ...]:
        data = own_data(shell.session(request))
        if data.painted == (data.source, data.image):
            return tuple(gr.skip() for _ in shown)  # what is painted stays
        return show(data)

    @shell.spoken
    def picked(image: str | None, request: gr.Request) -> tuple[Any, ...]:
        data = own_data(shell.session(request))
        data.image = _known(data, image)
        return show(data)

    @shell.spoken
    def previous(request: gr.Request) -> tuple[Any, ...]:
        data = own_data(shell.session(request))
        data.image = _beside(data, -1)
        return show(data)

    @shell.spoken
    def following(request: gr.Request) -> tuple[Any, ...]:
        data = own_data(shell.session(request))
        data.image = _beside(data, 1)
        return show(data)

    @shell.spoken
    def guessed(request: gr.Request) -> tuple[Any, ...]:
        return show(own_data(shell.session(request)), automatic=True)

    @shell.spoken
    def saved(painted: dict[str, Any] | None, request: gr.Request) -> str:
        data = own_data(shell.session(request))
        shape = upright_shape(data.specimens.root / data.image)
        strokes = editing.strokes_of(painted, editing.canvas_shape(shape))
        mask = mask_at_size(mask_of_layer(strokes), shape)
        source = save_mask(data.specimens, data.image, mask)
        data.specimens = Specimens.read(source, allow_missing=True)
        data.source = source
        data.painted = (source, data.image)
        share = f"{mask.mean():.0%}"
        return words.paragraph(
            f"Saved: the specimen takes {share} of {data.image}. The table is {source.name}.",
            "answer",
        )

    step.select(opened, None, shown, **_DRAWING)
    photograph.input(picked, photograph, shown, **_DRAWING)
    back.click(previous, None, shown, **_DRAWING)
    onward.click(following, None, shown, **_DRAWING)
    guess.click(guessed, None, shown, **_DRAWING)
    save.click(saved, editor, told, **_DRAWING)


def _build_download(shell: Shell) -> None:
    """Where the data came as a zip to another machine: take home what was made."""
    if shell.service.local:
        return
    make = gr.Button("Make a zip of tables and masks", elem_id="data-tables")
    take = gr.DownloadButton("Download the zip", interactive=False, elem_id="data-tables-download")

    @shell.spoken
    def packed(request: gr.Request) -> Any:
        session = shell.session(request)
        data = own_data(session)
        root = data.specimens.root
        files = [root / KEYPOINTS, data.source]
        files += [path for path in data.specimens.mask_paths if path is not None]
        place = session.folder / "tables-and-masks.zip"
        with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in files:
                if path.is_file() and root in path.parents:
                    archive.write(path, path.relative_to(root).as_posix())
        return gr.DownloadButton(value=str(place), interactive=True)

    make.click(packed, None, take, **PRIVATE)


def _progress(data: OwnData, points: dict[str, Point], missing: list[str]) -> str:
    """Say which landmarks of a photograph are placed."""
    if not data.names:
        return words.paragraph("No landmark has a name yet.")
    place = data.images.index(data.image) + 1
    said = f"Photograph {place} of {len(data.images)}: "
    said += f"{len(data.names) - len(missing)} of {len(data.names)} landmarks placed."
    hidden = [name for name, point in points.items() if np.isnan(point.x)]
    if hidden:
        said += f" Not visible: {', '.join(hidden)}."
    if missing:
        said += f" Next: {missing[0]}."
    return words.paragraph(said, "answer")


def _known(data: OwnData, image: str | None) -> str:
    if image not in data.images:
        raise UserError("choose a photograph")
    return str(image)


def _beside(data: OwnData, step: int) -> str:
    images = data.images
    return images[(images.index(data.image) + step) % len(images)]


def _coloured(mask: NDArray[np.bool_], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Return a mask as strokes of the marker on the canvas."""
    layer = np.zeros((*shape, 4), dtype=np.uint8)
    red, green, blue = bytes.fromhex(MARKER[0][1:])
    layer[mask_at_size(mask, shape)] = (red, green, blue, round(255 * MARKER[1]))
    return layer
