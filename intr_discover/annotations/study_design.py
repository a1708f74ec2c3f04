"""What a blind human study is: its items, its closed vocabulary, its orders, its answers."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from intr_discover.annotations.values import check_storable, clean_text
from intr_discover.errors import UserError, shorten


@dataclass(frozen=True)
class Item:
    """What is shown to a rater at once.

    Attributes
    ----------
    image
        The photograph: a file, or whatever finds it again.
    method
        What drew the map: ``intr``, ``gradcam``, …
    unit
        Which part of the method: ``head 3``, ``prototype 12``, ``all heads``, …
    label
        The class whose query or score it is; None where that says nothing.
    vocabulary
        The attributes that may be ticked for it; None for those of the study.
    """

    image: str
    method: str
    unit: str
    label: str | None = None
    vocabulary: tuple[str, ...] | None = None


@dataclass(frozen=True)
class HumanStudy:
    """A study and all its items, for whoever analyses it; nothing of it is blind.

    Attributes
    ----------
    name
        It is found by.
    seed
        Of the orders in which items are numbered and shown.
    vocabulary
        The attributes that may be ticked; empty where every item has its own.
    items
        By number, from 1. The numbers are drawn by the seed: they tell nothing of a method.
    time
        When it was made, UTC.
    """

    name: str
    seed: int
    vocabulary: tuple[str, ...]
    items: Mapping[int, Item]
    time: datetime

    def vocabulary_of(self, number: int) -> tuple[str, ...]:
        """Return the attributes that may be ticked for an item."""
        own = self.items[number].vocabulary
        return self.vocabulary if own is None else own

    def order_of(self, rater: str) -> list[int]:
        """Return the numbers of the items in the order in which a rater sees them.

        It depends on the seed and on the rater's name alone: whoever comes back goes on where they
        stopped.
        """
        order = sorted(self.items)
        random.Random(f"{self.seed} {rater}").shuffle(order)
        return order


@dataclass(frozen=True)
class Question:
    """What a rater may know of the item before them: neither image, class, method nor unit.

    Attributes
    ----------
    study
        Its study.
    number
        The item; ``HumanStudies.item`` gives what to draw.
    vocabulary
        The attributes to tick from.
    done, of
        How many items the rater has answered, and how many there are.
    """

    study: str
    number: int
    vocabulary: tuple[str, ...]
    done: int
    of: int


@dataclass(frozen=True)
class Answer:
    """What one rater ticked for one item.

    Attributes
    ----------
    study, number
        The study and the item's number in it.
    rater
        Name.
    ticked
        Attributes of the item's vocabulary, in its order; empty for "none of them".
    time
        When, UTC.
    """

    study: str
    number: int
    rater: str
    ticked: tuple[str, ...]
    time: datetime


def latest_answers(answers: Iterable[Answer]) -> list[Answer]:
    """Return of each rater and item the answer with the latest time; of equal times the last."""
    last: dict[tuple[str, str, int], Answer] = {}
    for each in answers:
        key = (each.study, each.rater, each.number)
        if key not in last or each.time >= last[key].time:
            last[key] = each
    return list(last.values())


def check_study(study: HumanStudy) -> HumanStudy:
    """Return a study whose texts can be stored and whose items can be answered.

    Raises
    ------
    UserError
        See ``HumanStudies.create``.
    """
    where = f"study '{study.name}'"
    if not study.items:
        raise UserError(f"{where} has no items: there is nothing to show")
    seen: set[tuple[str | None, ...]] = set()
    items = {}
    for number, item in study.items.items():
        shown = f"{where}: {item.image}, {item.method}, {item.unit}"
        for text, what in ((item.image, "an image"), (item.method, "a method"),
                           (item.unit, "a unit")):  # fmt: skip
            check_storable(text, f"{where}: {what}")
        if item.label is not None:
            check_storable(item.label, f"{where}: a class")
        key = (item.image, item.method, item.unit, item.label)
        if key in seen:
            raise UserError(f"{shown} stands twice among the items")
        seen.add(key)
        own = item.vocabulary
        if own is not None:
            own = _clean_vocabulary(own, shown)
        if not (own or (own is None and study.vocabulary)):
            raise UserError(f"{shown} has no attributes to tick: give a vocabulary")
        items[number] = Item(item.image, item.method, item.unit, item.label, own)
    vocabulary = _clean_vocabulary(study.vocabulary, where)
    return HumanStudy(study.name, study.seed, vocabulary, items, study.time)


def in_order(ticked: Collection[str], vocabulary: Sequence[str]) -> tuple[str, ...]:
    """Return ticked attributes in the order of the vocabulary.

    Raises
    ------
    UserError
        If one does not stand in it.
    """
    unknown = sorted(set(ticked) - set(vocabulary))
    if unknown:
        raise UserError(
            f"'{unknown[0]}' is not in the vocabulary of this item: {shorten(vocabulary)}"
        )
    return tuple(attribute for attribute in vocabulary if attribute in set(ticked))


def _clean_vocabulary(attributes: Sequence[str], where: str) -> tuple[str, ...]:
    cleaned = tuple(clean_text(each, f"{where}: an attribute") for each in attributes)
    twice = sorted({each for each in cleaned if cleaned.count(each) > 1})
    if twice:
        raise UserError(f"{where}: the attribute '{twice[0]}' stands twice in the vocabulary")
    return cleaned
