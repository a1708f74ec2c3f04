"""Regions that the page proposes: the top of a head's map, an attribute, a range of colours."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from apps.photographs import Photograph
from apps.service import Service
from intr_discover.data.images import read_mask
from intr_discover.edits.colour_masks import mask_of_colour
from intr_discover.edits.masks import mask_of_map
from intr_discover.errors import UserError
from intr_discover.studies.edit_regions import fringed
from intr_discover.studies.looking import Regions

Mask = NDArray[np.bool_]
HEAD, ATTRIBUTE, COLOUR = "head", "attribute", "colour"


def attribute_names(service: Service, photograph: Photograph) -> list[str]:
    """Return the attributes whose place in a photograph is known."""
    return sorted(_attributes(service, photograph))


def propose(
    service: Service,
    photograph: Photograph,
    kind: str,
    *,
    head: int | None,
    share: float,
    attribute: str | None,
    colour: str,
    distance: float,
) -> Mask:
    """Return a region ``[H, W]`` of a photograph, in its own pixels.

    Parameters
    ----------
    service, photograph
        As their names say.
    kind
        ``head``: where the map of the predicted class's query is largest; ``attribute``: the known
        region, widened as ``study manipulation`` does before it erases; ``colour``: what is near to
        a colour, on the specimen where its mask is known.
    head, share
        Of ``head``: its number, None for the mean of all; and the share of the photograph's pixels.
    attribute
        Its name.
    colour, distance
        ``#rrggbb``, and the largest distance in CIELAB.

    Raises
    ------
    UserError
        If there is no such region.
    """
    if kind == HEAD:
        if not service.has_maps:
            raise UserError("this model is a plain classifier: it has no heads")
        explanation = service.explainer.explain(service.encode(photograph))
        values = explanation.heatmap(head="mean" if head is None else head)
        seed = zlib.crc32(photograph.name.encode())
        return mask_of_map(values, share, np.random.default_rng(seed))
    if kind == ATTRIBUTE:
        known = _attributes(service, photograph)
        if attribute not in known:
            raise UserError(
                "the attributes of this photograph are not known"
                if not known
                else f"this photograph has no region of '{attribute}': it has {_list(list(known))}"
            )
        mask = known[attribute]
        if not mask.any():
            raise UserError(f"this photograph does not show '{attribute}'")
        return fringed(mask)
    pixels = service.pixels(photograph)
    within = None
    if photograph.specimen is not None:
        within = read_mask(photograph.specimen, photograph.shape)
    mask = mask_of_colour(pixels, colour, distance, within)
    if not mask.any():
        raise UserError(f"no pixel is within {distance:g} of {colour}: allow a larger distance")
    return mask


def _attributes(service: Service, photograph: Photograph) -> dict[str, Mask]:
    if photograph.row is None or service.specimens.attributes is None:
        return {}
    table = service.specimens.table
    one = service.specimens.with_table(table.iloc[[photograph.row]])
    return Regions(one, {}).attributes(str(table["image"].iloc[photograph.row]), photograph.shape)


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)
