"""Mimicry rings: drawn butterflies whose diagnostic attributes are known, and can be changed.

>>> from intr_discover.data import rings
>>> specimen = rings.draw_specimen(seed=0, index=0)
>>> picture = rings.render(specimen, swap=specimen.ring.diagnostic)  # its mate's attribute

``species`` says which species there are, ``render`` draws one, ``collection`` writes many.
"""

from intr_discover.data.rings.collection import read_specimens, write_collection
from intr_discover.data.rings.render import Rendering, render
from intr_discover.data.rings.species import ATTRIBUTES, PATTERN_PARTS, RINGS, Attribute, Ring
from intr_discover.data.rings.specimen import GENERATOR_VERSION, RingSpecimen, draw_specimen

__all__ = [
    "ATTRIBUTES", "GENERATOR_VERSION", "PATTERN_PARTS", "RINGS", "Attribute", "Rendering", "Ring",
    "RingSpecimen", "draw_specimen", "read_specimens", "render", "write_collection",
]  # fmt: skip
