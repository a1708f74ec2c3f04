"""From strokes on a canvas to an edited photograph, its answer, its controls and its files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray
from PIL import Image

from apps import archives
from apps.photographs import Photograph
from apps.service import Service
from apps.sessions import Donor, Session
from apps.versions import Version
from intr_discover.edits.masks import mask_of_layer
from intr_discover.edits.operation import Edit
from intr_discover.edits.scaling import layer_at_size, mask_at_size
from intr_discover.errors import UserError
from intr_discover.explain.maps import Explanation
from intr_discover.figures.screen import screen_grid
from intr_discover.files import write_json, write_with
from intr_discover.studies.effect import CONTROLS
from intr_discover.studies.one_edit import (
    describe,
    edit_photograph,
    exceeded_controls,
    make_edit,
    read_trial,
)

LARGEST_CANVAS = 1600
"""Pixels of the longer side; what is larger is painted on a reduced copy."""

SMALLEST_CANVAS = 640
"""Small photographs are enlarged by a whole number to at least so much."""

MASK, EDITED, LAYER, PAINTED = "mask.png", "edited.png", "layer.png", "painted.png"

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Made:
    """An edit and its answer, before the controls.

    Attributes
    ----------
    version
        What was kept of it.
    photograph, edited
        uint8 ``[H, W, 3]``.
    maps
        Of the class answered before: before and after; None for a model without maps.
    """

    version: Version
    photograph: Picture
    edited: Picture
    maps: tuple[Explanation, Explanation] | None


def canvas_shape(shape: tuple[int, int]) -> tuple[int, int]:
    """Return (height, width) at which a photograph is painted on."""
    longest = max(shape)
    if longest > LARGEST_CANVAS:
        return screen_grid(shape, LARGEST_CANVAS)
    factor = max(1, -(-SMALLEST_CANVAS // longest)) if longest < SMALLEST_CANVAS else 1
    return shape[0] * factor, shape[1] * factor


def canvas_words(shape: tuple[int, int]) -> str:
    """Say at which size a photograph is painted on, and what becomes of the strokes."""
    height, width = shape
    canvas = canvas_shape(shape)
    own = f"{width} × {height} pixels"
    if canvas == shape:
        return f"Shown in its own {own}."
    if canvas[0] > height:
        return (
            f"Shown at {canvas[0] // height} times its {own}. What is painted is reduced to them: "
            "a pixel counts where at least half of it is covered."
        )
    return (
        f"The photograph has {own}; it is painted on a copy of {canvas[1]} × {canvas[0]}. The "
        "strokes are scaled to the photograph, which itself stays as it is."
    )


def strokes_of(painted: Mapping[str, Any] | None, shape: tuple[int, int]) -> Picture:
    """Return what was painted as one layer, uint8 RGBA ``[h, w, 4]`` of the canvas.

    Only the layers count. The background that a browser sends is not looked at.

    Parameters
    ----------
    painted
        The value of the canvas.
    shape
        (height, width) of the canvas.

    Raises
    ------
    UserError
        If nothing is painted, or the canvas has another size.
    """
    layers = [np.asarray(layer) for layer in (painted or {}).get("layers") or []]
    whole = np.zeros((*shape, 4), dtype=np.uint8)
    for layer in layers:
        if layer.shape != whole.shape:
            raise UserError(
                "the canvas has another size than the photograph: open the photograph again"
            )
        above = layer[..., 3] > 0
        whole[above] = layer[above]
    if not (whole[..., 3] > 0).any():
        raise UserError("nothing is painted: mark a region with the brush, or let one be proposed")
    return whole


def edit_of(
    operation: str,
    fill: str | None,
    *,
    colour: str | None,
    lightness: str,
    degrees: float,
    feather: float,
    strength: float,
    donor: bool,
    strokes: Picture | None = None,
) -> Edit:
    """Return the edit that the controls of the page describe.

    Opaque strokes of one colour are the same as erasing with that colour; written so, they can be
    made elsewhere too, and have controls.
    """
    given: dict[str, Any] = {"feather": feather, "strength": strength}
    if operation == "paint" and strokes is not None:
        inks = np.unique(strokes[strokes[..., 3] > 0], axis=0)
        if len(inks) == 1 and inks[0, 3] == 255:
            operation, fill = "erase", "colour"
            colour = "#{:02x}{:02x}{:02x}".format(*inks[0, :3].tolist())
    if (operation, fill) in (("recolour", "colour"), ("erase", "colour")):
        given["colour"] = css_colour(colour)
    if (operation, fill) == ("recolour", "colour"):
        given["lightness"] = lightness
    if (operation, fill) == ("recolour", "hue"):
        given["degrees"] = degrees
    return make_edit(operation, fill, donor=donor, **given)


def css_colour(colour: str | None) -> str:
    """Return what a colour picker gives (``#rrggbb`` or ``rgba(r, g, b, a)``) as ``#rrggbb``."""
    text = (colour or "").strip()
    if text.startswith("rgb"):
        parts = text[text.find("(") + 1 : text.find(")")].split(",")[:3]
        try:
            return "#{:02x}{:02x}{:02x}".format(*(min(255, max(0, round(float(p)))) for p in parts))
        except (ValueError, IndexError) as error:
            raise UserError(f"'{text}' is no colour: choose one in the colour field") from error
    return text or "#000000"


def make_version(
    service: Service,
    session: Session,
    photograph: Photograph,
    strokes: Picture,
    edit: Edit,
    layer: int = -1,
) -> Made:
    """Edit a photograph, ask the model again, and keep both as the next version.

    Parameters
    ----------
    service, session
        As their names say.
    photograph
        What is edited: the pixels of its own file.
    strokes
        uint8 RGBA of the canvas; where its alpha is above 0 is the region.
    edit
        What is done.
    layer
        Decoder layer of the maps.
    """
    own = photograph.shape
    mask = mask_at_size(mask_of_layer(strokes), own)
    if not mask.any():
        raise UserError("what is painted covers no pixel of the photograph by half: paint more")
    number = session.versions.next_number()
    folder = session.folder / f"version-{number}"
    folder.mkdir()
    write_picture(folder / MASK, mask.astype(np.uint8) * 255)
    write_picture(folder / PAINTED, strokes)
    if "layer" in edit.takes:
        write_picture(folder / LAYER, layer_at_size(strokes, own))
    donor = session.donor if "donor" in edit.takes else None
    if "donor" in edit.takes and donor is None:
        shutil.rmtree(folder)
        raise UserError(
            "this needs a donor: open the other photograph, mark its region, and press 'Keep as "
            "donor'"
        )
    try:
        trial, _ = read_trial(photograph.path, folder / MASK, edit, controls=0,
                              **_files(photograph, folder, edit, donor))  # fmt: skip
        edited = trial.apply(edit, trial.mask)
    except UserError:
        shutil.rmtree(folder)
        raise
    write_picture(folder / EDITED, edited)
    before, after, maps = _ask(service, photograph, edited, layer)
    version = Version(
        number, photograph, edit.as_dict(), folder, tuple(service.explainer.classes),
        tuple(before.tolist()), tuple(after.tolist()),
        donor=None if donor is None else donor.photograph.path,
        donor_mask=None if donor is None else donor.mask,
    )  # fmt: skip
    session.versions.put(version)
    return Made(version, trial.photograph, edited, maps)


def add_controls(service: Service, session: Session, number: int) -> Version:
    """Make the same edit in control regions, and keep what came of it with the version."""
    version = session.versions.get(number)
    edit = Edit.from_dict(version.edit)
    donor = None
    if version.donor is not None and version.donor_mask is not None:
        donor = Donor(replace(version.photograph, path=version.donor), version.donor_mask)
    done = edit_photograph(
        service.explainer,
        version.photograph.path,
        version.folder / MASK,
        edit,
        controls=CONTROLS,
        command=_command(service, version, edit),
        **_files(version.photograph, version.folder, edit, donor),
    )
    done.save(version.folder)
    _hide_folders(version.folder / "provenance.json", version.photograph)
    larger, controls = exceeded_controls(done.effect)
    sentences = list(describe(done))
    if controls:
        sentences.insert(
            1, f"The change is larger than in {larger} of {controls} random regions of this shape."
        )
    elif "layer" in edit.takes:
        sentences = [
            *sentences[:2],
            "Strokes of several colours cannot be made elsewhere, so there is no control: nobody "
            "can say what any painting would do.",
        ]
    updated = replace(version, sentences=tuple(sentences),
                      facts={"larger": larger, "controls": controls})  # fmt: skip
    session.versions.put(updated)
    return updated


def pack(version: Version, folder: Path) -> Path:
    """Return a zip of a version: mask, edited photograph, provenance, and all other files."""
    place = folder / f"version-{version.number}.zip"
    if not (version.folder / "provenance.json").exists():
        write_json(version.folder / "provenance.json", record_of(version))
    return archives.pack(version.folder, place)


def record_of(version: Version) -> dict[str, Any]:
    """Return what is known of a version before its controls are done."""
    first, second = version.answers
    return {"photograph": version.photograph.name, "edit": version.edit, "answer_before": first,
            "answer_after": second, "controls": None}  # fmt: skip


def write_picture(path: Path, pixels: Picture) -> None:
    """Write an array as PNG, whole or not at all."""
    write_with(path, lambda file: Image.fromarray(pixels).save(file, format="PNG"))


def read_strokes(path: Path) -> Picture:
    """Return strokes as they were written."""
    with Image.open(path) as image:
        return np.array(image.convert("RGBA"))


def _files(photograph: Photograph, folder: Path, edit: Edit, donor: Donor | None) -> dict[str, Any]:
    """Return the files that an edit takes, as ``edit_photograph`` names them."""
    files: dict[str, Path | None] = {"specimen_path": photograph.specimen}
    if "donor" in edit.takes and donor is not None:
        files |= {"donor_path": donor.photograph.path, "donor_mask_path": donor.mask}
    if "layer" in edit.takes:
        files["layer_path"] = folder / LAYER
    return files


def _ask(
    service: Service, photograph: Photograph, edited: Picture, layer: int
) -> tuple[NDArray[np.floating], NDArray[np.floating], tuple[Explanation, Explanation] | None]:
    """Return the probabilities before and after, and the maps of the first answer's class."""
    explainer = service.explainer
    if not service.has_maps:
        logits = explainer.logits([photograph.path, edited])
        before, after = scipy.special.softmax(logits.astype(np.float64), axis=1)
        return before, after, None
    first = explainer.explain(service.encode(photograph), layer=layer)
    second = explainer.explain(explainer.encode(edited), first.classes, layer=layer)
    return first.probabilities, second.probabilities, (first, second)


def _command(service: Service, version: Version, edit: Edit) -> Sequence[str]:
    """Return the command that does the same."""
    if edit.operation == "paint":
        return ["intr-discover", "app"]
    words = ["intr-discover", "edit", service.run, version.photograph.name, "--mask", MASK]
    words += ["--op", edit.operation, "--fill", str(edit.fill)]
    for name in ("colour", "degrees", "lightness", "radius", "feather", "strength"):
        if version.edit.get(name) not in (None, 0.0) and (name, version.edit[name]) != (
            "strength",
            1.0,
        ):
            words += [f"--{name}", str(version.edit[name])]
    if version.donor is not None:
        words += ["--donor", "DONOR", "--donor-mask", "DONOR_MASK"]
    if version.photograph.specimen is not None:
        words += ["--specimen", version.photograph.specimen.name]
    return [*words, "--out", f"version-{version.number}"]


def _hide_folders(path: Path, photograph: Photograph) -> None:
    """Take the folders of this machine out of a record."""
    record = json.loads(path.read_text(encoding="utf-8"))
    files = record["settings"]["files"]
    record["settings"]["files"] = {name: Path(file).name for name, file in files.items()}
    record["settings"]["files"]["image"] = photograph.name
    write_json(path, record)
