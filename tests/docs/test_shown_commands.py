"""Every command that the documentation shows is one: it exists, and so do its options and choices.

Nothing is run here; ``test_shown_code.py`` does that.
"""

from __future__ import annotations

import argparse
import re
import runpy
import sys
import tomllib

import pytest
import typer

from intr_discover.cli import app
from tests.docs.blocks import ROOT, SHELL, blocks_of, commands_of, mentioned_commands, pages

PAGES = pages()
# Commands of other programs, whose words are not ours to check.
FOREIGN = {"conda", "git", "jupyter", "source"}
# Commands that start ours, several times over.
LAUNCHERS = {"accelerate", "srun", "torchrun"}
# Words that stand for one of several, and the study that a page teaches to write
# (test_docs_pages.py writes and runs it).
STANDS_FOR = {"benchmarks.NAME": "benchmarks.discovery", "NAME": "heads", "centring": "heads"}
# What a command may lack where a sentence only mentions it.
LEFT_OUT = ("MissingParameter", "BadOptionUsage")


def shown() -> list[tuple[str, list[str], bool]]:
    """Return place, words, and whether the command is whole (in a block) or only mentioned.

    The same words are there once, however many pages show them.
    """
    found = {}
    for page, text in PAGES.items():
        for block in blocks_of(page, text):
            if block.language in SHELL:
                for words in commands_of(block):
                    found.setdefault((tuple(words), True), str(block))
        for words in mentioned_commands(text):
            found.setdefault((tuple(words), False), page)
    return [(place, list(words), whole) for (words, whole), place in found.items()]


def label(value):
    return " ".join(value)[:60] if isinstance(value, list) else str(value)


@pytest.mark.parametrize(("place", "words", "whole"), shown(), ids=label)
def test_a_command_of_the_documentation_exists(place, words, whole, monkeypatch):
    check(words, whole, monkeypatch)


def check(words, whole, monkeypatch):
    words = [STANDS_FOR.get(word, word) for word in words]
    while re.fullmatch(r"[A-Z_]+=\S*", words[0]):
        words = words[1:]
    program, *rest = words
    if program == "intr-discover":
        check_ours(rest, whole)
    elif program.endswith("python") and rest[0] == "-m":
        if rest[1] == "intr_discover":
            check_ours(rest[2:], whole)
        else:
            check_module(rest[1], rest[2:], whole, monkeypatch)
    elif program.endswith("python"):
        assert (ROOT / rest[0]).is_file(), f"there is no script {rest[0]}"
    elif program == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        targets = re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)
        scripts = (ROOT / "scripts" / "setup.sh").read_text(encoding="utf-8")
        for word in rest:
            name, sets_variable, _ = word.partition("=")
            known = name in targets
            if sets_variable:
                known = f"${{{name}:" in scripts or f"$({name})" in makefile
            assert known, f"the Makefile knows no {word}"
    elif program in LAUNCHERS:
        check_ours(rest[rest.index("intr_discover") + 1 :], whole)
    elif program == "pip":
        check_extras(rest)
    elif program.startswith("."):
        assert (ROOT / program).is_file()
    else:
        assert program in FOREIGN, f"'{program}' is no command of this project"


def check_ours(words, whole):
    """Parse the words of ``intr-discover`` down to its innermost command, and call nothing."""
    complete = whole and "…" not in words
    words = [word for word in words if word not in ("…", "--help")]
    command, name, context = typer.main.get_command(app), "intr-discover", None
    while hasattr(command, "list_commands"):
        if not words:
            return  # such as `intr-discover figure`, which lists what there is
        context = command.make_context(name, list(words), parent=context)
        name, *words = words
        command = command.get_command(context, name)
        assert command is not None, f"there is no command {name}"
    try:
        command.make_context(name, list(words), parent=context)
    except Exception as error:
        if complete or type(error).__name__ not in LEFT_OUT:
            raise AssertionError(f"{words}: {error}") from error


class Parsed(BaseException):
    """Raised once a script has read its words."""


def check_module(module, words, whole, monkeypatch):
    """Let a script of ours read its words with its own parser, and stop there."""
    real = argparse.ArgumentParser.parse_args

    def parse_args(self, given=None, namespace=None):
        real(self, given, namespace)
        raise Parsed

    words = [word for word in words if word not in ("…", "--help")]
    if not whole and not words:
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file()
        return
    if words == [] and module.startswith("data_prep"):
        return
    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_args)
    monkeypatch.setattr(sys, "argv", [module, *words])
    with pytest.raises(Parsed):
        runpy.run_module(module, run_name="__main__")


def check_extras(words):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = re.findall(r"\[([^\]]+)\]", " ".join(words))
    extras = {extra for each in named for extra in each.split(",")}
    assert extras <= set(project["optional-dependencies"])
    if "--constraint" in words:
        assert (ROOT / words[words.index("--constraint") + 1]).is_file()


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("intr-discover trian photographs --out x", "trian"),
        ("intr-discover train photographs", "out"),
        ("intr-discover train photographs --out x --preset big", "big"),
        ("intr-discover study heads a b --out x --heds 1", "heds"),
        ("intr-discover study head a b --out x", "head"),
        ("make nothing", "nothing"),
        ("rm -rf x", "rm"),
        ("pip install .[nothing]", "nothing"),
    ],
)
def test_a_mistake_in_the_documentation_would_be_found(line, fault, monkeypatch):
    with pytest.raises(Exception, match=fault):
        check(line.split(), True, monkeypatch)


def test_a_mistake_in_the_words_of_a_script_would_be_found(monkeypatch, capsys):
    with pytest.raises(SystemExit):
        check(["python", "-m", "benchmarks.traits", "--nothing"], True, monkeypatch)
    with pytest.raises(SystemExit):
        check(["python", "-m", "data_prep.download", "nothing", "--to", "x"], True, monkeypatch)
