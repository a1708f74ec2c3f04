"""The checks of the section on trust: what each study says, as one number and one sentence.

Every question is asked so that "yes" is what one hopes for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from intr_discover.explain.interventions import KINDS
from intr_discover.report.baseline import commonest_class
from intr_discover.report.gathered import Results, table_of
from intr_discover.report.numbers import INTERVAL, is_missing
from intr_discover.report.trust_numbers import (
    NO,
    NOT_KNOWN,
    UNCLEAR,
    YES,
    Measured,
    Said,
    measured,
    said,
)
from intr_discover.studies.pooling import FOLD
from intr_discover.studies.shortcut_findings import cue_words
from intr_discover.studies.wording import percent

_CHANGES = 0.5
"""Share of answers that must change for the answer to be said to follow the attention, and rank
correlation below which a map is said to depend on what was learned; as the studies say it."""

_HARDLY = 0.1


def _better_than_a_rule(results: Results) -> Said:
    summary = results["evaluate"].summary
    common = commonest_class(results)
    share = 0.0 if common is None else common[1] / common[2]
    rule = max(share, summary["chance"])
    top = measured(summary, "top1")
    sentence = (
        "Photographs named rightly; always answering the commonest class, or guessing, reaches "
        f"{percent(rule)}."
    )
    return said(top.compared(rule), sentence, top, summary["n"])


def _needs_the_specimen(results: Results) -> Said:
    summary = results["shortcuts"].summary
    accuracy = measured(summary, "no_specimen_accuracy")
    flagged = summary.get("data_flagged")
    if is_missing(flagged) or accuracy.value is None:
        sentence = "Too few specimens of a class to test whether something beside them tells it."
        return said(NOT_KNOWN, sentence, Measured(), None)
    sentence = (
        f"Labels told by {cue_words(summary['best_cue'])} alone, the best of {summary['n_cues']} "
        f"cues beside the specimen; chance {percent(summary['no_specimen_chance'])}."
    )
    return said(NO if flagged else YES, sentence, accuracy, summary["n_cue_photographs"])


def _looks_at_the_specimen(results: Results) -> Said:
    summary = results["shortcuts"].summary
    off = measured(summary, "off_specimen_mass")
    even: Any = summary.get("even_share")
    if off.value is None or is_missing(even):
        sentence = "No maps or no masks, so nobody knows how much attention lies on the specimen."
        return said(NOT_KNOWN, sentence, Measured(), None)
    sentence = f"Attention beside the specimen; an even map would put {percent(even)} there."
    opposite = {YES: NO, NO: YES}
    answer = off.compared(even)
    return said(opposite.get(answer, answer), sentence, off, summary["n_masked"])


def _background_does_not_matter(results: Results) -> Said:
    summary = results["shortcuts"].summary
    flips = measured(summary, "background_flip_rate")
    flagged = summary.get("flagged")
    if is_missing(flagged):
        answer, why = NOT_KNOWN, " Too few photographs to say whether classes rest on it."
    elif flagged:
        answer = NO
        classes = summary["n_flagged_classes"]
        why = " Together the classes rest on it."
        if classes:
            why = " 1 class rests on it." if classes == 1 else f" {classes} classes rest on it."
    else:
        answer, why = YES, " No class was found to rest on it."
    sentence = "Answers that change on the background of another class"
    same: Any = summary.get("flip_rate_same")
    if not is_missing(same):
        sentence += f"; on that of another specimen of the class {percent(same)}"
    return said(answer, f"{sentence}.{why}", flips, summary.get("n_background"))


def _map_beats_random(measure: str, doing: str, better_side: str) -> Callable[[Results], Said]:
    """Make the check that compares the order of INTR's map with that of a random one."""

    def ask(results: Results) -> Said:
        sentence = (
            f"Probability of the answer while a photograph is {doing} in the map's order, less "
            f"that in the order of a random map; {better_side} is better"
        )
        table = table_of(results, "faithfulness", "differences")
        if len(table):
            chosen = (table["first"] == "intr_mean") & (table["second"] == "random")
            table = table[chosen & (table["measure"] == measure)]
        if table.empty:
            return said(NOT_KNOWN, f"{sentence}.", Measured(), None)
        sign = 1 if measure == "insertion" else -1
        better = sign * table["difference"] > 0
        sure = table["p"] < 0.05
        answer = NO if (~better & sure).any() else UNCLEAR
        if (better & sure).all():
            answer = YES
        sentence = f"{sentence}{_p_words(table)}."
        return said(answer, sentence, _over_folds(table), table["n"].sum(), "decimal")

    return ask


def _over_folds(table: pd.DataFrame) -> Measured:
    """Return the difference with its interval, or the mean over folds with their range."""
    values = table["difference"]
    if FOLD in table:
        return Measured(values.mean(), values.min(), values.max(), ranged=True)
    ends = (table[end].iloc[0] for end in INTERVAL)
    low, high = (None if is_missing(end) else end for end in ends)
    return Measured(values.iloc[0], low, high)


def _p_words(table: pd.DataFrame) -> str:
    """Return p, or in how many folds it is small."""
    if FOLD in table:
        return f" (p < 0.05 in {int((table['p'] < 0.05).sum())} of {len(table)} folds)"
    p = table["p"].iloc[0]
    return "" if is_missing(p) else f" (p {'< 0.001' if p < 0.001 else f'= {p:.2g}'})"


