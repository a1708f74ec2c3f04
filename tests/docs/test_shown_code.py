"""The documentation's code is run: each page from top to bottom, in a folder of its own.

Code is run as it stands. What is put in place of a word, and what is left out, is listed here with
the reason; a block that is never run says why in a comment before it.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from intr_discover.annotations import open_database
from intr_discover.cli import main
from tests.docs.blocks import ROOT, SHELL, blocks_of, commands_of, pages
from tests.docs.workplace import furnish

BLOCKS = {page: blocks_of(page, text) for page, text in pages().items()}
PAGES = [page for page, blocks in BLOCKS.items() if any(not block.reason for block in blocks)]

# Each takes seconds, and many times longer on a busy machine.
pytestmark = pytest.mark.timeout(600)

# Fewer of the same, so that it takes seconds.
IN_PLACE_OF = {
    ("docs/rings.md", "range(20)"): "range(1)",
    ("benchmarks/README.md", "range(50)"): "range(1)",
    ("docs/adding-a-study.md", "study centring"): "study measurements",
    ("docs/phylogenetics.md", "characters heads"): "characters heads_of_the_demo",
}

# Options that make a study short.
SHORT = {"manipulation": ["--controls", "2", "--no-guided"]}

# Commands that are not run here, by their first words, and what runs them instead.
LEFT_OUT = {
    "make": "sets up or tests the repository itself; .ci/run calls it",
    ".ci/run": "runs this test",
    "python -m data_prep": "needs data sets from the network; tests/data_prep runs every script",
    ".venv/bin/python -m benchmarks": "its words are parsed by test_shown_commands.py",
    "python -m benchmarks": "minutes, or data that may not be redistributed; tests/benchmarks",
    "source": "the environment is active",
    "pip": "the package is installed; needs a network",
    "conda": "needs conda and a network",
    "jupyter": "does not end; tests/notebooks opens JupyterLab",
    "accelerate": "needs several processes; tests/training",
    "torchrun": "needs several processes; tests/training",
    "srun": "needs a cluster",
    "intr-discover app": "does not end; tests/apps and tests/browser",
    "intr-discover train": "the trained run is there already; tests/test_cli.py trains",
    "intr-discover models fetch": "needs a network; tests/test_models_command.py has its own hub",
    "intr-discover import": "needs official weights; tests/explain/test_importing.py",
    "intr-discover discover": "minutes; tests/test_report.py and tests/test_discover_folds.py",
    "intr-discover shard photographs --out shards-512": "ours have masks, which it would not fit",
    "intr-discover rings": "1600 drawings; tests/test_rings_command.py",
    "intr-discover study neighbours": "hours; tests/neighbours/test_neighbour_comparison.py",
    "intr-discover study heads neighbours/trained/protopnet": "trained by the command above",
    "intr-discover study faithfulness": "minutes; tests/studies/test_faithfulness.py",
    "intr-discover study heads demo demo --out heads": "minutes; its table is in demo_heads",
    "intr-discover study shortcuts runs/bad": "a training of its own; tests/studies/test_shortcuts",
    "intr-discover study shortcuts --no-model bad": "drawn by a command left out",
}


@pytest.fixture(scope="module")
def furnished(tmp_path_factory):
    return furnish(tmp_path_factory.mktemp("furnished"))


@pytest.fixture
def workplace(furnished, tmp_path, monkeypatch):
    """Return a copy of the furnished folder, which is the current one from here on."""
    folder = tmp_path / "workplace"
    shutil.copytree(furnished, folder)
    monkeypatch.chdir(folder)
    yield folder
    plt.close("all")


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page_runs_from_top_to_bottom(page, workplace, monkeypatch, request):
    texts = {}
    if page == "docs/app.md":
        texts["http://127.0.0.1:7860"] = request.getfixturevalue("app_address")
        # An app in this process keeps the current folder empty, so that it serves no file of it.
        texts['handle_file("'] = f'handle_file("{workplace}/'
    names: dict[str, object] = {"__name__": "shown"}
    for block in BLOCKS[page]:
        if block.reason:
            continue
        text = block.text
        for (of, old), new in IN_PLACE_OF.items():
            text = text.replace(old, new) if of == page else text
        for old, new in texts.items():
            text = text.replace(old, new)
        if block.language in SHELL:
            for words in commands_of(type(block)(**{**vars(block), "text": text})):
                run_command(words, f"{block}: {' '.join(words)}", monkeypatch)
        elif block.language == "python":
            code = compile("\n" * block.line + text, str(ROOT / page), "exec")
            exec(code, names)
        else:
            pytest.fail(f"{block}: nothing here runs {block.language}; say why in a comment")


def run_command(words, place, monkeypatch):
    """Run a command of ours in this process, with the shell's globs."""
    line = " ".join(words)
    if any(re.match(rf"{re.escape(left_out)}( |\.|$)", line) for left_out in LEFT_OUT):
        return
    assert words[0] == "intr-discover", f"{place}: nobody runs this"
    if words[1] == "study":
        if words[3:5] == ["demo", "demo"]:
            words = [*words[:3], "runs/mine", "photographs", *words[5:]]  # 4 photographs, not 160
        words = [*words, *SHORT.get(words[2], [])]
    if words[1:3] == ["annotations", "agreement"]:
        answer_as_people()
    found = [sorted(map(str, Path().glob(word))) if "*" in word else [word] for word in words]
    monkeypatch.setattr(sys, "argv", [word for each in found for word in each])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert not stopped.value.code, f"{place}: failed"


def answer_as_people():
    """Let two people answer the blind study of the page, before its agreement is asked for."""
    database = open_database("annotations.db")
    for rater in ("Cy", "Di"):
        while (asked := database.studies.next_item("wings", rater)) is not None:
            database.studies.answer("wings", rater, asked.number, [])


@pytest.fixture
def app_address(tmp_path):
    from apps.serve import Settings, running
    from intr_discover import Specimens, load

    settings = Settings(database=str(tmp_path / "app.db"))
    with running(load("demo", device="cpu"), Specimens.read("demo"), settings) as found:
        yield found[0]


def test_few_blocks_are_not_run_and_each_says_why():
    reasons = {str(each): each.reason for page in BLOCKS.values() for each in page if each.reason}
    assert len(reasons) <= 4, f"more and more is not run: {reasons}"
    assert all(len(reason.split()) >= 3 for reason in reasons.values())


def test_nothing_is_listed_that_the_pages_do_not_have():
    shown = [
        " ".join(words)
        for blocks in BLOCKS.values()
        for block in blocks
        if block.language in SHELL
        for words in commands_of(block)
    ]
    unused = [each for each in LEFT_OUT if not any(line.startswith(each) for line in shown)]
    assert unused == []
    for page, old in IN_PLACE_OF:
        assert any(old in block.text for block in BLOCKS[page]), f"{page} has no {old}"
