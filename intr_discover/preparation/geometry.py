"""What moves along with a cut: keypoints, masks of attributes, and the cells of the table."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intr_discover.preparation.one_photograph import Outcome, Piece

Whose = NDArray[np.intp]


def moved_keypoints(
    keypoints: pd.DataFrame | None, piece: Piece, place: int, whose: Whose | None
) -> list[dict[str, Any]]:
    """Return the keypoints of one photograph as they lie in one of its pieces.

    Parameters
    ----------
    keypoints
        ``keypoint, x, y`` and more, in pixels of the photograph; None where there are none.
    piece, place
        The new picture, and its place among those of the photograph.
    whose
        ``int [H, W]``: the piece that each pixel is nearest to; None where there is one alone.

    Returns
    -------
    list of dict
        One for each keypoint. x and y are None where the point was not visible, belongs to
        another specimen, or is cut away.
    """
    if keypoints is None:
        return []
    x0, y0, x1, y1 = piece.window
    found = []
    for point in keypoints.to_dict("records"):
        x, y = float(point["x"]), float(point["y"])
        inside = x0 <= x < x1 and y0 <= y < y1  # false for what is not a number
        if inside and whose is not None:
            inside = whose[int(y), int(x)] == place
        moved = {"x": x - x0, "y": y - y0} if inside else {"x": None, "y": None}
        found.append({**{str(name): _plain(cell) for name, cell in point.items()}, **moved})
    return found


def moved_mask(
    mask: NDArray[np.bool_], piece: Piece, place: int, whose: Whose | None
) -> NDArray[np.bool_]:
    """Return a mask of the photograph, ``bool [H, W]``, as it lies in one of its pieces."""
    x0, y0, x1, y1 = piece.window
    cut = mask[y0:y1, x0:x1]
    if whose is not None:
        cut = cut & (whose[y0:y1, x0:x1] == place)
    return cut


def piece_row(
    row: dict[str, Any],
    image: str,
    piece: Piece,
    outcome: Outcome,
    shape: tuple[int, ...],
    apart: bool,
) -> dict[str, Any]:
    """Return the cells of the new table that differ from the old row, or are new.

    Parameters
    ----------
    row
        The old row.
    image
        The new picture, as the new table names it.
    piece, outcome
        What was made of the photograph, and this piece of it.
    shape
        (height, width) of the photograph.
    apart
        Whether specimens are cut apart: each row then has an ``individual``.

    Notes
    -----
    ``photograph`` names the original as the old table did, and ``window_*`` the part of it that
    is shown. A new column whose name the old table uses already gets ``_2`` at its end. ``width``
    and ``height`` follow where they were those of the photograph; other columns are carried as
    they stand. Several specimens of one photograph differ in ``individual`` and share
    ``specimen_id``, so that no split tears them apart: they share the light and the ground.
    """
    made: dict[str, Any] = {"image": image}
    height, width = piece.pixels.shape[:2]
    if row.get("width") == shape[1] and row.get("height") == shape[0]:
        made |= {"width": width, "height": height}
    if apart:
        stem = PurePosixPath(row["image"]).stem
        name = _first_text(row, ("individual", "specimen_id"), stem)
        made["individual"] = f"{name}-{piece.letter}" if piece.letter else name
        made["specimen_id"] = _first_text(row, ("specimen_id",), row["image"])
    new: dict[str, Any] = {"photograph": row["image"]}
    new |= dict(zip(("window_left", "window_top", "window_right", "window_bottom"),
                    piece.window, strict=True))  # fmt: skip
    if piece.mask is not None:
        new["mask_source"] = "guessed" if outcome.guessed else "table"
    if outcome.colours is not None:
        colours = outcome.colours
        new |= {
            "colour_card": colours.outcome,
            "patches": colours.patches,
            "delta_e_before": _rounded(colours.before),
            "delta_e_after": _rounded(colours.after),
            "delta_e_left_out": _rounded(colours.left_out),
        }
    new["remark"] = piece.remark or None
    return made | {_free(name, row): cell for name, cell in new.items()}


def _first_text(row: dict[str, Any], columns: tuple[str, ...], otherwise: str) -> str:
    """Return the first of these cells that holds something, as text."""
    for column in columns:
        cell = row.get(column)
        if cell is not None and not pd.isna(cell):
            return str(cell)
    return otherwise


def _free(name: str, row: dict[str, Any]) -> str:
    """Return a column's name, with a number where the old table has one of that name."""
    chosen, number = name, 2
    while chosen in row:
        chosen, number = f"{name}_{number}", number + 1
    return chosen


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def _plain(cell: Any) -> Any:
    """Return a cell as JSON can hold it."""
    value = cell.item() if isinstance(cell, np.generic) else cell
    return None if value is None or value != value else value