def _map_was_learned(results: Results) -> Said:
    sentence = (
        "Rank correlation of the map with its former self when the decoder forgets what it "
        "learned; 1 would be no change."
    )
    summary = results["faithfulness"].summary
    kept = measured(summary, "randomised_decoder_intr_mean")
    if kept.value is None:
        return said(NOT_KNOWN, sentence, kept, None)
    answer = YES if abs(kept.value) < _CHANGES else NO
    return said(answer, sentence, kept, summary.get("n_randomised"), "decimal")


def _answer_follows_attention(results: Results) -> Said:
    summary = results["interventions"].summary
    rates = [measured(summary, f"{kind}_all_last_flip_rate") for kind in KINDS]
    known = [rate for rate in rates if rate.value is not None]
    sentence = (
        "Answers that change when all classes are made to look elsewhere (the least of "
        f"{len(known)} ways to do it)."
    )
    if not known:
        return said(NOT_KNOWN, sentence, Measured(), None)
    least = min(known, key=lambda rate: rate.value or 0.0)
    answer = UNCLEAR
    if all(rate.low is not None and rate.low > _CHANGES for rate in known):
        answer = YES
    elif all(rate.high is not None and rate.high < _HARDLY for rate in known):
        answer = NO
    return said(answer, sentence, least, summary["n"])


def _heads_point_at_the_attribute(results: Results) -> Said:
    summary = results["explanations"].summary
    hit = measured(summary, "diagnostic_hit")
    chance: Any = summary.get("chance_top_heads")
    if hit.value is None:
        sentence = "No attribute is known that separates the look-alikes, so this cannot be said."
        return said(NOT_KNOWN, sentence, hit, None)
    sentence = "Photographs in which a top head peaks on the attribute that separates look-alikes"
    if not is_missing(chance):
        sentence += f"; as many random points on the specimen: {percent(chance)}"
    return said(hit.compared(chance), f"{sentence}.", hit, summary["n_diagnostic"])


def _edit_changes_the_answer(results: Results) -> Said:
    summary = results["manipulation"].summary
    flips, controls = (measured(summary, name) for name in ("flip_rate", "control_flip_rate"))
    sentence = "Answers that change with the region edited"
    answer = NOT_KNOWN
    if controls.value is not None:
        sentence += f"; with a region of its shape edited elsewhere {percent(controls.value)}"
        answer = _apart(flips, controls)
    return said(answer, f"{sentence}.", flips, summary["n"])


def _attribute_carries_the_answer(results: Results) -> Said:
    summary = results["transplants"].summary
    taken, controls = (measured(summary, name) for name in ("to_mate_rate", "control_flip_rate"))
    sentence = "Specimens taken for the look-alike when they get its attribute"
    answer = NOT_KNOWN
    if controls.value is not None:
        sentence += f"; with that of their own species {percent(controls.value)} change"
        answer = _apart(taken, controls)
    return said(answer, f"{sentence}.", taken, summary["n"])


def _trainings_agree(results: Results) -> Said:
    summary = results["replicates"].summary
    agree = measured(summary, "species_agree")
    sentence = "Species in which other trainings look at the same places."
    return said(agree.compared(0.5), sentence, agree, summary.get("n_species_known"))


def _apart(first: Measured, second: Measured) -> str:
    """Return ``YES`` where the first lies above the second, interval above interval."""
    if first.value is None or second.value is None:
        return NOT_KNOWN
    if first.low is None or second.high is None or first.high is None or second.low is None:
        return UNCLEAR
    if first.low > second.high:
        return YES
    return NO if first.value <= second.value else UNCLEAR


@dataclass(frozen=True)
class Check:
    """A question, and the study whose tables answer it.

    Attributes
    ----------
    study
        Its name.
    question
        See ``TrustRow``.
    ask
        Answers it from the results.
    """

    study: str
    question: str
    ask: Callable[[Results], Said]


CHECKS = (
    Check("evaluate", "Is it right more often than a simple rule?", _better_than_a_rule),
    Check("shortcuts", "Does it take the specimen to tell the labels?", _needs_the_specimen),
    Check("shortcuts", "Does it look at the specimen?", _looks_at_the_specimen),
    Check(
        "shortcuts", "Does the answer stay on another background?", _background_does_not_matter
    ),
    Check(
        "faithfulness",
        "Revealed in the order of the maps, does the answer return sooner?",
        _map_beats_random("insertion", "revealed", "above 0"),
    ),
    Check(
        "faithfulness",
        "Removed in that order, does it go sooner?",
        _map_beats_random("deletion", "removed", "below 0"),
    ),
    Check("faithfulness", "Do the maps depend on what was learned?", _map_was_learned),
    Check("interventions", "Does the answer follow the attention?", _answer_follows_attention),
    Check(
        "explanations", "Do heads point at what separates look-alikes?",
        _heads_point_at_the_attribute,
    ),
    Check("manipulation", "Does an edit there change the answer?", _edit_changes_the_answer),
    Check(
        "transplants", "Does the attribute carry the answer with it?",
        _attribute_carries_the_answer,
    ),
    Check("replicates", "Do other trainings look at the same places?", _trainings_agree),
)  # fmt: skip
