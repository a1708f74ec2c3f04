"""The study ``mimicry``: what separates the look-alikes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intr_discover.data.specimens import Specimens
from intr_discover.figures.class_matrix import class_matrix_figure
from intr_discover.figures.similarity_matrix import clustered_order
from intr_discover.model.intr import INTR
from intr_discover.studies.class_distances import (
    confusions,
    feature_distances,
    mean_margins,
    pair_matrix,
)
from intr_discover.studies.framing import Framing
from intr_discover.studies.half_hidden import (
    VIEWS_A_CLASS,
    half_hidden_answers,
    mean_answers,
    views_each,
)
from intr_discover.studies.looking import Regions
from intr_discover.studies.mimicry_findings import findings
from intr_discover.studies.mimicry_plan import (
    MOST_PAIRS,
    RANKS,
    choose_effort,
    ids_of,
    needs,
    plan,
)
from intr_discover.studies.pair_contexts import Answers, ask
from intr_discover.studies.pair_exhibits import (
    Exhibits,
    Shown,
    captions_of_pairs,
    figures_of_pairs,
)
from intr_discover.studies.pair_maps import compare_maps, known_region
from intr_discover.studies.pair_table import (
    cell_rows,
    image_rows,
    pair_row,
    summarise,
    with_ranks,
)
from intr_discover.studies.pairs import Pair
from intr_discover.studies.population_maps import PERMUTATIONS
from intr_discover.studies.result import StudyResult
from intr_discover.studies.study import KeyNumber, Option, Study, StudyInputs

_WITH_VIEWS = "mean probability of the other class, half of each photograph hidden"
_WITHOUT_VIEWS = "mean logit of the other − true class"


def run(inputs: StudyInputs) -> StudyResult:
    """Ask every photograph, compare the look-alikes, and draw them.

    Returns
    -------
    StudyResult
        ``table``: one row a pair of look-alikes, see ``pair_row``. ``tables``: ``images``, one row
        for each of their photographs; ``matrix``, one for every two classes with photographs;
        ``cells``, one for each pair and cell of the common frame. ``summary``: see ``summarise``.

    Raises
    ------
    UserError
        If an option names no pair with photographs, a photograph or mask cannot be read or does not
        fit, a keypoint lies off its photograph, or the model answers with NaN.
    """
    effort = choose_effort(inputs)
    pairs = effort.pairs
    chosen = inputs.specimens.with_table(inputs.specimens.table.iloc[effort.rows])
    explainer = inputs.explainer
    class_ids = chosen.label_ids(explainer.classes)
    model = explainer.model
    assert isinstance(model, INTR), type(model)
    framing = Framing(chosen, explainer.preprocessing, model.stride)
    known = [(a, b) for a, b, _ in pairs]
    answers = _ask(inputs, chosen, class_ids, ids_of(inputs, pairs), framing)
    hidden = _ask_half_hidden(inputs, chosen, class_ids, effort.views)
    matrix, order, distances, nearness = _matrix(inputs, answers, class_ids, known, hidden)
    if not pairs:
        pairs = _most_confusable(inputs, matrix, effort.examined)
        closer = np.isin(chosen.table["label"], [label for pair in pairs for label in pair[:2]])
        places = np.flatnonzero(closer)
        again = _ask(inputs, chosen, class_ids, ids_of(inputs, pairs), framing, places)
        answers.pairs = again.pairs
    predicted = [explainer.classes[answer] for answer in answers.logits.argmax(axis=1)]
    regions, images = Regions(chosen, {}), chosen.table["image"].tolist()
    shown: list[Shown] = []
    image_tables, cell_tables = [], []
    for number, (pair, of_pair) in enumerate(zip(pairs, answers.pairs, strict=True)):
        is_first = (chosen.table["label"].to_numpy()[of_pair.rows] == pair[0]).astype(np.bool_)
        region = known_region(pair[2], of_pair.rows, images, framing, regions)
        seed = inputs.seed + number
        maps = compare_maps(of_pair.maps, is_first, region, seed, permutations=PERMUTATIONS)
        row = pair_row(pair, of_pair, is_first, maps, framing.frame, inputs.seed)
        of_pair.maps = of_pair.maps[:0]  # a map of every photograph and pair is not kept
        shown.append(Shown(pair, of_pair, is_first, maps, row))
        image_tables.append(image_rows(pair, of_pair, chosen.table, predicted))
        cell_tables.append(cell_rows(pair, maps, framing.frame))
    table = with_ranks(pd.DataFrame([each.row for each in shown]), matrix)
    by_image = pd.concat(image_tables, ignore_index=True)
    summary = summarise(table, by_image, matrix, len(chosen), inputs.seed)
    placed = sum(framing.has(row) for row in range(len(chosen)))
    frame = {"frame": framing.frame.kind, "frame_cells": int(framing.frame.inside.sum())}
    frame["decoder_layers"] = model.config.decoder_layers
    frame["views_a_class"] = effort.views
    result = StudyResult(
        name="mimicry",
        table=table,
        summary=summary | frame | {"n_in_frame": placed},
        provenance=inputs.provenance(
            chosen,
            permutations=PERMUTATIONS,
            frame_words=framing.frame.words,
            frame_shape=list(framing.frame.shape),
        ),
        tables={
            "images": by_image,
            "matrix": matrix,
            "cells": pd.concat(cell_tables, ignore_index=True),
        },
    )
    exhibits, drawn = Exhibits(explainer, chosen, framing, inputs.names), shown[: effort.sheets]
    result.drawings |= figures_of_pairs(exhibits, drawn, effort.heads)
    captions = captions_of_pairs(drawn)
    result.captions |= {name: captions[name] for name in result.drawings}
    names = [explainer.classes[label] for label in np.unique(class_ids)]
    result.drawings["class_matrix"] = partial(
        class_matrix_figure,
        [names[place] for place in order],
        nearness[np.ix_(order, order)],
        distances[np.ix_(order, order)],
        _places(names, order, known),
        _WITH_VIEWS if effort.views else _WITHOUT_VIEWS,
    )
    result.captions["class_matrix"] = (
        "All classes against each other, ordered by a tree of the right-hand distances. Left: "
        f"{_WITH_VIEWS if effort.views else _WITHOUT_VIEWS}; a row is a true class. Right: how "
        "differently the decoder answers the photographs of two classes. Dark is alike in both; "
        "frames mark the known look-alikes."
    )
    return result


def _ask(
    inputs: StudyInputs,
    chosen: Specimens,
    class_ids: NDArray[np.int64],
    pairs: Sequence[tuple[int, int]],
    framing: Framing,
    places: NDArray[np.int64] | None = None,
) -> Answers:
    """Ask all photographs, or some; the places of the answers are among all of them."""
    rows = np.arange(len(chosen)) if places is None else places
    size = int(framing.frame.inside.sum())

    def keep(row: int, maps: NDArray[np.float32]) -> NDArray[np.float64]:
        place = int(rows[row])
        if not framing.has(place):
            return np.full((len(maps), size), np.nan)
        return framing.maps(place, maps)

    answers = ask(
        inputs.explainer,
        [chosen.paths[row] for row in rows],
        class_ids[rows],
        pairs,
        keep,
        size,
        batch_size=inputs.batch_size,
        progress=inputs.progress,
    )
    for pair in answers.pairs:
        pair.rows = rows[pair.rows]
    return answers


def _ask_half_hidden(
    inputs: StudyInputs, chosen: Specimens, class_ids: NDArray[np.int64], views: int
) -> NDArray[np.float64] | None:
    """Return for which classes photographs are taken when half is hidden; None without views."""
    if not views:
        return None
    return half_hidden_answers(
        inputs.explainer,
        chosen.paths,
        views_each(class_ids, views),
        inputs.seed,
        batch_size=inputs.batch_size,
        progress=inputs.progress,
    )


def _matrix(
    inputs: StudyInputs,
    answers: Answers,
    class_ids: NDArray[np.int64],
    known: Sequence[tuple[str, str]],
    hidden: NDArray[np.float64] | None,
) -> tuple[pd.DataFrame, list[int], NDArray[np.float64], NDArray[np.float64]]:
    """Return the table of all pairs, the order of the classes, distances, and how near they are."""
    labels, counts = np.unique(class_ids, return_counts=True)
    classes = [int(label) for label in labels]
    margins = mean_margins(answers.logits, class_ids, classes)
    confused = confusions(answers.logits.argmax(axis=1), class_ids, classes)
    distances = feature_distances(answers.features, classes)
    answers.features = {}  # the largest of what was kept
    names = [inputs.explainer.classes[label] for label in classes]
    if hidden is not None:
        hidden = mean_answers(hidden, class_ids, classes)
    table = pair_matrix(names, counts.tolist(), margins, confused, distances, known, hidden)
    return table, clustered_order(distances), distances, margins if hidden is None else hidden


def _most_confusable(inputs: StudyInputs, matrix: pd.DataFrame, most: int) -> list[Pair]:
    """Return the pairs to look at where none is known."""
    first = matrix.sort_values(RANKS[inputs.options["rank_by"]], kind="stable").head(most)
    return [(a, b, None) for a, b in zip(first["label_a"], first["label_b"], strict=True)]


def _places(
    names: Sequence[str], order: Sequence[int], known: Sequence[tuple[str, str]]
) -> list[tuple[int, int]]:
    place = {names[row]: number for number, row in enumerate(order)}
    return [(place[a], place[b]) for a, b in known if a in place and b in place]


STUDY = Study(
    name="mimicry",
    title="What separates the look-alikes?",
    order=35,
    weight=1.5,
    needs=needs,
    plan=plan,
    run=run,
    findings=findings,
    reading=(
        "Each look-alike has its own mean map: where its query looks, on average, in photographs "
        "of its own species, all brought into one frame. Where the two maps differ more than "
        "shuffled labels would make them differ, a black line is drawn. That says where the model "
        "looks differently, not which difference of the wings it uses; erase or swap what you see "
        "there. A pair without black lines may still differ: with few photographs only large "
        "differences show."
    ),
    key_numbers=(
        KeyNumber("taken_for_mate_all", "taken for the look-alike, among all classes",
                  n="n_pair_photographs"),
        KeyNumber("taken_for_mate_zero", "the same among the two alone (others zero)",
                  n="n_pair_photographs"),
        KeyNumber("context_shift_zero", "attention that moves when only the two compete",
                  n="n_pair_photographs"),
        KeyNumber("pairs_that_differ", "pairs whose mean maps differ somewhere",
                  n="n_testable_pairs"),
        KeyNumber("region_precision", "differing cells on the known attribute (median of pairs)",
                  n="n_region_precision"),
        KeyNumber("region_chance", "the same for cells drawn at random", n=None),
        KeyNumber("region_recall", "known attribute covered by differing cells (median)",
                  n="n_region_pairs"),
        KeyNumber("peak_on_region", "pairs whose largest difference lies on the known attribute",
                  n="n_region_pairs"),
        KeyNumber("true_pairs_ranked_first", "known pairs that rank first, half of each hidden",
                  n="n_known_pairs"),
        KeyNumber("true_pairs_ranked_first_margin", "the same by margin of whole photographs",
                  n="n_known_pairs"),
        KeyNumber("true_pairs_ranked_first_features", "the same by distance of features",
                  n="n_known_pairs"),
    ),
    options=(
        Option("pair", 'One pair: "CLASS A,CLASS B".'),
        Option("pairs", "Table of look-alikes: label_a, label_b, and if known diagnostic."),
        Option("most", "Pairs to look at where none are known; all with --full.", int, MOST_PAIRS),
        Option("rank_by", "What makes such pairs look-alikes: views (half-hidden ones), margin or "
               "features.", str, "views"),
        Option("views", "Half-hidden views of each class, to rank pairs by; 0: by margin.", int,
               VIEWS_A_CLASS),
    ),
)  # fmt: skip
