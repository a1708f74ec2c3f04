"""Class names from a file, for weights that do not carry them."""

from __future__ import annotations

import json
from pathlib import Path

from intr_discover.data.tables import TABLE_SUFFIXES, read_table
from intr_discover.errors import UserError, shorten


def read_class_names(path: str | Path) -> list[str]:
    """Read class names in the order of class ids.

    Parameters
    ----------
    path
        A text file with one name a line; a JSON list; or a table with a column ``label`` and, where
        there is one, a column ``id`` that gives the order.

    Raises
    ------
    UserError
        If the file cannot be read, holds no name, or a name twice.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"there is no file of class names {path}")
    try:
        if path.suffix.lower() in TABLE_SUFFIXES:
            table = read_table(path)
            if "label" not in table:
                raise UserError(f"{path} has no column 'label' with the class names")
            if "id" in table:
                table = table.assign(id=table["id"].astype(int)).sort_values("id")
            names = table["label"].astype(str).tolist()
        elif path.suffix.lower() == ".json":
            names = json.loads(path.read_text(encoding="utf-8"))
        else:
            names = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read class names from {path}: {error}") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UserError(f"{path} must hold a list of class names")
    names = [name.strip() for name in names if name.strip()]
    twice = sorted({name for name in names if names.count(name) > 1})
    if not names or twice:
        problem = f"names {shorten(twice)} twice" if twice else "holds no class name"
        raise UserError(f"{path} {problem}; give one name for each class, in the model's order")
    return names
