"""A small collection out of fold: the report of several trainings, from the command to the page."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pandas as pd
import pytest

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.report.fold_findings import range_findings
from intr_discover.report.folds import Fold, discover_folds
from intr_discover.studies.budget import StudyPlan
from intr_discover.studies.registry import find_studies
from intr_discover.studies.result import StudyResult
from intr_discover.studies.study import KeyNumber
from intr_discover.training.several import fold_trainings, further_seeds, train_all
from tests.test_cli import run
from tests.test_report import Page, check, draw_dot, study
from tests.training.conftest import draw_collection
from tests.training.test_several import QUICK

pytestmark = pytest.mark.timeout(400)

TINY = [
    "--set", "width=32", "--set", "heads=4", "--set", "feed_forward=32", "--set", "image_size=32",
    "--set", "learning_rate=1e-3", "--set", "warmup_epochs=0.5", "--set", "batch_size=8",
    "--epochs", "2", "--device", "cpu",
]  # fmt: skip


def quiet(*words):
    pass


@contextmanager
def no_bar(words):
    yield quiet


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = draw_collection(tmp_path_factory.mktemp("small") / "c", {"train": 4})
    specimens = Specimens.read(folder)
    return specimens.with_table(specimens.table.drop(columns="split"))


@pytest.fixture(scope="module")
def trained(small, tmp_path_factory):
    runs = tmp_path_factory.mktemp("trained")
    trainings = fold_trainings(small, 2, QUICK, runs)
    others = further_seeds(trainings[0], 2, runs)
    train_all([*trainings, *others], device="cpu", bars=no_bar, say=quiet)
    folds = [
        Fold(number, training.run, training.specimens.select(split="test"))
        for number, training in enumerate(trainings, 1)
    ]
    return folds, [str(other.run) for other in others]


def halves(name="halves", **changes):
    """Return a study without a pool, whose share is that of the fold's photographs of red."""

    def ask(inputs):
        table = pd.DataFrame({"image": inputs.specimens.table["image"]})
        share = float((inputs.specimens.table["label"] == "red").mean())
        return StudyResult(
            name, table, {"n": len(table), "share": share, "few": None},
            drawings={"dot": draw_dot}, captions={"dot": "A dot."},
        )  # fmt: skip

    numbers = (KeyNumber("share", "the share of red"), KeyNumber("few", "few of them"))
    fields = {"run": ask, "key_numbers": numbers, "title": "Halves?"}
    return study(name, **{**fields, **changes})


@pytest.fixture(scope="module")
def made(small, trained, tmp_path_factory):
    folds, others = trained
    known = find_studies()

    def only_in_the_first(inputs):
        return None if inputs.specimens.table["image"][0] == first else "there is nothing to see"

    first = folds[0].held_out.table["image"][0]
    studies = {
        "evaluate": known["evaluate"],
        "halves": halves(),
        "partly": halves("partly", title="Partly?", needs=only_in_the_first),
        "never": halves("never", title="Never?", needs=lambda inputs: "it needs a mask"),
        "replicates": known["replicates"],
        "doubtful_labels": known["doubtful_labels"],
    }
    out = tmp_path_factory.mktemp("made") / "report"
    lines = []
    discovery = discover_folds(
        folds,
        small,
        out,
        device="cpu",
        command=["intr-discover", "discover", "data"],
        studies=studies,
        options={"replicates": {"others": others}},
        alone=("replicates",),
        say=lines.append,
    )
    return discovery, lines


def outcome_of(discovery, name):
    return next(each for each in discovery.outcomes if each.study.name == name)


def test_the_page_holds_together(made):
    discovery, lines = made
    page = Page(discovery.page)
    check(page)
    assert (
        "12 from" in page.text and "judged by the one of 2 models that has not seen it" in page.text
    )
    assert "2 models stand behind this page" in page.text
    assert "Model of fold 2 (SHA-256)" in page.text
    assert "fold 1 of 2: 6 photographs held out" in lines
    assert "photographs of a test" not in page.text


