"""A blind study made from the collection: what is shown, drawn at random before anybody looks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from apps.photographs import shown_name
from apps.service import Service
from intr_discover.annotations import Item
from intr_discover.annotations.sheets import read_sheet
from intr_discover.errors import UserError, shorten
from intr_discover.studies.blind_maps import strongest_heads
from intr_discover.studies.blind_units import (
    ALL_HEADS,
    GRADCAM,
    SINGLE_HEADS,
    few_of_each,
    unit,
)

MOST_ITEMS = 2000
"""Of one study: more than anybody answers."""

METHODS = {
    SINGLE_HEADS: "the strongest heads of INTR, one at a time",
    ALL_HEADS: "all heads of INTR, side by side",
    GRADCAM: "Grad-CAM of the same network",
}
"""What can be shown, and how the page calls it."""

_LARGEST_SEED = 2**31 - 1

Own = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Wanted:
    """What somebody wants to ask.

    Attributes
    ----------
    methods
        Some of ``METHODS``.
    each
        Photographs of each species.
    top
        Single heads of each photograph.
    seed
        Of the draw, and of all orders.
    vocabulary
        The attributes that may be ticked.
    own
        By photograph's name, the attributes of those that have a list of their own.
    """

    methods: Collection[str]
    each: int
    top: int = 3
    seed: int = 0
    vocabulary: Sequence[str] = ()
    own: Own = field(default_factory=dict)


def read_vocabulary(text: str) -> list[str]:
    """Return the attributes of a text, one a line; empty lines are left out."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def read_own_vocabularies(service: Service, uploaded: Path) -> Own:
    """Return the attributes of single photographs, from a sheet.

    Parameters
    ----------
    service
        Whose collection the photographs belong to.
    uploaded
        CSV with the columns ``image`` and ``attribute``, one row for each attribute of an image.

    Raises
    ------
    UserError
        If it is no such sheet, or names a photograph that the collection does not have; with the
        row.
    """
    name = shown_name(uploaded.name)
    try:
        table = read_sheet(uploaded)
    except UserError as error:
        raise UserError(str(error).replace(str(uploaded), name)) from None
    missing = [column for column in ("image", "attribute") if column not in table.columns]
    if missing:
        raise UserError(f"{name} lacks the column '{missing[0]}': it needs image and attribute")
    names = _names(service)
    found: dict[str, list[str]] = {}
    rows = zip(table["image"], table["attribute"], strict=True)
    for number, (image, attribute) in enumerate(rows, 2):
        if image not in names:
            raise UserError(f"{name}, row {number}: the collection has no photograph '{image}'")
        if not attribute.strip():
            raise UserError(f"{name}, row {number}: the attribute is empty")
        own = found.setdefault(names[image], [])
        if attribute.strip() in own:
            raise UserError(f"{name}, row {number}: '{attribute}' stands twice for '{image}'")
        own.append(attribute.strip())
    if not found:
        raise UserError(f"{name} has no rows")
    return {image: tuple(attributes) for image, attributes in found.items()}


def make_items(
    service: Service, wanted: Wanted, progress: Callable[[int, int], None] | None = None
) -> list[Item]:
    """Draw photographs and return what is shown of each.

    The photographs are those of the split ``test`` where there is one, of species that the model
    knows, with something to tick. Each is shown with the query or score of its own species.

    Parameters
    ----------
    service
        The model and the collection.
    wanted
        The design.
    progress
        Called with (photographs done, photographs in all).

    Raises
    ------
    UserError
        If nothing is wanted, a number is out of range, or there is no photograph to show.
    """
    _check(service, wanted)
    rows = [row for row in _candidates(service) if wanted.vocabulary or service.name(row)
            in wanted.own]  # fmt: skip
    if not rows:
        raise UserError(
            "there is no photograph to show: write attributes, or upload a sheet that names some"
        )
    drawn = few_of_each([service.label(row) for row in rows], wanted.each, wanted.seed)
    shown = wanted.top if SINGLE_HEADS in wanted.methods else 0
    count = len(drawn) * (shown + len(set(wanted.methods) - {SINGLE_HEADS}))
    if count > MOST_ITEMS:
        raise UserError(
            f"that makes {count} pictures for everybody to answer; ask for at most {MOST_ITEMS}"
        )
    items: list[Item] = []
    for done, place in enumerate(drawn, 1):
        items += _items_of(service, wanted, rows[place])
        if progress is not None:
            progress(done, len(drawn))
    return items


def _check(service: Service, wanted: Wanted) -> None:
    if not wanted.methods:
        raise UserError("choose what is to be shown")
    unknown = sorted(set(wanted.methods) - set(possible_methods(service)))
    if unknown:
        known = shorten(possible_methods(service))
        raise UserError(f"'{unknown[0]}' cannot be shown with this model; there is: {known}")
    if wanted.each < 1 or wanted.top < 1:
        raise UserError("the numbers of photographs and of heads must be 1 or more")
    if not 0 <= wanted.seed <= _LARGEST_SEED:
        raise UserError(f"the seed must be 0 to {_LARGEST_SEED}")


def possible_methods(service: Service) -> list[str]:
    """Return the methods that can be shown with the model at hand."""
    return list(METHODS) if service.has_maps else [GRADCAM]


def _items_of(service: Service, wanted: Wanted, row: int) -> list[Item]:
    image, label = service.name(row), service.label(row)
    fingerprint = service.explainer.fingerprint
    units = [unit(method, fingerprint) for method in METHODS
             if method in wanted.methods and method != SINGLE_HEADS]  # fmt: skip
    if SINGLE_HEADS in wanted.methods:
        encoded = service.encode(service.photograph(row))
        heads = strongest_heads(service.explainer, encoded, label, wanted.top)
        units += [unit(SINGLE_HEADS, fingerprint, head) for head in heads]
    own = wanted.own.get(image)
    return [Item(image, each.method, each.words, label, own) for each in units]


def _candidates(service: Service) -> list[int]:
    split = "test" if service.specimens.has_split("test") else "all"
    known = set(service.explainer.classes)
    return [row for row in service.rows(split=split) if service.label(row) in known]


def _names(service: Service) -> dict[str, str]:
    """Return the name of each photograph, by its name and by what the table calls it."""
    names: dict[str, str] = {}
    for row, image in enumerate(service.specimens.table["image"]):
        names[str(image)] = names[service.name(row)] = service.name(row)
    return names
