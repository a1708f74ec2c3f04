"""The picture of an item of a blind study: what a rater sees, and nothing else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from apps.service import Service
from intr_discover.annotations import Item
from intr_discover.errors import UserError
from intr_discover.figures.screen import screen_grid
from intr_discover.figures.screen_tiles import item_picture
from intr_discover.studies.blind_maps import maps_of_unit
from intr_discover.studies.blind_units import GRADCAM, read_unit

_SIDE = 560  # pixels of the photograph's longer side


def draw_item(service: Service, item: Item) -> NDArray[np.uint8]:
    """Return the photograph beside what one unit of one method shows of it.

    Raises
    ------
    UserError
        If the item is of another collection, another model or another method. The line names
        neither the photograph nor the species: a rater reads it.
    """
    row = _row_of(service, item.image)
    what = read_unit(item.method, item.unit, service.explainer.fingerprint)
    label = service.label(row) if item.label is None else item.label
    if label not in service.explainer.classes:
        raise UserError("this study shows a species that the model does not know")
    photograph = service.photograph(row)
    shape = screen_grid(photograph.shape, _SIDE)
    pixels = service.pixels(photograph)
    source = pixels if what.method == GRADCAM else service.encode(photograph)
    maps = maps_of_unit(service.explainer, source, label, what, shape)
    return item_picture(pixels, maps, _SIDE)


def _row_of(service: Service, image: str) -> int:
    for row in range(len(service.specimens)):
        if image in (service.name(row), str(service.specimens.table["image"].iloc[row])):
            return row
    raise UserError("this study shows photographs that are not in this collection")
