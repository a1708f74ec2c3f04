"""The paper's rule for BF: which classes are taken, and which specimens train and test."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pandas as pd

from data_prep.common import Report
from intr_discover.errors import UserError


@dataclass(frozen=True)
class Rule:
    """How classes are chosen and split (the paper, Appendix D).

    Attributes
    ----------
    least
        B: a class with fewer images is left out.
    test
        K: the test split has at least so many images of each class.
    seed
        Seed of the draw of specimens.
    """

    least: int = 20
    test: int = 3
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.test < self.least:
            raise UserError(
                f"--least {self.least} and --test {self.test}: the second must be at least 1 and "
                "below the first"
            )

    @property
    def most_training(self) -> int:
        """The largest number of training images of a class: 5·(B − K)."""
        return 5 * (self.least - self.test)


def split_by_rule(table: pd.DataFrame, rule: Rule, report: Report) -> list[str]:
    """Return "train", "test" or "" (left out) for each row; a specimen is never in two splits.

    Parameters
    ----------
    table
        ``label``, ``CAMID`` (the specimen) and ``Image_name`` of each photograph.
    rule
        Sizes and seed. The order of the rows does not matter.
    report
        Gets a line on what is left out.

    Notes
    -----
    In each class specimens are drawn, all images of each, for the test split until it has K. Of
    the other specimens, in the order of the draw, up to 5·(B − K) images are for training.
    """
    splits = dict.fromkeys(table.index, "")
    small, surplus = [], 0
    for name, rows in table.sort_values(["CAMID", "Image_name"]).groupby("label"):
        if len(rows) < rule.least:
            small.append(name)
            continue
        images = {str(specimen): list(own.index) for specimen, own in rows.groupby("CAMID")}
        specimens = sorted(images)
        random.Random(f"{rule.seed}/{name}").shuffle(specimens)
        tested, trained = 0, 0
        for specimen in specimens:
            own = images[specimen]
            if tested < rule.test:
                splits.update(dict.fromkeys(own, "test"))
                tested += len(own)
            else:
                room = rule.most_training - trained
                splits.update(dict.fromkeys(own[:room], "train"))
                trained += len(own[:room])
                surplus += len(own[room:])
    if small:
        left = int(table["label"].isin(small).sum())
        report.warnings.append(
            f"left out: {len(small)} classes with fewer than {rule.least} images ({left} images)"
        )
    if surplus:
        report.warnings.append(
            f"left out: {surplus} images of classes that have {rule.most_training} for training"
        )
    return [splits[row] for row in table.index]
