"""``intr-discover figure`` as a person types it, on little models and drawn photographs."""

from __future__ import annotations

import sys

import pytest
from PIL import Image

from intr_discover.cli import main
from intr_discover.exhibits.listing import list_figures
from tests.exhibits.material import LABELS, collection, plain_explainer, save_run
from tests.studies.drawn import tiny_explainer


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figure")
    collection(folder / "drawn")
    save_run(folder / "run", tiny_explainer(LABELS))
    save_run(folder / "plain", plain_explainer(LABELS))
    return folder


def run(monkeypatch, arguments):
    monkeypatch.setattr(sys, "argv", ["intr-discover", *map(str, arguments)])
    try:
        main()
    except SystemExit as ended:
        return ended.code or 0
    return 0


@pytest.fixture
def succeed(monkeypatch, capsys):
    """Return what runs a command that must succeed, and returns what it printed."""

    def run_it(*arguments):
        status = run(monkeypatch, arguments)
        captured = capsys.readouterr()
        assert status == 0, captured.err
        return captured.out, captured.err

    return run_it


def test_alone_it_lists_the_figures(succeed):
    said, _ = succeed("figure")
    for figure in list_figures():
        assert figure.name in said
    assert "Figure 1" in said


def test_a_figure_of_a_collection(place, tmp_path, succeed):
    out = tmp_path / "new" / "heads.pdf"
    said, noted = succeed("figure", "heads", place / "run", place / "drawn", "--out", out,
                          "--class", "bee", "--width", "single", "--format", "pdf, svg,png",
                          "--count", "2", "--mean")  # fmt: skip
    names = {path.name for path in out.parent.iterdir()}
    assert names == {"heads.pdf", "heads.svg", "heads.png", "heads.txt", "heads.provenance.json"}
    caption = (out.parent / "heads.txt").read_text(encoding="utf-8").strip()
    assert caption in said and "look for bee" in caption and "n = 2" in caption
    assert "mean" in caption and "note:" not in noted
    with Image.open(out.parent / "heads.png") as picture:
        assert picture.width == pytest.approx(89 / 25.4 * 300, abs=1)


def test_named_photographs_of_a_collection_and_files(place, tmp_path, succeed):
    images = place / "drawn" / "images"
    said, _ = succeed("figure", "heads", place / "run", place / "drawn", "--out",
                      tmp_path / "a.png", "--images", "01-01.png",
                      "--images", "01-00.png")  # fmt: skip
    assert "(n = 2, named by the user): 01-01.png, 01-00.png" in said
    said, _ = succeed("figure", "layers", place / "run", images / "00-00.png", "--out",
                      tmp_path / "b.png")  # fmt: skip
    assert "named by the user): 00-00.png" in said


def test_small_letters_are_told(place, tmp_path, succeed):
    _, noted = succeed("figure", "layers", place / "run", place / "drawn", "--out",
                       tmp_path / "a.png", "--font-size", "5", "--dpi", "100")  # fmt: skip
    assert "smallest letters are 3.6 points" in noted


def test_a_figure_without_photographs(place, tmp_path, succeed):
    said, _ = succeed("figure", "queries", place / "run", "--out", tmp_path / "a.svg")
    assert "3 classes" in said and (tmp_path / "a.svg").is_file()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fingers", "run", "drawn"], "there is no figure 'fingers'; there are: heads"),
        (["heads", "run", "drawn", "--class", "wasp"], "no class 'wasp'"),
        (["heads", "run", "drawn", "--images", "none.png"], "no photograph 'none.png'"),
        (["heads", "run", "drawn", "--width", "triple"], "single, double or a number"),
        (["heads", "run", "drawn", "--format", "gif"], "cannot be saved as 'gif'"),
        (["heads", "run", "drawn", "--dpi", "5"], "72 and 1200"),
        (["heads", "run", "drawn", "--split", "train"], "no split 'train'"),
        (["heads", "run", "absent"], "absent"),
        (["heads", "absent", "drawn"], "absent"),
        (["heads", "run"], "shows photographs"),
        (["heads", "run", "drawn", "drawn"], "one collection"),
        (["heads", "run", "none.png"], "no photograph"),
        (["heads", "run", "drawn/images/00-00.png", "--split", "test"], "from a collection"),
        (["heads", "plain", "drawn"], "plain classifier"),
        (["variants", "run", "drawn"], "give --against RUN"),
        (["heads", "run", "drawn", "--layer", "9"], "layers 0 to 1"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(
    place, tmp_path, monkeypatch, capsys, words, message
):
    monkeypatch.chdir(place)
    out = tmp_path / "out" / "a.pdf"
    assert run(monkeypatch, ["figure", *words, "--out", out]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1 and "Traceback" not in said
    assert not out.parent.exists()
