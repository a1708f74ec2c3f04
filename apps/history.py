"""Edits that outlast a session: each is written to the database, and can be taken up again."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from apps.annotating import database_to_read
from apps.editing import EDITED, LAYER, MASK
from apps.photographs import Photograph
from apps.service import Service
from apps.versions import Version
from intr_discover.annotations import Edit
from intr_discover.edits.scaling import layer_at_size
from intr_discover.errors import UserError
from intr_discover.files import sha256
from intr_discover.studies.wording import percent

SOMEBODY = "unnamed"
"""Who made an edit, where nobody said a name."""


def remember(service: Service, version: Version, rater: str) -> Edit | None:
    """Write a version to the database.

    Strokes of paint are kept with their colours; the region is where their alpha is above 0.

    Returns
    -------
    Edit or None
        As it is stored; None where nothing may be written.

    Raises
    ------
    UserError
        If it could not be written.
    """
    if service.read_only:
        return None
    strokes = version.folder / LAYER
    mask = strokes if strokes.exists() else version.folder / MASK
    return service.annotations.edits.add(
        Edit(
            image=version.photograph.name,
            image_hash=sha256(version.photograph.path),
            operation={**version.edit, "model": service.explainer.fingerprint},
            mask=mask.read_bytes(),
            result_hash=sha256(version.folder / EDITED),
            before=dict(zip(version.classes, version.before, strict=True)),
            after=dict(zip(version.classes, version.after, strict=True)),
            rater=rater or SOMEBODY,
        )
    )


def earlier(service: Service, photograph: Photograph) -> list[Edit]:
    """Return the edits of a photograph that the database holds, the latest first.

    A photograph is known by its bytes: an upload of the same file finds them again.
    """
    database = database_to_read(service)
    return [] if database is None else database.edits.all(sha256(photograph.path))[::-1]


def title(edit: Edit) -> str:
    """Return one line about an edit."""
    first, second = (max(answer, key=lambda name: answer[name]) for answer in
                     (edit.before, edit.after))  # fmt: skip
    became = f"still {first}" if first == second else f"{first} became {second}"
    return (
        f"{edit.number}. {edit.operation['operation']}: {became} ({percent(edit.after[second])}); "
        f"{edit.rater}, {edit.time:%Y-%m-%d %H:%M}"
    )


def strokes_of(
    edit: Edit, canvas: tuple[int, int], marker: tuple[int, int, int, int]
) -> NDArray[np.uint8]:
    """Return the region of an edit as strokes on a canvas, uint8 RGBA ``[h, w, 4]``.

    Parameters
    ----------
    edit
        From the database.
    canvas
        (height, width).
    marker
        The colour of strokes that have none of their own.

    Raises
    ------
    UserError
        If its mask cannot be read.
    """
    try:
        with Image.open(io.BytesIO(edit.mask)) as image:
            layer = np.array(image.convert("RGBA"))
            is_paint = image.mode == "RGBA"
    except (OSError, ValueError) as error:
        raise UserError(f"the mask of edit {edit.number} of {edit.image} is damaged") from error
    if not is_paint:
        region = layer[..., 0] > 127
        layer = np.zeros((*region.shape, 4), dtype=np.uint8)
        layer[region] = marker
    return layer_at_size(layer, canvas)