def test_every_photograph_is_judged_once(made, small):
    result = outcome_of(made[0], "evaluate").result
    assert sorted(result.table["image"]) == sorted(small.table["image"])
    assert result.summary["n"] == 12 and result.tables["confusion"].to_numpy().sum() == 12
    folder = made[0].page.parent
    table = pd.read_csv(folder / "evaluate" / "evaluate.csv")
    held = pd.read_csv(folder / "folds.csv").set_index("image")["fold"]
    assert (table.set_index("image")["fold"] == held[table["image"]]).all()
    # The folder of each fold holds its own results.
    own = pd.read_csv(folder / "evaluate" / "fold_2" / "evaluate.csv")
    assert set(own["image"]) == set(table.loc[table["fold"] == 2, "image"])


def test_numbers_that_cannot_be_thrown_together_are_means(made):
    outcome = outcome_of(made[0], "halves")
    assert not outcome.is_pooled and outcome.result.summary["share"] == pytest.approx(1 / 3)
    assert outcome.findings[0] == (
        "The share of red: 33.3 % on average over 2 folds, 33.3 % to 33.3 %."
    )
    assert "not thrown together" in outcome.findings[-1]
    text = Page(made[0].page).text
    assert "lowest to highest fold" in text and "Fold 1 of 2. A dot." in text
    assert "What every fold found" in text


def test_figures_are_shown_once_and_linked_for_the_other_folds(made):
    page = Page(made[0].page)
    assert page.ids.count("figure-halves-fold-1-dot") == 1
    assert "figure-halves-fold-2-dot" not in page.ids
    assert "halves/fold_2/dot.pdf" in page.links
    # What is drawn of all photographs together is not drawn of the first fold again.
    assert "figure-evaluate-confusion" in page.ids
    assert "figure-evaluate-fold-1-confusion" not in page.ids


def test_a_fold_without_an_answer_is_named(made):
    outcome = outcome_of(made[0], "partly")
    assert outcome.findings[-1] == "Fold 2 has no answer to this: there is nothing to see"
    assert outcome.result.summary["n"] == 6
    assert outcome_of(made[0], "never").reason == "it needs a mask"
    assert "Never? (never) it needs a mask" in Page(made[0].page).text


def test_trainings_are_compared_in_the_first_fold(made):
    outcome = outcome_of(made[0], "replicates")
    assert outcome.parts == () and outcome.result.summary["n"] == 6
    assert outcome.result.summary["trainings"] == 2
    assert "Held out in fold 1." in Page(made[0].page).text


def test_labels_are_doubted_out_of_fold(made):
    result = outcome_of(made[0], "doubtful_labels").result
    assert result.summary["n"] == 12 and set(result.tables["all"]["fold"]) == {1, 2}


def test_everything_is_listed(made):
    folder = made[0].page.parent
    marker = json.loads((folder / "report.json").read_text())
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert marker["complete"] and set(marker["files"]) == there - {"report.json"}


def test_again_in_the_same_folder(small, trained, tmp_path):
    out = tmp_path / "report"
    for overwrite in (False, True):
        discover_folds(
            trained[0], small, out, device="cpu", studies={"halves": halves()},
            overwrite=overwrite, say=quiet,
        )  # fmt: skip
    with pytest.raises(UserError, match="--overwrite"):
        discover_folds(trained[0], small, out, device="cpu", studies={}, say=quiet)
    discover_folds(trained[0], small, out, device="cpu", studies={}, overwrite=True, say=quiet)
    assert sorted(path.name for path in out.iterdir()) == [
        "defects.csv", "folds.csv", "index.html", "photographs.csv", "report.json", "species.csv",
    ]  # fmt: skip


def test_an_interrupted_report_leaves_no_page(small, trained, tmp_path):
    def interrupt(inputs):
        raise KeyboardInterrupt

    studies = {"halves": halves(), "slow": halves("slow", run=interrupt)}
    with pytest.raises(KeyboardInterrupt):
        discover_folds(
            trained[0], small, tmp_path / "r", device="cpu", studies=studies, say=quiet
        )  # fmt: skip
    assert not (tmp_path / "r" / "index.html").exists()


