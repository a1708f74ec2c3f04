"""What studies say of one species in sentences: is it recognised, and by what."""

from __future__ import annotations

from intr_discover.report.gathered import Results, Row, rows_where, table_of
from intr_discover.report.numbers import counted, is_missing, spread_of
from intr_discover.studies.statistics import wilson
from intr_discover.studies.wording import percent

Fact = tuple[str, str]
"""What, and a sentence with its number and n."""


def facts_of(label: str, accuracy: Row, results: Results) -> list[Fact]:
    """Return what is known of a species; whatever study is absent says nothing.

    Parameters
    ----------
    label
        The species.
    accuracy
        Its row of ``evaluate_per_class``; empty where there is none.
    results
        Of the studies.
    """
    return [
        *_recognised(accuracy, results),
        *_looking(label, results),
        *_background(label, results),
        *_doubts(label, results),
    ]


def _recognised(accuracy: Row, results: Results) -> list[Fact]:
    if not accuracy.get("n"):
        return []
    right, n, answers = accuracy["correct"], accuracy["n"], accuracy["n_predicted"]
    said = [("Recognised", f"{counted(right, n, accuracy['low'], accuracy['high'])}.")]
    other = accuracy["mistaken_for"]
    if not is_missing(other):
        label = accuracy["label"]
        answers_of = table_of(results, "evaluate")
        taken = len(rows_where(answers_of, label=label, predicted=other))
        said.append(("Most often taken for", f"{other}: {taken} of {n}."))
    if answers > right:
        low, high = wilson(int(right), int(answers))
        said.append(
            ("When this is the answer", f"it is right in {counted(right, answers, low, high)}.")
        )
    return said


def _looking(label: str, results: Results) -> list[Fact]:
    """Say how often a strong head points at the attribute that is known to separate it."""
    rows = rows_where(table_of(results, "explanations", "photographs"), label=label)
    known = [row for row in rows if not is_missing(row.get("diagnostic_hit"))]
    if not known:
        return []
    hits = sum(bool(row["diagnostic_hit"]) for row in known)
    words = f"hit by a strong head in {counted(hits, len(known), *wilson(hits, len(known)))}"
    chances = [row["chance_top_heads"] for row in known if not is_missing(row["chance_top_heads"])]
    if chances:
        words += f"; by as many random points in {percent(sum(chances) / len(chances))}"
    return [("The known attribute", f"{words}.")]


def _background(label: str, results: Results) -> list[Fact]:
    said = []
    for row in rows_where(table_of(results, "shortcuts", "classes"), label=label):
        if is_missing(row["off_specimen"]):
            continue
        sure = spread_of(row["off_specimen_low"], row["off_specimen_high"])
        words = (
            f"{percent(row['off_specimen'])} of the attention lies beside the specimen ("
            + (f"95 % interval {sure}, " if sure else "")
            + f"n = {row['n']}); an even map would put {percent(row['even_share'])} there."
        )
        if row["rests_on_background"]:
            share = percent(min(1.0, row["background_share"]))
            words += f" Warning: {share} of its lead goes with the background."
        said.append(("Beside the specimen", words))
    return said


def _doubts(label: str, results: Results) -> list[Fact]:
    rows = rows_where(table_of(results, "doubtful_labels", "classes"), label=label)
    doubted, n = sum(row["doubted"] for row in rows), sum(row["n"] for row in rows)
    return [("Labels in doubt", f"{doubted} of {n} looked at.")] if doubted else []
