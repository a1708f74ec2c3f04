"""The mimicry rings: which species there are, what they share, and what tells two mates apart.

The two species of a ring, *vera* and *similis*, share the whole pattern but for one diagnostic
attribute. All names are invented; mates stand side by side in a sorted list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Difference = Literal["presence", "colour", "shape"]
Colour = tuple[int, int, int]  # RGB, 0 to 255

SPECIES_NAMES = ("vera", "similis")


@dataclass(frozen=True)
class Attribute:
    """Something that a specimen may show, at a place of its own.

    Attributes
    ----------
    name
        For tables.
    difference
        What its two states differ in.
    states
        The two states.
    removed
        The state that remains when the attribute is taken away.
    """

    name: str
    difference: Difference
    states: tuple[str, str]
    removed: str


# Attributes that tell mates apart in one ring, and vary freely where a ring lists them.
ATTRIBUTES = {
    attribute.name: attribute
    for attribute in (
        Attribute("basal_spots", "presence", ("absent", "present"), "absent"),
        Attribute("marginal_dots", "presence", ("absent", "present"), "absent"),
        Attribute("eyespot_pupils", "presence", ("absent", "present"), "absent"),
        Attribute("ray_tips", "colour", ("plain", "pale"), "plain"),
        Attribute("cell_patch", "colour", ("first hue", "second hue"), "absent"),
        Attribute("antenna_tips", "colour", ("red", "yellow"), "absent"),
        Attribute("band_edge", "shape", ("straight", "toothed"), "straight"),
        Attribute("wing_tip", "shape", ("rounded", "hooked"), "rounded"),
    )
}

# Parts of the pattern that all specimens of a ring show; they tell rings apart, never mates.
PATTERN_PARTS = (
    "forewing_band", "apical_spots", "basal_flush", "hindwing_base", "hindwing_bar",
    "hindwing_rays", "eyespots", "border",
)  # fmt: skip


@dataclass(frozen=True)
class Ring:
    """Two look-alike species.

    Attributes
    ----------
    name
        Of the ring; also the first word of both species' names.
    diagnostic
        The attribute in which the two differ.
    varying
        Attributes that vary freely in both species and say nothing.
    ground
        Colours of forewing and hindwing.
    parts
        Colours of the parts of the pattern, by name (``PATTERN_PARTS``).
    attributes
        Colours of attributes in both states where the ring needs others than the usual ones.
    band
        Place of the forewing band: ``medial`` or ``subapical``.
    breadth
        Breadth of the forewing over the usual one.
    scallops
        Depth of the waves of the hindwing's margin, in half wing spans.
    veins
        How dark veins are drawn, in [0, 1].
    sheen
        Strength of a structural gloss, in [0, 1].
    """

    name: str
    diagnostic: str
    varying: tuple[str, ...]
    ground: tuple[Colour, Colour]
    parts: Mapping[str, Colour]
    attributes: Mapping[str, tuple[Colour, Colour]]
    band: Literal["medial", "subapical"] = "medial"
    breadth: float = 1.0
    scallops: float = 0.0
    veins: float = 0.5
    sheen: float = 0.0

    @property
    def labels(self) -> tuple[str, str]:
        """Return the names of its two species."""
        first, second = SPECIES_NAMES
        return f"{self.name.capitalize()} {first}", f"{self.name.capitalize()} {second}"

    @property
    def difference(self) -> Difference:
        """Return what the mates differ in: presence, colour or shape."""
        return ATTRIBUTES[self.diagnostic].difference

    @property
    def states(self) -> tuple[str, str]:
        """Return the diagnostic attribute's state in the first and in the second species."""
        return ATTRIBUTES[self.diagnostic].states

    @property
    def repertoire(self) -> tuple[str, ...]:
        """Return all attributes of its specimens: the diagnostic one, the varying, the parts."""
        return (self.diagnostic, *self.varying, *self.parts)


_CREAM = (244, 232, 178)

