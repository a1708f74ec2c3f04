"""NEXUS text: read back by commonnexus, whatever the names, and line by line as ape does."""

from __future__ import annotations

import re

import pytest
from commonnexus import Nexus
from hypothesis import given
from hypothesis import strategies as st

from intr_discover.report.characters import CharacterMatrix
from intr_discover.report.nexus import (
    nexus_text,
    nexus_word,
    nexus_words,
    taxon_words,
    unquoted,
    unreadable_in_ape,
)

HOSTILE = [
    "O'Neill's \"skipper\" [A]",
    "x (L.) = y; z, w / v: {1} <2> *",
    "Ωmega – 蝶 🦋",
    "erato_emma-2",
    "tab\tand\nline",
    "''",
    "[",
    "?",
    "28",
]


def matrix_of(species, attributes, rows, provisional=False):
    states = {
        (label, attribute): state
        for label, row in zip(species, rows, strict=True)
        for attribute, state in zip(attributes, row, strict=True)
    }
    return CharacterMatrix(
        tuple(species), tuple(attributes), states, dict.fromkeys(states, ""), provisional, (), 0
    )


def read_back(text):
    """Return rows by species and the names of attributes, as another program reads them."""
    found = Nexus(text).characters.get_matrix()
    rows = {
        meaning(species): "".join("?" if state is None else state for state in states.values())
        for species, states in found.items()
    }
    return rows, [meaning(name) for name in next(iter(found.values()))]


def meaning(name):
    """Return a name as a reader shows it: a NEXUS underscore is a blank."""
    printable = "".join(each if each.isprintable() else " " for each in name)
    return " ".join(printable.replace("_", " ").split())


def test_the_file_word_by_word():
    made = matrix_of(["Ember similis", "O'Neill [1]"], ["red spots", "head_2"], ["1?", "01"])
    text = nexus_text(made, ["What it is [really]."])
    assert text.splitlines()[2:] == [
        "[What it is (really).]",
        "",
        "BEGIN DATA;",
        "  DIMENSIONS NTAX=2 NCHAR=2;",
        '  FORMAT DATATYPE=STANDARD MISSING=? GAP=- SYMBOLS="01";',
        "  CHARSTATELABELS",
        "    1 red_spots / tested_without_effect found_and_needed,",
        "    2 head_2 / tested_without_effect found_and_needed;",
        "  MATRIX",
        "    Ember_similis   1?",
        "    'O''Neill [1]'  01",
        "  ;",
        "END;",
    ]


def test_hostile_names_come_back():
    attributes = [f"{name} spot" for name in HOSTILE]
    rows = ["01?" * 3] * len(HOSTILE)
    found, names = read_back(nexus_text(matrix_of(HOSTILE, attributes, rows), HOSTILE))
    assert list(found) == [meaning(each) for each in HOSTILE[:-1]] + ["species 28"]
    assert names == [meaning(each) for each in attributes]
    assert set(found.values()) == {"01?" * 3}


# Surrogates cannot be written as UTF-8.
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
LISTS = st.lists(NAMES, min_size=1, max_size=5, unique_by=lambda name: meaning(name).casefold())


@given(LISTS, LISTS, st.data())
def test_a_round_trip_whatever_the_names(species, attributes, data):
    row = st.text("01?", min_size=len(attributes), max_size=len(attributes))
    rows = [data.draw(row) for _ in species]
    found, names = read_back(nexus_text(matrix_of(species, attributes, rows), [*species]))
    assert list(found.values()) == rows
    expected = [meaning(unquoted(word)) for word in taxon_words(species)]
    assert list(found) == expected
    for label, shown in zip(species, expected, strict=True):
        plain = meaning(label)
        assert shown in (plain, f"species {plain}", "unnamed") or shown.startswith(f"{plain} ")
    assert len(names) == len(attributes)


@given(st.lists(NAMES, max_size=8))
def test_no_two_words_are_one_to_nexus(names):
    words = nexus_words(names, "species")
    assert len({meaning(unquoted(word)).casefold() for word in words}) == len(names)
    assert not any(unquoted(word).isdigit() for word in words)


def test_what_nexus_takes_for_one_name_gets_numbers():
    assert nexus_words(["Ember vera", "ember_vera", "Ember  VERA"], "species") == [
        "Ember_vera",
        "ember_vera_2",
        "Ember_VERA_3",
    ]
    text = nexus_text(matrix_of(["a b", "A_b"], ["x"], ["0", "1"]))
    assert "[A_b_2 is the species A_b]" in text


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("Heliconius erato", "Heliconius_erato"),
        ("H. erato", "H._erato"),
        ("erato_emma", "erato_emma"),
        ("a-b", "'a-b'"),
        ("it's", "'it''s'"),
        ("", "''"),
    ],
)
def test_words(name, word):
    assert nexus_word(name) == word


def test_ordinary_names_are_read_line_by_line():
    """What ape::read.nexus.data asks for: two words a row, and each keyword on the first line."""
    made = matrix_of(["Ember similis", "erato_emma"], ["red spots", "tail"], ["1?", "01"])
    assert unreadable_in_ape(made) == []
    # It drops all from a bracket to the end of the line.
    text = nexus_text(made, ["This matrix has ntax=9 rows."])
    lines = [line.partition("[")[0].strip() for line in text.splitlines()]
    lines = [line for line in lines if line]
    (first,) = [at for at, line in enumerate(lines) if re.search(r"\bmatrix\b", line, re.I)]
    assert lines[first] == "MATRIX"
    assert [line.split() for line in lines[first + 1 : first + 3]] == [
        ["Ember_similis", "1?"],
        ["erato_emma", "01"],
    ]
    assert lines[first + 3] == ";"
    assert re.search(r".+?ntax\s*=\s*(\d+).+", lines[2], re.I)[1] == "2"
    assert re.search(r".+?nchar\s*=\s*(\d+).+", lines[2], re.I)[1] == "2"


def test_names_that_ape_cannot_read_are_told():
    made = matrix_of(["a b", "it's", "the end"], ["the matrix", "tail"], ["01"] * 3)
    assert unreadable_in_ape(made) == ["it's", "the matrix"]
    assert unreadable_in_ape(matrix_of(["end"], ["x"], ["1"])) == ["end"]
