"""All edits on photographs of nature, as they are and enlarged to millions of pixels."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from intr_discover.data.images import read_image, read_mask
from intr_discover.data.specimens import Specimens
from intr_discover.edits.blending import soft_edge
from intr_discover.edits.colour_masks import mask_of_colour, refine_mask, sample_colour
from intr_discover.edits.operation import OPERATIONS, Edit
from intr_discover.edits.regions import control_regions
from intr_discover.edits.symmetry import axis_from_mask, mirrored_mask

VALUES = {"colour": "#d62728", "degrees": 100.0}
FEATHER = 4.0


@pytest.fixture(scope="module", params=[1, 4], ids=["as it is", "enlarged"])
def butterfly(request):
    """Return a photograph, its specimen's mask, and a region of a 200th of the specimen."""
    root = request.getfixturevalue("shared") / "data" / "leeds"
    row = Specimens.read(root).table.iloc[0]
    photograph = read_image(root / row["image"])
    specimen = read_mask(root / row["mask"], photograph.shape[:2])
    if request.param > 1:
        size = (photograph.shape[1] * request.param, photograph.shape[0] * request.param)
        photograph = cv2.resize(photograph, size, interpolation=cv2.INTER_CUBIC)
        specimen = cv2.resize(specimen.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    # Deep inside the specimen, where a disc fits.
    depth = cv2.distanceTransform(specimen.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    row_, column = np.unravel_index(depth.argmax(), depth.shape)
    region = np.zeros(specimen.shape, np.uint8)
    radius = max(3, round((specimen.sum() / 200 / np.pi) ** 0.5))
    cv2.circle(region, (int(column), int(row_)), radius, 1, -1)
    return photograph, specimen, region > 0


@pytest.mark.parametrize(
    ("operation", "fill"),
    [(operation, fill) for operation, fills in OPERATIONS.items() for fill in fills],
)
def test_every_edit_changes_its_region_and_nothing_else(butterfly, operation, fill):
    photograph, specimen, region = butterfly
    needed = {name: VALUES[name] for name in OPERATIONS[operation][fill].needed if name in VALUES}
    edit = Edit(operation, fill, feather=FEATHER, **needed)
    layer = np.dstack([photograph[::-1], np.where(region, 200, 0).astype(np.uint8)])
    besides = {"donor": photograph[:, ::-1], "donor_mask": np.roll(region, 5, axis=1)[:, ::-1],
               "layer": layer, "background": ~specimen, "specimen": specimen}  # fmt: skip
    result = edit.apply(photograph, region, **{n: v for n, v in besides.items() if n in edit.takes})
    outside = soft_edge(region, FEATHER) == 0
    assert np.array_equal(result[outside], photograph[outside])
    assert (result[region] != photograph[region]).any(axis=1).mean() > 0.3


def test_masks_axis_and_controls(butterfly):
    photograph, specimen, region = butterfly
    axis = axis_from_mask(specimen)
    other = mirrored_mask(specimen, axis)
    assert (other & specimen).sum() / (other | specimen).sum() > 0.5
    rows, columns = np.nonzero(region)
    colour = sample_colour(photograph, float(columns.mean()), float(rows.mean()))
    near = mask_of_colour(photograph, colour, 20, specimen)
    assert near.any() and not (near & ~specimen).any()
    assert refine_mask(photograph, specimen).any()
    generator = np.random.default_rng(0)
    controls = control_regions(region, specimen & ~region, 20, generator)
    assert len(controls) == 20
