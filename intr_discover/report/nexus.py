"""A character matrix as NEXUS text, the format of Mesquite, PAUP*, MrBayes and ape.

Source: Maddison, Swofford and Maddison 1997, *NEXUS: an extensible file format for systematic
information*, Systematic Biology 46: 590-621.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import intr_discover
from intr_discover.report.characters import NO_EFFECT, UNKNOWN, USED, CharacterMatrix

STATES = {NO_EFFECT: "tested without effect", USED: "found and needed"}

_NO_WORD_IN_APE = re.compile(r"\b(?:end|matrix)\b", re.IGNORECASE)


def nexus_text(matrix: CharacterMatrix, comments: Iterable[str] = ()) -> str:
    """Return the matrix as a NEXUS file with one DATA block.

    DATA rather than TAXA and CHARACTERS: MrBayes reads nothing else, and the others read it too.
    Comments stand one to a line, names of species without a blank where they allow it, and the
    word MATRIX alone on its line, because ``ape::read.nexus.data`` goes line by line.

    Parameters
    ----------
    matrix
        What is written.
    comments
        Sentences for the head of the file.
    """
    taxa = taxon_words(matrix.species)
    characters = nexus_words(matrix.attributes, "character")
    states = " ".join(nexus_word(words) for words in STATES.values())
    labels = [f"    {n} {word} / {states}" for n, word in enumerate(characters, 1)]
    width = max(map(len, taxa))
    rows = [
        f"    {word:{width}}  {matrix.row(species)}"
        for word, species in zip(taxa, matrix.species, strict=True)
    ]
    renamed = [
        f"{word} is the species {species}"
        for word, species in zip(taxa, matrix.species, strict=True)
        if _meaning(word) != " ".join(species.replace("_", " ").split())
    ]
    made = f"Made by intr-discover {intr_discover.__version__}"
    lines = [
        "#NEXUS",
        *(f"[{_in_comment(each)}]" for each in (made, *comments, *renamed)),
        "",
        "BEGIN DATA;",
        f"  DIMENSIONS NTAX={len(taxa)} NCHAR={len(characters)};",
        f'  FORMAT DATATYPE=STANDARD MISSING={UNKNOWN} GAP=- SYMBOLS="{NO_EFFECT}{USED}";',
        "  CHARSTATELABELS",
        ",\n".join(labels) + ";",
        "  MATRIX",
        *rows,
        "  ;",
        "END;",
    ]
    return "\n".join(lines) + "\n"


def taxon_words(species: Sequence[str]) -> list[str]:
    """Return names of species as they stand in the file."""
    return nexus_words(species, "species")


def nexus_words(names: Sequence[str], kind: str) -> list[str]:
    """Return names as NEXUS writes them, no two the same.

    Parameters
    ----------
    names
        In order. Two that NEXUS takes for one, which knows no upper and lower case and takes an
        underscore for a blank, get numbers: ``Ember_vera``, ``Ember_vera_2``.
    kind
        Put before a name that is a number, which NEXUS does not allow: ``species_28``.
    """
    words: list[str] = []
    taken: set[str] = set()
    for name in names:
        text = _printable(name) or "unnamed"
        if text.isdigit():
            text = f"{kind} {text}"
        unique, count = text, 1
        while _meaning(nexus_word(unique)).casefold() in taken:
            count += 1
            unique = f"{text} {count}"
        words.append(nexus_word(unique))
        taken.add(_meaning(words[-1]).casefold())
    return words


def nexus_word(name: str) -> str:
    """Return a name as one NEXUS word: blanks as underscores, or in quotes where it needs them.

    Examples
    --------
    >>> nexus_word("Ember similis"), nexus_word("O'Neill's [A]")
    ('Ember_similis', "'O''Neill''s [A]'")
    """
    text = _printable(name)
    if text and all(each.isalnum() or each in "_. " for each in text):
        return text.replace(" ", "_")
    return "'" + text.replace("'", "''") + "'"


def unreadable_in_ape(matrix: CharacterMatrix) -> list[str]:
    """Return the names for which ``ape::read.nexus.data`` fails; it knows no quotes.

    Nor does it know where a comment or a row ends: the words *matrix* and *end* stop it.
    """
    taxa = [
        species
        for species, word in zip(matrix.species, taxon_words(matrix.species), strict=True)
        if word.startswith("'") or _NO_WORD_IN_APE.search(word)
    ]
    return taxa + [each for each in matrix.attributes if re.search(r"\bmatrix\b", each, re.I)]


def unquoted(word: str) -> str:
    """Return a word without its quotes; underscores stay, as in the tips of a tree in R."""
    return word[1:-1].replace("''", "'") if word.startswith("'") else word


def _meaning(word: str) -> str:
    """Return what two words have in common that NEXUS takes for one, but for the case."""
    return unquoted(word).replace("_", " ")


def _printable(name: str) -> str:
    """Return a name on one line, without characters that cannot be seen."""
    return " ".join("".join(each if each.isprintable() else " " for each in name).split())


def _in_comment(text: str) -> str:
    """Return text that does not end the comment it stands in."""
    return _printable(text).replace("[", "(").replace("]", ")")
