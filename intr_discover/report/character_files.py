"""The character matrix of a finished report: read from its tables, written beside them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from intr_discover.data.tables import read_table
from intr_discover.errors import UserError, shorten
from intr_discover.files import write_text, write_with
from intr_discover.report.characters import (
    FEWEST_EDITS,
    UNKNOWN,
    CharacterMatrix,
    Names,
    character_matrix,
    evidence,
)
from intr_discover.report.nexus import nexus_text, taxon_words, unquoted, unreadable_in_ape

FOLDER = "characters"


@dataclass(frozen=True)
class Tables:
    """What a report says of heads and edits.

    Attributes
    ----------
    heads
        The head report card.
    edits
        The table of the study ``manipulation``; None where that was not done.
    model
        Fingerprint of the model; None where the report does not say.
    """

    heads: pd.DataFrame
    edits: pd.DataFrame | None
    model: str | None


def read_tables(report: Path) -> Tables:
    """Return the tables of a report, or of the study ``heads`` alone.

    Parameters
    ----------
    report
        The folder of a report, or that of a study ``heads``.

    Raises
    ------
    UserError
        If there is no head report card, or a table cannot be read.
    """
    folder = report if (report / "heads.csv").is_file() else report / "heads"
    if not (folder / "heads.csv").is_file():
        raise UserError(
            f"{report} holds no heads.csv: give the folder of a report (intr-discover discover) "
            "in which the study heads was done, or that of intr-discover study heads"
        )
    heads = _needed(folder / "heads.csv", ("label", "head", "consistent", "important"))
    _check_numbers(heads, ("head", "importance"), folder / "heads.csv")
    edits = report / "manipulation" / "manipulation.csv"
    edited = None
    if edits.is_file():
        edited = _needed(edits, ("label", "region", "drop", "control_drop"))
        _check_numbers(edited, ("drop", "control_drop"), edits)
    return Tables(heads, edited, _fingerprint(folder / "provenance.json"))


def write_characters(
    tables: Tables, out: Path, names: Names | None = None, least: float = 0.0
) -> list[str]:
    """Write ``characters.nex``, ``characters.csv`` and ``evidence.csv``, each whole or not at all.

    Parameters
    ----------
    tables
        Of a report.
    out
        The folder, made if it is absent.
    names
        What people call the heads; default the names that the report was made with.
    least
        Logits that a knock-out must cost on average.

    Returns
    -------
    list of str
        What was written and what it means, in sentences; the head of the NEXUS file says them too.

    Raises
    ------
    UserError
        As ``character_matrix``.
    """
    matrix = character_matrix(tables.heads, tables.edits, names, least)
    said = caption(matrix, edited=tables.edits is not None, least=least)
    model = [] if tables.model is None else [f"Model: {tables.model}."]
    write_text(out / "characters.nex", nexus_text(matrix, [*said, *model]))
    _write_table(wide_table(matrix), out / "characters.csv")
    _write_table(evidence(matrix), out / "evidence.csv")
    trouble = unreadable_in_ape(matrix)
    if trouble:
        said.append(
            f"Names that ape::read.nexus.data cannot read ({shorten(trouble)}): take "
            "characters.csv in R, or rename them."
        )
    return said


def caption(matrix: CharacterMatrix, edited: bool, least: float = 0.0) -> list[str]:
    """Return what the matrix is and what its numbers mean, in sentences.

    Parameters
    ----------
    matrix
        What is described.
    edited
        Whether edits were looked at.
    least
        As in ``character_matrix``.
    """
    enough = f" and its mean is {least:g} logits or more" if least > 0 else ""
    unknown = sum(state == UNKNOWN for state in matrix.states.values())
    said = [
        f"{len(matrix.species)} species by {len(matrix.attributes)} discovered attributes; "
        f"{unknown} of {len(matrix.states)} cells are unknown.",
        "1: a head of the species that has this name is consistent over photographs, and the "
        f"decision needs it (the 95 % interval of the knock-out lies above 0{enough}"
        + (", or that of the edits' drop beyond their controls)." if edited else ")."),
        "0: tested for this species, and no effect was seen. ?: all else. A 0 does not say that "
        "the species lacks the attribute: the model does not go by it.",
    ]
    if edited:
        said.append(
            "Edits count where their region is called as the attribute is, and at least "
            f"{FEWEST_EDITS} photographs of the species were edited."
        )
    if matrix.provisional:
        said.append(
            "PROVISIONAL: nobody has named a head, so attributes are the numbers of heads. Head 2 "
            "of two species may find two different things; name the heads before an analysis."
        )
    if matrix.left_out:
        said.append(
            f"Left out, because they are scored 1 for no species: {shorten(matrix.left_out)}."
        )
    if matrix.unnamed:
        said.append(f"{matrix.unnamed} consistent and needed heads have no name and are left out.")
    said.append(
        "Attributes are what one model finds in photographs: hypotheses of characters, neither "
        "homologies nor independent of each other."
    )
    return said


def wide_table(matrix: CharacterMatrix) -> pd.DataFrame:
    """Return one row a species: ``species``, ``taxon`` (as a tree names it), then 1, 0 or empty.

    ``taxon`` is the species' word in the NEXUS file, without quotes.
    """
    words = [unquoted(word) for word in taxon_words(matrix.species)]
    table = pd.DataFrame({"species": matrix.species, "taxon": words})
    for attribute in matrix.attributes:
        name = attribute if attribute not in table.columns else f"{attribute} (attribute)"
        states = [matrix.states[species, attribute] for species in matrix.species]
        table[name] = ["" if state == UNKNOWN else state for state in states]
    return table


def _write_table(table: pd.DataFrame, path: Path) -> None:
    write_with(
        path,
        lambda temporary: table.to_csv(
            temporary, index=False, encoding="utf-8", lineterminator="\n"
        ),
    )


def _needed(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    table = read_table(path)
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise UserError(f"{path} is no table of this study: it has no column '{missing[0]}'")
    return table


def _check_numbers(table: pd.DataFrame, columns: tuple[str, ...], path: Path) -> None:
    for column in columns:
        entries = table[column].dropna() if column in table.columns else pd.Series(dtype=object)
        wrong = entries[pd.to_numeric(entries, errors="coerce").isna()]
        if len(wrong):
            raise UserError(
                f"{path}, row {wrong.index[0]}: '{wrong.iloc[0]}' in the column '{column}' is no "
                "number"
            )


def _fingerprint(record: Path) -> str | None:
    """Return the model's fingerprint; None where the record is absent or says nothing."""
    try:
        found = json.loads(record.read_text(encoding="utf-8"))["model_fingerprint"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None
