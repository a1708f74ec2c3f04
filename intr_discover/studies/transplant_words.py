"""The findings of the study ``transplants``, as sentences for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from intr_discover.studies.result import StudyResult
from intr_discover.studies.transplant_tables import KINDS
from intr_discover.studies.wording import interval, percent


def findings(result: StudyResult) -> list[str]:
    """Say how often a transplant is taken for the look-alike, and where the directions differ."""
    numbers = result.summary
    if not numbers["n"]:
        return [
            f"The model misnames all {numbers['n_wrong_before']} photographs that were tried: "
            "there is no right answer that a transplant could change."
        ]
    words = (
        "With the look-alike's region in place of its own, a specimen is taken for the look-alike "
        f"in {percent(numbers['to_mate_rate'])} of {numbers['n']} photographs "
        f"({interval(numbers['to_mate_rate_low'], numbers['to_mate_rate_high'])}). "
    )
    if numbers["control_flip_rate"] is None:
        words += (
            "There is no other specimen of the same species to compare with, so nobody can say "
            "what any exchange of that place would do."
        )
    else:
        sure = interval(numbers["control_flip_rate_low"], numbers["control_flip_rate_high"])
        words += (
            "The same region of another specimen of its own species changes the answer in "
            f"{percent(numbers['control_flip_rate'])} ({sure})."
        )
    said = [words, *_by_kind(numbers)]
    table = result.table
    clear = table[(table["q"] < 0.05) & (table["difference"] > 0)]
    said.append(
        f"The answer moves towards the look-alike, beyond the controls, in {len(clear)} of "
        f"{len(table)} directions (q < 0.05)."
    )
    uneven = [
        (group.sort_values("to_mate"), name)
        for name, group in table.groupby("pair", sort=False)
        if len(group) == 2 and group["to_mate_low"].max() > group["to_mate_high"].min()
    ]
    for group, _ in uneven[:4]:
        less, more = group.iloc[0], group.iloc[1]
        said.append(
            f"It works one way: {more['label']} becomes {more['mate']} in "
            f"{percent(more['to_mate'])}, {less['label']} becomes {less['mate']} in "
            f"{percent(less['to_mate'])}. The model knows one of the two by a mark, the other "
            "by its absence or by something else."
        )
    if numbers["n_wrong_before"]:
        said.append(
            f"{numbers['n_wrong_before']} photographs that the model misnames were left out: there "
            "is no right answer to change."
        )
    return said


def _by_kind(numbers: Mapping[str, Any]) -> list[str]:
    """Say how transplants of each kind of difference fare, where the kinds are known."""
    there = [kind for kind in KINDS if numbers[f"n_{kind}"]]
    if not there:
        return []
    shares = ", ".join(
        f"{kind} {percent(numbers[f'to_mate_rate_{kind}'])} of {numbers[f'n_{kind}']} "
        f"({interval(numbers[f'to_mate_rate_{kind}_low'], numbers[f'to_mate_rate_{kind}_high'])})"
        for kind in there
    )
    words = f"By what the two differ in: {shares}."
    if "shape" in there:
        words += (
            " An outline brings a strip of the donor's backdrop along; judge it beside its controls"
        )
        control = numbers["control_flip_rate_shape"]
        words += "." if control is None else f", which change the answer in {percent(control)}."
    return [words]
