"""Numbers of the documentation are those of the results, and stand next to their command."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path

import pandas as pd
import pytest

from tests.docs.blocks import ROOT, pages
from tests.docs.quoted_numbers import quotes

HERE = Path(__file__).parent
RESULTS = ROOT / "benchmarks" / "results"
PAGES = pages()
_PLACE = re.compile(r"\{([^{}|]+)\|([^{}]+)\}")
_STEP = re.compile(r"\[([^\]]+)\]|([^.\[\]]+)")
_COMMAND = re.compile(r"`[^`]*(python -m|python scripts/|intr-discover|make) ?[^`]*`|^ *```", re.M)


@functools.cache
def result(file):
    folder = HERE if file.startswith("demo_heads") else RESULTS
    if file.endswith(".csv"):
        return {"rows": pd.read_csv(folder / file).to_dict("records")}
    return json.loads((folder / file).read_text(encoding="utf-8"))


def value_at(content, place):
    """Return what stands at a place such as ``settings[0].methods[method=rise].n``."""
    for inside, name in _STEP.findall(place):
        if name:
            content = content[name]
        elif inside.isdigit():
            content = content[int(inside)]
        elif "=" in inside:
            wanted = [each.partition("=")[::2] for each in inside.split(",")]
            (content,) = [row for row in content if all(str(row[key]) == of for key, of in wanted)]
        else:
            content = content[inside]
    return content


def written(value, form):
    """Return a number as a page writes it."""
    if form == "words":
        return value.replace("_", " ")
    if form == "of15":
        return f"{round(15 * value)}"
    if form == "n":
        assert value == int(value)
        return f"{int(value):,}"
    plus, form = ("+", form[1:]) if form.startswith("+") else ("", form)
    kind, decimals, trimmed = form[0], int(form[1]), form.endswith("t")
    number = 100 * value if kind == "p" else value
    text = f"{number:{plus}.{decimals}f}"
    if trimmed:
        text = text.removesuffix("." + "0" * decimals)
    return text.replace("-", "−")


def filled(quote):
    content = result(quote.file)
    return _PLACE.sub(lambda match: written(value_at(content, match[1]), match[2]), quote.words)


def one_line(text):
    return " ".join(text.split())


@pytest.mark.parametrize(
    "quote", quotes(), ids=lambda quote: f"{quote.page}: {one_line(quote.words)[:50]}"
)
def test_a_page_quotes_the_result(quote):
    words = one_line(filled(quote))
    assert words in one_line(PAGES[quote.page]), (
        f"{quote.page} does not say what benchmarks/results/{quote.file} says: {words}"
    )


def test_of_every_kept_result_a_page_names_the_command():
    """Results that no sentence repeats need no quote; but nobody should wonder whence they are."""
    quoted = {quote.file for quote in quotes()}
    text = " ".join(PAGES.values())
    for file in sorted({path.name for path in RESULTS.glob("*.json")} - quoted):
        script = re.match(r"python -m [\w.]+", result(file)["command"])
        assert script and script[0] in text, f"no page names the command of results/{file}"


def sections(text):
    """Return the sections of a page with their heading, each with what lies below it."""
    parts = re.split(r"^(#+ .*)$", text, flags=re.M)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def results_in(section):
    """Return the rows of tables that give results: numbers with an interval, or in per cent."""
    rows = [line for line in section.splitlines() if line.lstrip().startswith("|")]
    return [row for row in rows if re.search(r"\d \(−?\d[^)]* to |\| *−?[\d.]+ %", row)]


@pytest.mark.parametrize("page", PAGES)
def test_a_table_of_results_stands_in_a_section_with_its_command(page):
    for heading, section in sections(PAGES[page]):
        found = results_in(section)
        assert not found or _COMMAND.search(section), (
            f"{page}, {heading}: no command says where this comes from: {found[0][:80]}"
        )


# The functions above, by hand.


def test_places_and_forms_by_hand():
    content = {"a": [{"m": "x", "n": 0.1234}, {"m": "y", "n": -1.5}], "b/c": {"d e": 3758}}
    assert value_at(content, "a[m=y].n") == -1.5
    assert value_at(content, "a[0].n") == 0.1234
    assert value_at({"models": content}, "models[b/c].d e") == 3758
    assert written(0.1234, "p1") == "12.3"
    assert written(1.0, "p1t") == "100" and written(0.982, "p1t") == "98.2"
    assert written(-1.5, "f2") == "−1.50" and written(0.064, "+p1") == "+6.4"
    assert written(3758, "n") == "3,758"


def test_a_table_without_a_command_would_be_found():
    assert results_in("| top-1 | 96.4 % |\n| a | b |") == ["| top-1 | 96.4 % |"]
    assert results_in("| x | 0.16 (0.14 to 0.18) |") and not results_in("| `--epochs 60` | more |")
    assert sections("# A\nx\n## B\ny\n") == [("# A", "\nx\n"), ("## B", "\ny\n")]
