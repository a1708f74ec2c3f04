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
from intr_discover.edits.warping import Places
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
        ``[H, W]``: what is replaced, by the look-alike's and by each control's alike.
    donor_region
        ``[h, w]`` on the donor; None where it is not known there.
    photograph, changed, control_pictures
        Before, with the look-alike's, and with each control's.
    by
        What the specimens were laid over each other by.
    """

    row: int
    donor: int
    controls: Sequence[int]
    region: Mask
    donor_region: Mask | None
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
        others = generator.permutation(self._of_own_class(row))
        laid = next((each for donor in donors if (each := self._laid(row, donor, attribute))), None)
        if laid is None:
            return None
        donor, places, region, by = laid
        photograph = read_image(self._specimens.paths[row])
        # The same pixels in all of them, or the control would be another edit.
        beside: list[tuple[int, Picture]] = []
        for other in others:
            if len(beside) == controls:
                break
            found = self._alignment.places(int(other), row)
            if found is not None:
                picture = self._given(photograph, region, int(other), found[0])
                beside.append((int(other), picture))
        return Trial(
            row,
            donor,
            [each for each, _ in beside],
            region,
            self._region(donor, attribute),
            photograph,
            self._given(photograph, region, donor, places),
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

    def _laid(
        self, row: int, donor: int, attribute: str | None
    ) -> tuple[int, Places, Mask, str] | None:
        """Return how a donor lies on a photograph, and the region of both together.

        Where one of the two has no mask of the attribute, that of the other marks the place.
        """
        own, theirs = self._region(row, attribute), self._region(int(donor), attribute)
        if own is None and theirs is None:
            return None
        found = self._alignment.places(int(donor), row)
        if found is None:
            return None
        places, by = found
        region = np.zeros(places.x.shape, dtype=np.bool_) if own is None else own.copy()
        if theirs is not None:
            region |= places.mask(theirs)
        return (int(donor), places, region, by) if region.any() else None

    def _given(self, photograph: Picture, region: Mask, donor: int, places: Places) -> Picture:
        """Return a photograph with what a donor has in the place of a region."""
        picture = read_image(self._specimens.paths[donor])
        feather = FEATHER * min(region.shape)
        return transfer(photograph, region, picture, places, feather=feather)

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
