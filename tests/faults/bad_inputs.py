"""All mistakes of input in one list: the tests go through it, and the documentation prints it."""

from __future__ import annotations

from tests.faults.bad_images import BAD_IMAGES
from tests.faults.bad_regions import BAD_REGIONS
from tests.faults.bad_settings import BAD_SETTINGS
from tests.faults.bad_tables import BAD_COMPANIONS, BAD_TABLES
from tests.faults.bad_weights import BAD_WEIGHTS
from tests.faults.bad_words import BAD_DATABASES, BAD_PLACES, BAD_WORDS
from tests.faults.world import BadInput

BAD_INPUTS: list[BadInput] = [
    *BAD_IMAGES,
    *BAD_TABLES,
    *BAD_COMPANIONS,
    *BAD_SETTINGS,
    *BAD_WEIGHTS,
    *BAD_REGIONS,
    *BAD_WORDS,
    *BAD_PLACES,
    *BAD_DATABASES,
]
