"""Species × discovered attributes, as phylogenetics scores characters: 1, 0, or ? for unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pandas as pd

from intr_discover.errors import UserError
from intr_discover.report.gathered import Row
from intr_discover.report.numbers import is_missing
from intr_discover.studies.pooling import FOLD
from intr_discover.studies.statistics import bootstrap_interval

USED, NO_EFFECT, UNKNOWN = "1", "0", "?"

FEWEST_EDITS = 5
"""Edited photographs of a species below which they say nothing of an attribute."""

Names = Mapping[tuple[str, int], str]


class Edited(StrEnum):
    """What editing an attribute did to the answers for a species."""

    effect = "effect"
    no_effect = "no effect"
    untested = "untested"


@dataclass(frozen=True)
class CharacterMatrix:
    """What of the discovered attributes each species is known by.

    Attributes
    ----------
    species
        Classes of the head report card, in its order: the rows.
    attributes
        The columns. Each is scored 1 for one species at least.
    states
        (species, attribute) → ``"1"`` (a head of this species that has the name is consistent, and
        the decision needs it), ``"0"`` (tested for this species, and without effect) or ``"?"``.
    reasons
        (species, attribute) → why, in words.
    provisional
        Whether attributes are numbers of heads, because nobody named any.
    left_out
        Names that are scored 1 for no species.
    unnamed
        How many heads are consistent and needed and have no name; 0 where names are provisional.
    """

    species: tuple[str, ...]
    attributes: tuple[str, ...]
    states: Mapping[tuple[str, str], str]
    reasons: Mapping[tuple[str, str], str]
    provisional: bool
    left_out: tuple[str, ...]
    unnamed: int

    def row(self, species: str) -> str:
        """Return the states of a species, one character each, in the order of attributes."""
        return "".join(self.states[species, attribute] for attribute in self.attributes)


def character_matrix(
    heads: pd.DataFrame,
    edits: pd.DataFrame | None = None,
    names: Names | None = None,
    least: float = 0.0,
    seed: int = 0,
) -> CharacterMatrix:
    """Score every species for every attribute that a head was found for.

    Parameters
    ----------
    heads
        The head report card, one row for each class and head: ``label``, ``head``,
        ``consistent``, ``important``, ``importance`` with its interval (logits), and ``name``
        where there are names. Flags may be missing.
    edits
        The table of the study ``manipulation``, one row an edit: ``label``, ``region``, ``drop``
        and ``control_drop`` (logits). None where that study was not done.
    names
        (class, head) → what people call it, in place of the column ``name``.
    least
        Logits that a knock-out must cost on average before the head counts as needed. An interval
        above 0 shows that there is an effect, be it ever so small; with less, a cell is unknown.
    seed
        Of the bootstrap over edits.

    Raises
    ------
    UserError
        If the heads are of several models, or no attribute is scored 1 for any species.
    """
    if FOLD in heads.columns:
        raise UserError(
            "the heads of this report are those of several models, one for each fold, and head 3 "
            "of one is not head 3 of another: make the report of one model"
        )
    rows = _rows(heads, names, least)
    named = any(row["name"] is not None for row in rows)
    if not named:
        rows = [{**row, "name": f"head {row['head']}"} for row in rows]
    species = tuple(dict.fromkeys(row["label"] for row in rows))
    # One attribute whatever the case and the spaces; its first spelling is shown.
    spellings: dict[str, str] = {}
    for row in sorted(rows, key=lambda row: row["head"]):
        if row["name"] is not None:
            spellings.setdefault(_key(row["name"]), row["name"])
    tested = _edited(edits, seed)
    states: dict[tuple[str, str], str] = {}
    reasons: dict[tuple[str, str], str] = {}
    for key, attribute in spellings.items():
        elsewhere = {row["head"] for row in rows if _is_called(row, key)}
        for label in species:
            own = [row for row in rows if row["label"] == label]
            state, why = _cell(key, own, elsewhere, tested.get((label, key), Edited.untested))
            states[label, attribute], reasons[label, attribute] = state, why
    found = [
        attribute
        for attribute in spellings.values()
        if any(states[label, attribute] == USED for label in species)
    ]
    if not found:
        raise UserError(_why_nothing(rows, named))
    return CharacterMatrix(
        species=species,
        attributes=tuple(found),
        states={cell: state for cell, state in states.items() if cell[1] in found},
        reasons={cell: why for cell, why in reasons.items() if cell[1] in found},
        provisional=not named,
        left_out=tuple(each for each in spellings.values() if each not in found),
        unnamed=sum(row["name"] is None and _is_used(row, Edited.untested) for row in rows),
    )


def _why_nothing(rows: Sequence[Row], named: bool) -> str:
    if all(row["important"] is None for row in rows):
        return (
            "no head was switched off in 5 photographs of its species, so nothing is known of what "
            "the decision needs: make the report with --full, or ask intr-discover study heads "
            "alone, which takes all photographs"
        )
    return (
        "no head is consistent and needed by the decision"
        + (" and has a name" if named else "")
        + ", so there is no attribute to score the species by"
    )


def evidence(matrix: CharacterMatrix) -> pd.DataFrame:
    """Return one row for each species and attribute: ``species, attribute, state, reason``."""
    return pd.DataFrame(
        [
            {
                "species": label,
                "attribute": attribute,
                "state": matrix.states[label, attribute],
                "reason": matrix.reasons[label, attribute],
            }
            for attribute in matrix.attributes
            for label in matrix.species
        ]
    )


def _cell(key: str, own: Sequence[Row], elsewhere: set[int], edited: Edited) -> tuple[str, str]:
    """Return the state of one species, and why; ``own`` are the rows of its heads."""
    called = [row for row in own if _is_called(row, key)]
    used = [row for row in called if _is_used(row, edited)]
    if used:
        also = "; editing the attribute has an effect" if edited is Edited.effect else ""
        return USED, f"{_listed(used)}: consistent{also}"
    if edited is Edited.effect:
        what = f"{_listed(called)}: not consistent" if called else "no head is named for it"
        return UNKNOWN, f"editing the attribute has an effect, but {what}"
    # A head that people call something else was not a test of this attribute.
    tried = called or [row for row in own if row["head"] in elsewhere and row["name"] is None]
    needless = [row for row in tried if row["important"] is False]
    if tried and len(needless) == len(tried):
        how = "named so" if called else "the head named so elsewhere"
        also = "; editing the attribute has none" if edited is Edited.no_effect else ""
        return NO_EFFECT, f"{_listed(needless)}: {how}, no effect{also}"
    if edited is Edited.no_effect and not called:
        return NO_EFFECT, "editing the attribute has no more effect than editing control regions"
    if called:
        return UNKNOWN, f"{_listed(called)}: named so, not shown to be both consistent and needed"
    if tried:
        return UNKNOWN, f"{_listed(tried)}: the head named so elsewhere, without a name here"
    return UNKNOWN, "not tested"


def _is_used(row: Row, edited: Edited) -> bool:
    """Return whether a head is consistent, and knock-out or editing shows that it is needed."""
    return row["consistent"] is True and (row["important"] is True or edited is Edited.effect)


def _listed(rows: Iterable[Row]) -> str:
    return ", ".join(
        f"head {row['head']}"
        + ("" if is_missing(row["importance"]) else f" (knock-out {row['importance']:.2f} logits)")
        for row in rows
    )


def _edited(edits: pd.DataFrame | None, seed: int) -> dict[tuple[str, str], Edited]:
    """Return what editing did, by species and attribute.

    An effect is a mean drop beyond that of the control regions whose 95 % interval lies above 0.
    """
    if edits is None or edits.empty:
        return {}
    found = {}
    beyond = pd.to_numeric(edits["drop"]) - pd.to_numeric(edits["control_drop"])
    keys = edits["region"].map(lambda region: _key(str(region)))
    for (label, key), values in beyond.groupby([edits["label"], keys], sort=False):
        known = values.dropna().to_numpy()
        if len(known) >= FEWEST_EDITS:
            low, _ = bootstrap_interval(known, seed)
            found[str(label), str(key)] = Edited.effect if low > 0 else Edited.no_effect
    return found


def _rows(heads: pd.DataFrame, names: Names | None, least: float) -> list[dict[str, Any]]:
    """Return the heads with flags that are True, False or None, and a name or None."""
    rows = []
    for row in heads.to_dict("records"):
        label, head = str(row["label"]), int(row["head"])
        name = row.get("name") if names is None else names.get((label, head))
        text = "" if is_missing(name) else " ".join(str(name).split())
        importance = None if is_missing(row.get("importance")) else float(row["importance"])
        important = _flag(row.get("important"))
        if important and (importance is None or importance < least):
            important = None  # it has an effect, but less than what is asked for
        rows.append(
            {
                "label": label,
                "head": head,
                "name": text or None,
                "consistent": _flag(row.get("consistent")),
                "important": important,
                "importance": importance,
            }
        )
    return rows


def _flag(value: Any) -> bool | None:
    """Return a flag of a table in memory, or of one that was read as text."""
    if is_missing(value) or str(value).strip() == "":
        return None
    return str(value).strip().lower() == "true"


def _is_called(row: Row, key: str) -> bool:
    return row["name"] is not None and _key(row["name"]) == key


def _key(name: str) -> str:
    """Return what spellings of one name share; masks are called ``basal_spots``."""
    return " ".join(name.replace("_", " ").casefold().split())
