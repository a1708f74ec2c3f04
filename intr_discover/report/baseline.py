"""What the accuracy is worth: the model beside what needs no look at the specimen."""

from __future__ import annotations

from intr_discover.report.gathered import Results, rows_where, table_of
from intr_discover.report.numbers import NumberRow, is_missing, number_row
from intr_discover.studies.shortcut_findings import cue_words
from intr_discover.studies.statistics import wilson


def commonest_class(results: Results) -> tuple[str, int, int] | None:
    """Return the class with most of the classified photographs, how many, and of how many."""
    table = table_of(results, "evaluate")
    if table.empty:
        return None
    counts = table["label"].value_counts()
    largest = int(counts.iloc[0])
    # The first by name of equally common ones, whatever the order of the photographs.
    label = min(str(name) for name in counts.index[counts == largest])
    return label, largest, len(table)


def baseline_rows(results: Results) -> list[NumberRow]:
    """Return the model's accuracy, and below it what simple rules reach.

    Parameters
    ----------
    results
        ``evaluate`` for the model and the commonest class; ``shortcuts``, where it was done, for
        cues beside the specimen and for the specimen taken away.

    Returns
    -------
    list of NumberRow
        Empty without ``evaluate``, for there is nothing to compare then. The accuracy of a cue is
        the mean over the classes.
    """
    common = commonest_class(results)
    if common is None:
        return []
    summary = results["evaluate"].summary
    label, hits, n = common
    low, high = wilson(hits, n)
    rows = [
        number_row("the model", summary["top1"], summary["top1_low"], summary["top1_high"], n),
        number_row(f"always the commonest class ({label})", hits / n, low, high, n),
        number_row(f"a guess among {summary['n_classes']} classes", summary["chance"]),
    ]
    return rows + _without_the_specimen(results)


def _without_the_specimen(results: Results) -> list[NumberRow]:
    if "shortcuts" not in results:
        return []
    summary, rows = results["shortcuts"].summary, []
    if not is_missing(summary.get("no_specimen_accuracy")):
        rows.append(
            number_row(
                f"{cue_words(str(summary['best_cue']))} alone (best of {summary['n_cues']} cues, "
                "mean over classes)",
                summary["no_specimen_accuracy"],
                summary["no_specimen_accuracy_low"],
                summary["no_specimen_accuracy_high"],
                summary["n_cue_photographs"],
            )
        )
    rows += [
        number_row(
            f"cues together: {row['cue']} (mean over classes)",
            row["balanced_accuracy"],
            row["low"],
            row["high"],
            row["n"],
        )
        for row in rows_where(table_of(results, "shortcuts", "cues"), kind="joint")
    ]
    removed, low, high = (
        summary.get(f"background_only_accuracy{end}") for end in ("", "_low", "_high")
    )
    if not is_missing(removed):
        words = "the model, with the specimen taken out of the photograph"
        rows.append(number_row(words, removed, low, high, summary["n_masked"]))
    return rows
