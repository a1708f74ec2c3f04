"""Explain many photographs: one figure and one file of raw maps each."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

from intr_discover.explain.explainer import Explainer
from intr_discover.explain.maps import Ranking
from intr_discover.figures.head_names import NO_NAMES, HeadNames
from intr_discover.figures.style import save_figure
from intr_discover.files import write_json
from intr_discover.model.intr import ContextMode
from intr_discover.provenance import machine, origin, versions


def explain_images(
    explainer: Explainer,
    paths: Sequence[Path],
    out: Path,
    *,
    classes: Sequence[str] | None = None,
    context: Sequence[str] | None = None,
    context_mode: ContextMode = "zero",
    layer: int = -1,
    max_heads: int | None = None,
    ranking: Ranking = "maximum",
    names: HeadNames = NO_NAMES,
    command: Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Path]:
    """Write ``<name>.png``, ``<name>.pdf`` and ``<name>.npz`` for each photograph.

    Parameters
    ----------
    explainer
        The model.
    paths
        Photographs.
    out
        Folder for the files.
    classes, context, context_mode, layer
        See ``Explainer.explain``.
    max_heads, ranking, names
        See ``Explanation.figure``.
    command
        The command line, word by word; with it, ``provenance.json`` is written last.
    progress
        Called with (photographs done, photographs in all).

    Returns
    -------
    list of Path
        The files of raw maps.
    """
    written = []
    words = "" if command is None else shlex.join(command)
    for done, (path, name) in enumerate(zip(paths, distinct_names(paths), strict=True), 1):
        explanation = explainer.explain(
            path, classes, context=context, context_mode=context_mode, layer=layer
        )
        explanation.provenance["command"] = words
        metadata = {
            "Title": f"{path.name}: {explanation.predicted}",
            "Command": words,
            "Model fingerprint": explainer.fingerprint,
            "Image fingerprint": str(explanation.provenance["image_fingerprint"]),
        }
        figure = explanation.figure(ranking=ranking, max_heads=max_heads, names=names)
        save_figure(figure, out / name, metadata=metadata)
        written.append(explanation.save(out / f"{name}.npz"))
        if progress is not None:
            progress(done, len(paths))
    if command is not None:
        record = {
            "explained": len(written),
            "model_fingerprint": explainer.fingerprint,
            **origin(command, out),
            "versions": versions(),
            "machine": machine(explainer.device_name, explainer.precision),
        }
        write_json(out / "provenance.json", record)
    return written


def distinct_names(paths: Sequence[Path]) -> list[str]:
    """Return a file name without ending for each path, no two alike.

    Photographs of one name in several folders get the name of their folder in front, and a number
    where that is not enough. Names that differ in upper and lower case only count as alike.
    """
    names = [path.stem for path in paths]
    if not _differ(names):
        names = [f"{path.resolve().parent.name}_{path.stem}" for path in paths]
    if not _differ(names):
        names = [f"{number:04d}_{name}" for number, name in enumerate(names, 1)]
    return names


def _differ(names: Sequence[str]) -> bool:
    return len({name.lower() for name in names}) == len(names)
