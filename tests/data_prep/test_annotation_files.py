"""Boxes from XML and lists from MATLAB files: read with care, nothing executed."""

from __future__ import annotations

import numpy as np
import pytest

from data_prep import annotation_files
from data_prep.annotation_files import read_boxes, read_mat
from intr_discover.errors import UserError
from tests.data_prep.published_archives import mat

BOX = "<bndbox><xmin>1</xmin><ymin>2.5</ymin><xmax>30</xmax><ymax>40</ymax></bndbox>"
BOMB = """<?xml version="1.0"?>
<!DOCTYPE annotation [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<annotation>&b;</annotation>"""


def test_boxes_are_read_in_order(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(
        f"<annotation><!-- two --><o>{BOX}</o><o>{BOX.replace('30', '31')}</o></annotation>"
    )
    assert read_boxes(path) == [(1, 2.5, 30, 40), (1, 2.5, 31, 40)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOMB, "declares a document type"),
        (BOMB.replace("DOCTYPE", "doctype"), "declares a document type"),
        ('<!-- a --><!ENTITY % a SYSTEM "file:///etc/passwd">', "declares a document type"),
        ("<annotation>", "no complete list of boxes"),
        ("", "no complete list of boxes"),
        (f"<a>{BOX.replace('ymax', 'top')}</a>", "ymax is missing"),
        (f"<a>{BOX.replace('30', 'wide')}</a>", "no complete list of boxes"),
        (f"<a>{BOX.replace('30', 'nan')}</a>", "xmax is nan"),
    ],
)
def test_boxes_that_are_wrong_or_dangerous_are_refused(tmp_path, text, words):
    (tmp_path / "a.xml").write_text(text)
    with pytest.raises(UserError, match=words):
        read_boxes(tmp_path / "a.xml")


def test_no_other_encoding_hides_a_declaration(tmp_path):
    (tmp_path / "a.xml").write_bytes(BOMB.encode("utf-16"))
    with pytest.raises(UserError, match="no text in UTF-8"):
        read_boxes(tmp_path / "a.xml")
    (tmp_path / "b.xml").write_bytes(BOMB.encode("utf-7").replace(b"<?xml", b"<?xml"))
    with pytest.raises(UserError):
        read_boxes(tmp_path / "b.xml")


def test_boxes_of_a_gigantic_file_are_not_read(tmp_path):
    (tmp_path / "a.xml").write_text("<a>" + " " * annotation_files.MOST_XML_BYTES + "</a>")
    with pytest.raises(UserError, match="too large"):
        read_boxes(tmp_path / "a.xml")


def test_variables_of_a_matlab_file_have_one_axis(tmp_path):
    names = np.array([["a b"], ["ü"]], dtype=object)
    (tmp_path / "a.mat").write_bytes(mat(names=names, one=np.array([["alone"]], dtype=object)))
    found, one = read_mat(tmp_path / "a.mat", "names", "one")
    assert [str(name) for name in found] == ["a b", "ü"]
    assert [str(name) for name in one] == ["alone"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no MATLAB file"),
        (b"<html>Please log in</html>" * 20, "no MATLAB file"),
        (mat(names=np.arange(1000))[:-20], "no MATLAB file"),
        (mat(other=np.arange(3)), "has no names"),
        # Version 7.3 is HDF5 behind a header of 512 bytes.
        (
            b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(384) + b"\x89HDF",
            "no MATLAB file",
        ),
    ],
)
def test_a_matlab_file_that_is_wrong_is_refused(tmp_path, content, words):
    (tmp_path / "a.mat").write_bytes(content)
    with pytest.raises(UserError, match=words):
        read_mat(tmp_path / "a.mat", "names")


def test_a_pickle_in_a_matlab_file_is_not_opened(tmp_path):
    """Arrays of objects are cells there: nothing that Python would run can be in them."""
    pickle = b"cbuiltins\nprint\n(S'executed'\ntR."
    (tmp_path / "a.mat").write_bytes(mat(names=np.frombuffer(pickle, np.uint8)))
    (found,) = read_mat(tmp_path / "a.mat", "names")
    assert bytes(found) == pickle
    (tmp_path / "b.mat").write_bytes(pickle * 20)
    with pytest.raises(UserError, match="no MATLAB file"):
        read_mat(tmp_path / "b.mat", "names")


def test_a_gigantic_matlab_file_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(annotation_files, "MOST_MAT_BYTES", 100)
    (tmp_path / "a.mat").write_bytes(mat(names=np.arange(1000)))
    with pytest.raises(UserError, match="too large"):
        read_mat(tmp_path / "a.mat", "names")