RINGS = (
    Ring(
        "ember", "basal_spots", ("marginal_dots", "band_edge", "antenna_tips", "wing_tip"),
        ground=((38, 29, 27), (36, 28, 25)),
        parts={"forewing_band": (238, 210, 128), "hindwing_base": (126, 104, 82),
               "hindwing_bar": (240, 226, 160)},
        attributes={"basal_spots": ((0, 0, 0), (216, 44, 40))},
        veins=0.35,
    ),
    Ring(
        "tigris", "band_edge", ("cell_patch", "marginal_dots", "antenna_tips"),
        ground=((178, 78, 28), (196, 96, 34)),
        parts={"forewing_band": (252, 222, 118), "border": (40, 28, 22),
               "apical_spots": (250, 240, 214)},
        attributes={"cell_patch": ((52, 34, 24), (96, 40, 22))},
        breadth=1.04, veins=0.8,
    ),
    Ring(
        "radiata", "ray_tips", ("antenna_tips", "cell_patch", "wing_tip"),
        ground=((40, 30, 26), (40, 30, 26)),
        parts={"forewing_band": (246, 232, 170), "basal_flush": (222, 112, 34),
               "hindwing_rays": (226, 112, 36)},
        attributes={"ray_tips": ((226, 112, 36), (250, 232, 190)),
                    "cell_patch": ((40, 30, 26), (246, 226, 150))},
        band="subapical", veins=0.4,
    ),
    Ring(
        "argus", "eyespot_pupils", ("band_edge", "antenna_tips", "wing_tip"),
        ground=((140, 104, 70), (150, 112, 76)),
        parts={"forewing_band": (206, 160, 96), "eyespots": (222, 178, 84),
               "border": (92, 66, 46)},
        attributes={},
        breadth=1.12, scallops=0.012, veins=0.6,
    ),
    Ring(
        "nivea", "marginal_dots", ("cell_patch", "antenna_tips", "basal_spots"),
        ground=((236, 232, 216), (240, 236, 222)),
        parts={"border": (58, 52, 56), "apical_spots": (244, 242, 232)},
        attributes={"cell_patch": ((52, 48, 52), (112, 96, 88)),
                    "basal_spots": ((0, 0, 0), (238, 150, 60))},
        breadth=1.10, veins=0.45,
    ),
    Ring(
        "azurea", "wing_tip", ("marginal_dots", "cell_patch", "antenna_tips"),
        ground=((44, 104, 190), (48, 112, 200)),
        parts={"border": (22, 24, 40)},
        attributes={"cell_patch": ((20, 30, 66), (196, 214, 236))},
        breadth=1.08, scallops=0.008, veins=0.5, sheen=1.0,
    ),
    Ring(
        "sulfurea", "cell_patch", ("marginal_dots", "wing_tip", "antenna_tips"),
        ground=((240, 208, 74), (244, 214, 92)),
        parts={"border": (70, 48, 36)},
        attributes={"cell_patch": ((226, 116, 46), (212, 148, 34)),
                    "marginal_dots": ((0, 0, 0), (246, 216, 110))},
        breadth=1.06, veins=0.3,
    ),
    Ring(
        "vesper", "antenna_tips", ("basal_spots", "marginal_dots", "wing_tip"),
        ground=((48, 38, 50), (50, 38, 48)),
        parts={"apical_spots": (236, 234, 228), "hindwing_bar": (232, 230, 224)},
        attributes={"basal_spots": ((0, 0, 0), (222, 96, 120))},
        scallops=0.016, veins=0.5,
    ),
)  # fmt: skip

# What attributes look like where a ring says nothing else: colour in the first, second state.
USUAL_COLOURS: dict[str, tuple[Colour, Colour]] = {
    "basal_spots": ((0, 0, 0), (214, 48, 42)),
    "marginal_dots": ((0, 0, 0), (248, 244, 232)),
    "eyespot_pupils": ((0, 0, 0), (118, 186, 240)),
    "antenna_tips": ((206, 62, 34), (244, 202, 56)),
    "cell_patch": ((40, 30, 26), _CREAM),
}


def find_class(number: int, ring_count: int) -> tuple[Ring, int]:
    """Return the ring of class ``number`` and which of its two species that is, 0 or 1."""
    ring, which = divmod(number % (2 * ring_count), 2)
    return RINGS[ring], which
