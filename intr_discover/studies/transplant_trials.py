"""One specimen with the look-alike's attribute in place of its own: pictures and answers."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from intr_discover.data.images import read_image
from intr_discover.data.specimens import Specimens
from intr_discover.edits.masks import mask_of_map
from intr_discover.edits.transfer import transfer
from intr_discover.explain.explainer import Explainer
from intr_discover.studies.alignment import Alignment
from intr_discover.studies.edit_regions import fringed
from intr_discover.studies.guided_erasure import attention_map
from intr_discover.studies.looking import Regions

Mask = NDArray[np.bool_]
Picture = NDArray[np.uint8]

FEATHER = 1 / 80
"""Of the shorter side: width of the soft edge, about that of two pixels in 160."""


@dataclass(frozen=True)
class Trial:
    """A photograph, and what it becomes.

    Attributes
    ----------
    row
        Of the receiver.
    donor, controls
        Rows of the look-alike that gives, and of the receiver's own class that give as controls.
    region
        ``[H, W]``: what is replaced by the look-alike's.
    photograph, changed, control_pictures
        Before, with the look-alike's, and with each control's.
    by
        What the specimens were laid over each other by.
    """

    row: int
    donor: int
    controls: Sequence[int]
    region: Mask
    photograph: Picture
    changed: Picture
    control_pictures: Sequence[Picture]
    by: str


class Exchange:
    """Makes the pictures of one collection.

    Parameters
    ----------
    explainer
        The model; asked only where no attribute is known.
    specimens
        The photographs.
    share
        Of the pixels, for regions that attention finds.
    seed
        Of the donors that are drawn, and of ties.
    """

    def __init__(self, explainer: Explainer, specimens: Specimens, share: float, seed: int) -> None:
        self._explainer = explainer
        self._specimens = specimens
        self._alignment = Alignment(specimens)
        self._regions = Regions(specimens, {})
        self._share, self._seed = share, seed
        self._labels = specimens.table["label"].to_numpy()
        self._found: dict[int, Mask] = {}

    def trial(self, row: int, mate: str, attribute: str | None, controls: int) -> Trial | None:
        """Return one photograph's trial.

        Parameters
        ----------
        row
            The receiver.
        mate
            The look-alike's label.
        attribute
            The known one that separates the two; None: the region is what the heads look at.
        controls
            How many donors of its own class are wanted.

        Returns
        -------
        Trial or None
            None where no donor can be laid over the photograph, or there is no region.
        """
        generator = np.random.default_rng([self._seed, self._number(row)])
        donors = generator.permutation(np.flatnonzero(self._labels == mate))
        photograph = read_image(self._specimens.paths[row])
        made = None
        for donor in donors:
            made = self._given(row, int(donor), photograph, attribute)
            if made is not None:
                break
        if made is None:
            return None
        giver, changed, region, by = made
        others = self._of_own_class(row)
        beside: list[tuple[int, Picture]] = []
        for other in generator.permutation(others):
            if len(beside) == controls:
                break
            given = self._given(row, int(other), photograph, attribute)
            if given is not None:
                beside.append((given[0], given[1]))
        return Trial(
            row,
            giver,
            [each for each, _ in beside],
            region,
            photograph,
            changed,
            [picture for _, picture in beside],
            by,
        )

    def _of_own_class(self, row: int) -> NDArray[np.intp]:
        """Return the other specimens of a class: never the same one photographed again."""
        own = self._labels == self._labels[row]
        own[row] = False
        if "specimen_id" in self._specimens.table:
            ids = self._specimens.table["specimen_id"]
            if isinstance(ids.iloc[row], str):
                own &= (ids != ids.iloc[row]).to_numpy()
        return np.flatnonzero(own)

    def _given(
        self, row: int, donor: int, photograph: Picture, attribute: str | None
    ) -> tuple[int, Picture, Mask, str] | None:
        """Return a photograph with a donor's region in place of its own."""
        found = self._alignment.places(donor, row)
        if found is None:
            return None
        places, by = found
        own, theirs = self._region(row, attribute), self._region(donor, attribute)
        if own is None or theirs is None:
            return None
        region = own | places.mask(theirs)
        if not region.any():
            return None
        feather = FEATHER * min(region.shape)
        picture = read_image(self._specimens.paths[donor])
        return (
            int(donor),
            transfer(photograph, region, picture, places, feather=feather),
            region,
            by,
        )

    def _region(self, row: int, attribute: str | None) -> Mask | None:
        """Return the attribute of a specimen, or what its heads look at; None where unknown."""
        if row in self._found:
            return self._found[row]
        path = self._specimens.paths[row]
        if attribute is None:
            photograph = read_image(path)
            label = self._explainer.classes.index(self._labels[row])
            saliency, _ = attention_map(self._explainer, photograph, label)
            generator = np.random.default_rng([self._seed, self._number(row), 1])
            region = mask_of_map(saliency, self._share, generator)
        else:
            image = self._specimens.table["image"].iloc[row]
            known = self._regions.attributes(image, self._alignment.shape(row)).get(attribute)
            if known is None:
                return None
            region = fringed(known) if known.any() else known
        self._found[row] = region
        return region

    def forget(self) -> None:
        """Forget the regions of a pair: another pair has another attribute."""
        self._found.clear()

    def _number(self, row: int) -> int:
        return zlib.crc32(str(self._specimens.table["image"].iloc[row]).encode())
