"""Boxes from the small XML files of Stanford Dogs and Oxford Pets, and lists from MATLAB files."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import scipy.io
from scipy.io.matlab import MatReadError

from intr_discover.errors import UserError

#: The published files have up to 4 kB (boxes) and 1 MB (lists).
MOST_XML_BYTES = 1_000_000
MOST_MAT_BYTES = 50_000_000


def read_boxes(path: Path) -> list[tuple[float, float, float, float]]:
    """Return the boxes ``(x0, y0, x1, y1)`` of a file in the form of Pascal VOC.

    Raises
    ------
    UserError
        The file is too large, is no XML, declares entities (a few of them can fill the memory; the
        published files have none), or has no complete box.
    """
    if path.stat().st_size > MOST_XML_BYTES:
        raise UserError(f"{path} is too large to be a list of boxes")
    try:
        # Decoded before it is looked at, so that no other encoding hides a declaration.
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is no text in UTF-8: fetch it again") from error
    if "<!" in text.replace("<!--", ""):
        raise UserError(f"{path} declares a document type or entities: it is not read")
    try:
        root = ElementTree.fromstring(text)
        return [
            (_side(box, "xmin"), _side(box, "ymin"), _side(box, "xmax"), _side(box, "ymax"))
            for box in root.iter("bndbox")
        ]
    except (ElementTree.ParseError, ValueError) as error:
        raise UserError(f"{path} is no complete list of boxes: {error}") from error


def _side(box: ElementTree.Element, name: str) -> float:
    text = box.findtext(name)
    if text is None:
        raise ValueError(f"{name} is missing")
    value = float(text)
    if not np.isfinite(value):
        raise ValueError(f"{name} is {text}")
    return value


def read_mat(path: Path, *names: str) -> list[Any]:
    """Return the named variables of a MATLAB file (version 5), as arrays with one axis.

    Nothing in such a file is executed: it holds arrays, and functions in it are not called.

    Raises
    ------
    UserError
        The file is too large, is of another kind, damaged, or lacks a variable.
    """
    if path.stat().st_size > MOST_MAT_BYTES:
        raise UserError(f"{path} is too large to be the published list")
    try:
        content = scipy.io.loadmat(path, squeeze_me=True, variable_names=list(names))
    except (MatReadError, ValueError, TypeError, NotImplementedError, zlib.error, OSError) as error:
        raise UserError(f"{path} is no MATLAB file that can be read: {error}") from error
    absent = [name for name in names if name not in content]
    if absent:
        raise UserError(f"{path} has no {', '.join(absent)}: it is not the published list")
    return [np.atleast_1d(content[name]) for name in names]
