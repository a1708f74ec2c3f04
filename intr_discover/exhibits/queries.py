"""How alike the class queries are: which classes ask alike questions."""

from __future__ import annotations

import numpy as np

from intr_discover.errors import UserError
from intr_discover.exhibits.paper_figure import Drawn, FigureInputs, PaperFigure
from intr_discover.exhibits.words import model_words, signed
from intr_discover.explain.decomposition import query_similarity
from intr_discover.figures.similarity_matrix import similarity_matrix_figure
from intr_discover.model.intr import INTR


def draw(inputs: FigureInputs) -> Drawn:
    """Draw the cosines between the class queries, of all classes or of those asked for.

    Returns
    -------
    Drawn
        Known look-alikes of the collection, where one is given, have a frame.
    """
    model, classes = inputs.explainer.model, inputs.explainer.classes
    if not isinstance(model, INTR):
        raise UserError(
            f"{inputs.explainer.source or 'this model'} is a plain classifier without class "
            "queries. Use a run trained with --model intr"
        )
    chosen = inputs.explainer.class_ids(list(inputs.classes) or classes)
    cosines = query_similarity(model)[np.ix_(chosen, chosen)]
    if not np.isfinite(cosines).all():
        raise UserError(
            f"{inputs.explainer.source or 'the model'}: a class query is zero or no number; its "
            "training failed or its weights are damaged"
        )
    names = [classes[each] for each in chosen]
    pairs = _pairs(inputs, names)
    figure = similarity_matrix_figure(
        names, cosines, label="cosine of class queries", pairs=pairs, width=inputs.width
    )
    off = cosines[~np.eye(len(names), dtype=np.bool_)]
    said = [f"Cosine between the class queries of {len(names)} classes."]
    if len(off):
        said.append(
            f"Mean over all n = {len(off) // 2} pairs of classes {signed(off.mean())}, from "
            f"{signed(off.min())} to {signed(off.max())}."
        )
    if pairs:
        own = np.array([cosines[a, b] for a, b in pairs])
        said.append(
            f"Frames: known look-alikes, mean {signed(own.mean())} (n = {len(pairs)} pairs)."
        )
    said += [
        "Classes are ordered by clustering (average linkage); the diagonal is left out; one scale, "
        "even on both sides of 0. Queries that are alike ask alike questions; what they find in an "
        "image is another matter.",
        model_words(inputs),
    ]
    return Drawn(figure, " ".join(said))


def _pairs(inputs: FigureInputs, names: list[str]) -> list[tuple[int, int]]:
    specimens = None if inputs.photographs is None else inputs.photographs.specimens
    if specimens is None or specimens.pairs is None:
        return []
    listed = zip(specimens.pairs["label_a"], specimens.pairs["label_b"], strict=True)
    return [
        (names.index(a), names.index(b)) for a, b in listed if a in names and b in names and a != b
    ]


FIGURE = PaperFigure(
    name="queries",
    title="How alike the class queries are, as a matrix",
    order=100,
    draw=draw,
    needs_photographs=False,
)