def test_sentences_of_numbers_that_some_folds_know():
    toy = halves(key_numbers=(KeyNumber("a", "a number", "number"), KeyNumber("b", "another")))
    summary = {
        "a": 0.5, "a_lowest": 0.25, "a_highest": 0.75, "a_folds": 2, "b": None, "b_folds": 0,
    }  # fmt: skip
    result = StudyResult(
        "halves", pd.DataFrame(), summary, tables={"folds": pd.DataFrame({"fold": [1, 2, 3]})}
    )
    first, last = range_findings(toy, result)
    assert first == ("A number: 0.5 on average over the 2 of 3 folds that know it, 0.25 to 0.75.")
    assert last.startswith("These are means over 3 trainings")
    result.summary["a"] = None
    assert range_findings(toy, result)[0].startswith("No number of this question")


def test_the_plan_of_a_fold_is_kept_to(made):
    plan = outcome_of(made[0], "evaluate").plan
    assert plan == StudyPlan(12, 12, 12, 12, plan.extra_seconds)


# The command


@pytest.mark.slow
def test_discover_with_folds_and_replicates(monkeypatch, capsys, tmp_path):
    """All studies; stopped while it trains, it goes on, and nothing is trained twice."""
    data = draw_collection(tmp_path / "data", {"train": 4})
    out = tmp_path / "r"
    words = ["discover", data, "--out", out, "--folds", "2", "--replicates", "2", *TINY]
    from intr_discover.training import several

    real = several.train
    seen = []

    def stop_after_one(specimens, config, folder, **given):
        if seen:
            raise KeyboardInterrupt
        seen.append(folder)
        return real(specimens, config, folder, **given)

    monkeypatch.setattr(several, "train", stop_after_one)
    status, printed, err = run(monkeypatch, capsys, *words)
    assert status == 2 and "the same command with --overwrite continues" in err
    assert "3 trainings of 2 epochs to do: about" in printed
    assert not (out / "index.html").exists()
    monkeypatch.setattr(several, "train", real)
    weights = (out / "runs" / "fold_1" / "model.safetensors").stat().st_mtime_ns
    status, printed, err = run(monkeypatch, capsys, *words, "--overwrite")
    assert status == 0, err
    assert "2 trainings of 2 epochs to do, 1 finished already: about" in printed
    assert (out / "runs" / "fold_1" / "model.safetensors").stat().st_mtime_ns == weights
    assert sorted(path.name for path in (out / "runs").iterdir()) == [
        "fold_1", "fold_1_seed_1", "fold_2",
    ]  # fmt: skip
    page = Page(out / "index.html")
    check(page)
    assert {"study-evaluate", "study-heads", "study-replicates", "study-doubtful_labels"} <= set(
        page.ids
    )
    summary = json.loads((out / "evaluate" / "summary.json").read_text())
    assert summary["n"] == 12
    words[words.index("--folds") + 1] = "3"
    status, _, err = run(monkeypatch, capsys, *words, "--overwrite")
    assert status == 2 and "trained on other photographs, labels or folds" in err


@pytest.mark.slow
def test_discover_with_replicates_on_the_split_of_the_table(monkeypatch, capsys, tmp_path):
    data = draw_collection(tmp_path / "data", {"train": 6, "test": 3})
    out = tmp_path / "r"
    known = find_studies()
    few = {name: known[name] for name in ("evaluate", "replicates")}
    monkeypatch.setattr("intr_discover.report.discover.find_studies", lambda: few)
    words = ["discover", data, "--out", out, "--replicates", "2", *TINY]
    status, printed, err = run(monkeypatch, capsys, *words)
    assert status == 0, err
    assert (out / "runs" / "run_seed_1" / "model.safetensors").is_file()
    summary = json.loads((out / "replicates" / "summary.json").read_text())
    assert summary["trainings"] == 2 and summary["n"] == 9
    assert "trained on other photographs" not in printed
