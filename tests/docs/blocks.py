"""What the documentation shows as code: fenced blocks and commands, with where they stand."""

from __future__ import annotations

import json
import re
import shlex
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SHELL = ("bash", "console", "sh")
CODE = (*SHELL, "python", "yaml", "r", "csv")

_BLOCK = re.compile(r"^ *```(?P<language>\w+)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
_MARKER = re.compile(r"<!-- not run: (?P<reason>[^>]+) -->\s*\Z")
_SPAN = re.compile(r"`([^`\n]+)`")
_ANY_BLOCK = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"(\w+=\S+ )?(intr-discover|make|\S*python) ")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes
    ----------
    page
        Path from the root of the repository.
    line
        Where it begins.
    language, text
        What stands behind the fence, and inside.
    reason
        Why it is not run, where a comment ``<!-- not run: … -->`` before it says so.
    """

    page: str
    line: int
    language: str
    text: str
    reason: str | None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def pages() -> dict[str, str]:
    """Return the text of every page for people, and the words of the notebooks."""
    files = [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *sorted(ROOT.glob("docs/*.md")),
        ROOT / "benchmarks" / "README.md",
        ROOT / "data_prep" / "README.md",
    ]
    found = {name_of(file): file.read_text(encoding="utf-8") for file in files}
    for file in sorted(ROOT.glob("notebooks/*.ipynb")):
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        words = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
        found[name_of(file)] = "\n\n".join(words) + "\n"
    return found


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def blocks_of(page: str, text: str) -> list[Block]:
    """Return the blocks of code of a page, in order; drawings of folders have no language."""
    found = []
    for match in _BLOCK.finditer(text):
        if match["language"] not in CODE:
            continue
        marker = _MARKER.search(text[: match.start()])
        found.append(
            Block(
                page,
                text[: match.start()].count("\n") + 1,
                match["language"],
                textwrap.dedent(match["text"]),
                marker and marker["reason"].strip(),
            )
        )
    return found


def commands_of(block: Block) -> list[list[str]]:
    """Return the commands of a block of shell, word by word; globs are left as they are."""
    joined = block.text.replace("\\\n", " ")
    lines = [shlex.split(line.removeprefix("$ "), comments=True) for line in joined.splitlines()]
    return [words for words in lines if words]


def mentioned_commands(text: str) -> list[list[str]]:
    """Return the commands that stand between backticks in a page's sentences and tables."""
    spans = _SPAN.findall(_ANY_BLOCK.sub("", text))
    return [shlex.split(span) for span in spans if _COMMAND.match(span)]
