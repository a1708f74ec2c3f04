"""Class names from text, JSON and tables."""

import pytest

from intr_discover.data.class_names import read_class_names
from intr_discover.errors import UserError


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("names.txt", "H. erato\n\n  H. melpomene \nH. sara\n"),
        ("names.txt", "\ufeffH. erato\r\nH. melpomene\r\nH. sara"),
        ("names.json", '["H. erato", "H. melpomene", "H. sara"]'),
        ("names.csv", "label\nH. erato\nH. melpomene\nH. sara\n"),
        ("names.csv", "id,label\n2,H. sara\n10,H. zz\n0,H. erato\n1,H. melpomene\n"),
    ],
)
def test_forms(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    assert read_class_names(path)[:3] == ["H. erato", "H. melpomene", "H. sara"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("names.txt", ""),
        ("names.txt", "a\nb\na\n"),
        ("names.json", "{}"),
        ("names.json", '["a", 3]'),
        ("names.json", "[1,"),
        ("names.csv", "species\na\n"),
        ("names.csv", "id,label\nfirst,a\n"),
    ],
)
def test_mistakes_name_the_file(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(UserError, match=name):
        read_class_names(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"absent\.txt"):
        read_class_names(tmp_path / "absent.txt")
