"""What changes of a species' photographs did to the answer, beside their controls."""

from __future__ import annotations

from dataclasses import dataclass

from intr_discover.report.gathered import Results, Row, fold_words, rows_where, table_of
from intr_discover.report.numbers import is_missing, spread_of
from intr_discover.studies.manipulation_words import DONE
from intr_discover.studies.wording import percent


@dataclass(frozen=True)
class EditRow:
    """One kind of change.

    Attributes
    ----------
    done
        What was changed, and how.
    outcome
        What is counted: answers that change, or specimens taken for the look-alike.
    share, interval, control, control_interval, n
        How often, the same for the controls, and of how many; empty where unknown.
    """

    done: str
    outcome: str
    share: str
    interval: str
    control: str
    control_interval: str
    n: str

    @property
    def share_words(self) -> str:
        """Return the share with its interval."""
        return _bracketed(self.share, self.interval)

    @property
    def control_words(self) -> str:
        """Return the share of the controls with its interval."""
        return _bracketed(self.control, self.control_interval)


def edits_of(label: str, results: Results) -> list[EditRow]:
    """Return what ``manipulation`` and ``transplants`` did to a species' photographs.

    Parameters
    ----------
    label
        The species.
    results
        Either study may be absent.
    """
    rows = []
    operation = "edited"
    if "manipulation" in results:
        operation = DONE.get(str(results["manipulation"].summary.get("operation")), operation)
    for row in rows_where(table_of(results, "manipulation", "classes"), label=label):
        done = f"{fold_words(row)}{row['region']} {operation}"
        rows.append(_row(done, "another answer", row, "flip"))
    for row in rows_where(table_of(results, "transplants"), label=label):
        done = f"{fold_words(row)}{row['region']} of {row['mate']} in place of its own"
        rows.append(_row(done, f"taken for {row['mate']}", row, "to_mate"))
    return [row for row in rows if row is not None]


def _bracketed(share: str, interval: str) -> str:
    return f"{share} ({interval})" if interval else share


def _row(done: str, outcome: str, row: Row, name: str) -> EditRow | None:
    """Return one row; None where no photograph counts."""
    if is_missing(row[name]):
        return None
    control = row["control_flip"]
    return EditRow(
        done,
        outcome,
        percent(row[name]),
        spread_of(row[f"{name}_low"], row[f"{name}_high"]),
        "" if is_missing(control) else percent(control),
        spread_of(row["control_flip_low"], row["control_flip_high"]),
        str(int(row["n"])),
    )
