"""The report: one page that holds together, whatever the names, and a folder that is not hurt."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.figures import style
from intr_discover.report.cautions import cautions
from intr_discover.report.discover import discover, plan_studies
from intr_discover.report.folder import ReportFolder
from intr_discover.report.numbers import number_rows
from intr_discover.report.outcome import Outcome
from intr_discover.report.pictures import inline_picture
from intr_discover.studies.budget import Speed, StudyPlan
from intr_discover.studies.registry import find_studies
from intr_discover.studies.result import StudyResult
from intr_discover.studies.study import KeyNumber, Study, StudyInputs
from tests.studies.drawn import draw_specimens, tiny_explainer
from tests.studies.test_registry import added  # noqa: F401  (a fixture)

HOSTILE = [
    "<script>alert('x')</script>",
    'Heliconius "erato" & melpomene',
    "Ωmega – 蝶 🦋",
    "very " * 60 + "long",
]
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """Reads a page and keeps what the tests ask about."""

    def __init__(self, path):
        super().__init__(convert_charrefs=True)
        self.folder = path.parent
        self.ids, self.links, self.sources, self.images, self.open = [], [], [], [], []
        self.words, self.tags, self.header_cells, self.scripts = [], [], [], []
        self.policy = ""
        self.feed(path.read_text(encoding="utf-8"))
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "a":
            self.links.append(attributes["href"])
        if tag == "img":
            self.images.append(attributes)
        if tag == "th":
            self.header_cells.append(attributes)
        self.sources += [
            attributes[name] for name in ("src", "srcset", "data") if name in attributes
        ]
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"]
        if tag == "link":
            self.sources.append(attributes["href"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"wrongly nested: </{tag}>"

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts.append(data)
        elif not self.open or self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def check(page):
    """Hold a page to what every report promises."""
    assert len(set(page.ids)) == len(page.ids)
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids, link
        else:
            assert ":" not in link and not link.startswith("/"), link
            assert (page.folder / unquote(link)).is_file(), link
    assert all(source.startswith("data:image/") for source in page.sources)
    assert all(image["alt"].strip() for image in page.images)
    assert all(int(image["width"]) > 0 and int(image["height"]) > 0 for image in page.images)
    assert all(cell["scope"] in ("row", "col") for cell in page.header_cells)
    assert page.tags.count("h1") == 1
    # One script, the page's own, and the policy names its sum: no other would run.
    assert page.tags.count("script") == len(page.scripts) == 1
    digest = base64.b64encode(hashlib.sha256(page.scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page.policy
    assert page.policy.startswith("default-src 'none'") and "http" not in page.policy


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "drawn"
    return Specimens.read(draw_specimens(folder, HOSTILE, 2, pairs=[tuple(HOSTILE[:2])]))


@pytest.fixture(scope="module")
def made(drawn, tmp_path_factory):
    lines = []
    out = tmp_path_factory.mktemp("made") / "report"
    discovery = discover(
        tiny_explainer(HOSTILE),
        drawn,
        out,
        split="test",
        command=["intr-discover", "discover", "a run", "data"],
        say=lines.append,
    )
    return discovery, lines


def silent(*args, **changes):
    return discover(*args, **{"split": "test", "say": lambda line: None, **changes})


def draw_dot():
    with style.journal_style():
        figure = style.new_figure(40, 30)
        style.add_axes(figure, 8, 4, 28, 18).plot([0, 1], [1, 0], "o")
    return figure


def study(name="toy", **changes):
    """Return a study that needs no model."""

    def run(inputs):
        table = pd.DataFrame({"image": inputs.specimens.table["image"]})
        return StudyResult(
            name, table, {"n": len(table), "share": 0.5, "share_low": 0.25, "share_high": 0.75},
            drawings={"dot": draw_dot}, captions={"dot": f"One dot of {HOSTILE[0]}."},
        )  # fmt: skip

    fields = {
        "name": name, "title": "Does it work?", "order": 1, "weight": 1.0, "run": run,
        "plan": lambda inputs: StudyPlan(len(inputs.specimens), len(inputs.specimens), 0, 0),
        "findings": lambda result: [f"Half of {result.summary['n']}."],
        "key_numbers": (KeyNumber("share", "the share"),),
    }  # fmt: skip
    return Study(**{**fields, **changes})


# The page


def test_the_page_holds_together(made):
    discovery, _ = made
    page = Page(discovery.page)
    check(page)
    assert {"study-evaluate", "study-explanations", "methods", "limits"} <= set(page.ids)
    left_out = {outcome.study.name for outcome in discovery.outcomes if outcome.reason is not None}
    assert left_out == {"replicates"}  # it takes other trainings to compare with
    for outcome in discovery.outcomes:
        if outcome.result is None:
            continue
        for sentence in outcome.findings:
            assert page.text.count(" ".join(sentence.split())) == 2  # on top, and in its section
        for name in outcome.result.drawings:
            assert f"figure-{outcome.study.name}-{name}" in page.ids
    assert "intr-discover discover 'a run' data" in page.text
    assert "8 from" in page.text and "4 with photographs" in page.text


def test_hostile_names_are_only_text(made):
    discovery, _ = made
    source = discovery.page.read_text(encoding="utf-8")
    assert source.count("<script") == 1 and HOSTILE[0] not in source
    text = Page(discovery.page).text
    assert all(name in text for name in HOSTILE)


def test_everything_lies_beside_the_page(made):
    discovery, _ = made
    folder = discovery.page.parent
    for outcome in discovery.outcomes:
        if outcome.result is None:
            continue
        own = folder / outcome.study.name
        record = json.loads((own / "provenance.json").read_text())
        assert record["command"] == ["intr-discover", "discover", "a run", "data"]
        for name in outcome.result.drawings:
            assert (own / f"{name}.png").is_file() and (own / f"{name}.pdf").is_file()
        assert (own / f"{outcome.study.name}.csv").is_file()
    marker = json.loads((folder / "report.json").read_text())
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert marker["complete"] and set(marker["files"]) == there - {"report.json"}


def test_the_plan_is_said_first(made):
    discovery, lines = made
    assert lines[0].startswith("8 photographs of split test")
    assert lines[1].split() == ["study", "photographs", "encoder", "decoder", "expected"]
    assert lines[2].split()[:4] == ["evaluate", "8", "of", "8"]
    planned = [outcome for outcome in discovery.outcomes if outcome.plan is not None]
    assert lines[2 + len(planned)].startswith("together")


@pytest.mark.slow
def test_an_added_study_appears_by_its_file_alone(added, drawn, tmp_path):  # noqa: F811
    discovery = silent(tiny_explainer(HOSTILE), drawn, tmp_path / "r")
    page = Page(discovery.page)
    check(page)
    assert page.ids.index("study-added") < page.ids.index("study-evaluate")
    assert "Is one file enough?" in page.text and "The answer is 42." in page.text


def test_one_photograph(tmp_path):
    folder = draw_specimens(tmp_path / "d", ["ant"], 1, masks=False, attributes=False)
    discovery = silent(tiny_explainer(["ant", "bee"]), Specimens.read(folder), tmp_path / "r")
    page = Page(discovery.page)
    check(page)
    assert "fewer than 5 photographs here: ant (1)" in page.text
    reasons = {outcome.study.name: outcome.reason for outcome in discovery.outcomes}
    assert reasons["evaluate"] is None and reasons["explanations"] is None


def test_a_class_without_photographs(tmp_path):
    folder = draw_specimens(tmp_path / "d", ["ant", "bee"], 2)
    explainer = tiny_explainer(["ant", "bee", "cat"])
    discovery = silent(explainer, Specimens.read(folder), tmp_path / "r")
    page = Page(discovery.page)
    check(page)
    assert "2 with photographs, 3 known to the model" in page.text
    assert "What separates ant and bee?" in page.text


# What goes wrong


def test_one_failing_study_does_not_cost_the_others(drawn, tmp_path):
    def fail(inputs):
        raise UserError("the judge <b>runs/plain</b> is not there")

    studies = {
        "first": study("first"),
        "failing": study("failing", title="Who judges?", run=fail),
        "unable": study("unable", title="Who can?", needs=lambda inputs: "it needs a mask"),
        "aimless": study("aimless", title="Who plans?", plan=fail),
        "last": study("last"),
    }
    lines = []
    discovery = silent(
        tiny_explainer(HOSTILE), drawn, tmp_path / "r", studies=studies, say=lines.append
    )
    assert [outcome.result is not None for outcome in discovery.outcomes] == [
        True, False, False, False, True,
    ]  # fmt: skip
    page = Page(discovery.page)
    check(page)
    assert {"study-first", "study-last", "left-out"} <= set(page.ids)
    assert "Who judges? (failing) the judge <b>runs/plain</b> is not there" in page.text
    assert "Who can? (unable) it needs a mask" in page.text
    assert "Who plans? (aimless) the judge" in page.text
    assert "left out: unable: it needs a mask" in lines


def test_without_any_result_there_is_still_a_page(drawn, tmp_path):
    studies = {"unable": study("unable", needs=lambda inputs: "it needs a mask")}
    discovery = silent(tiny_explainer(HOSTILE), drawn, tmp_path / "r", studies=studies)
    page = Page(discovery.page)
    check(page)
    assert "No study could be done" in page.text


def test_an_interrupted_run_leaves_no_page(drawn, tmp_path):
    out = tmp_path / "r"
    silent(tiny_explainer(HOSTILE), drawn, out, studies={"toy": study()})
    assert (out / "index.html").is_file()

    def interrupt(inputs):
        raise KeyboardInterrupt

    studies = {"toy": study(), "slow": study("slow", run=interrupt)}
    with pytest.raises(KeyboardInterrupt):
        silent(tiny_explainer(HOSTILE), drawn, out, studies=studies, overwrite=True)
    assert not (out / "index.html").exists()
    assert json.loads((out / "report.json").read_text())["complete"] is False
    # The same again, uninterrupted, makes it whole.
    silent(tiny_explainer(HOSTILE), drawn, out, studies={"toy": study()}, overwrite=True)
    check(Page(out / "index.html"))


def test_unknown_labels_are_refused_before_anything_is_written(drawn, tmp_path):
    with pytest.raises(UserError, match="labels that the model does not know"):
        silent(tiny_explainer(["ant", "bee"]), drawn, tmp_path / "r")
    assert not (tmp_path / "r").exists()


# The folder


def test_an_existing_folder_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"exists and is not empty.*--overwrite"):
        ReportFolder(tmp_path).check(overwrite=False)
    with pytest.raises(UserError, match="something else than a report"):
        ReportFolder(tmp_path).check(overwrite=True)
    with pytest.raises(UserError, match="something else than a report"):
        ReportFolder(tmp_path).start()
    with pytest.raises(UserError, match="is a file"):
        ReportFolder(tmp_path / "notes.txt").check(overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"made_by": "me", "files": []}', '{"a":'])
def test_another_report_json_is_no_marker(tmp_path, content):
    (tmp_path / "report.json").write_text(content)
    with pytest.raises(UserError, match="something else than a report"):
        ReportFolder(tmp_path).check(overwrite=True)
    assert (tmp_path / "report.json").read_text() == content


def test_an_empty_folder_is_taken(tmp_path):
    folder = ReportFolder(tmp_path)
    folder.check(overwrite=False)
    folder.start()
    assert (tmp_path / "report.json").is_file()


def test_overwriting_replaces_the_report_and_nothing_else(drawn, tmp_path):
    out = tmp_path / "r"
    silent(tiny_explainer(HOSTILE), drawn, out, studies={"old": study("old"), "toy": study()})
    (out / "old" / "my notes.txt").write_text("mine")
    (out / "run").mkdir()
    (out / "run" / "model.safetensors").write_text("hours of training")
    silent(tiny_explainer(HOSTILE), drawn, out, studies={"new": study("new")}, overwrite=True)
    left = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert "old/my notes.txt" in left and "run/model.safetensors" in left
    assert "old/old.csv" not in left and "new/new.csv" in left
    assert not (out / "toy").exists()  # nothing was left in it


def test_a_forged_marker_deletes_nothing_outside(tmp_path):
    outside = tmp_path / "thesis.txt"
    outside.write_text("years of work")
    out = tmp_path / "r"
    folder = ReportFolder(out)
    folder.start()
    (out / "link").symlink_to(tmp_path)
    marker = json.loads((out / "report.json").read_text())
    names = ["../thesis.txt", str(outside), "link/thesis.txt"]
    (out / "report.json").write_text(json.dumps({**marker, "files": names}))
    ReportFolder(out).start()
    assert outside.read_text() == "years of work"


# Time


def test_time_is_shared_by_weight_among_those_that_can(drawn):
    inputs = StudyInputs(tiny_explainer(HOSTILE), drawn, "test")

    def plan(given):
        images = 100 if given.seconds is None else int(given.seconds / given.speed.encode)
        return StudyPlan(images, 100, images, 0)

    studies = {
        "a": study("a", plan=plan),
        "b": study("b", plan=plan, weight=3.0),
        "c": study("c", plan=plan, needs=lambda given: "no"),
    }
    speed = Speed(encode=1.0, decode=0.0)
    limited = plan_studies(studies, inputs, speed, total=40.0)
    assert [task.plan and task.plan.images for task in limited] == [10, 30, None]
    enough = plan_studies(studies, inputs, speed, total=200.0)
    assert [task.plan and task.plan.images for task in enough] == [100, 100, None]
    full = plan_studies(studies, replace(inputs, full=True), speed, total=1.0)
    assert [task.plan and task.plan.images for task in full] == [100, 100, None]


def test_all_registered_studies_fit_into_their_time(tmp_path):
    """On a slow machine with many photographs the plan keeps to the budget."""
    folder = draw_specimens(tmp_path / "d", ["ant", "bee", "cat"], 60, pairs=[("ant", "bee")])
    inputs = StudyInputs(tiny_explainer(["ant", "bee", "cat"]), Specimens.read(folder), "test")
    speed = Speed(encode=1.0, decode=0.1)
    tasks = plan_studies(find_studies(), inputs, speed)
    plans = {task.study.name: task.plan for task in tasks if task.plan is not None}
    assert {"evaluate", "explanations"} <= set(plans)
    assert sum(plan.seconds(speed) for plan in plans.values()) <= 150
    assert all(plan.sampled for plan in plans.values())
    # A study that needs many passes for its smallest sample is left out, and says why.
    assert all(task.reason for task in tasks if task.plan is None)


# Pieces


def test_key_numbers_by_hand():
    numbers = [
        KeyNumber("top1", "accuracy"),
        KeyNumber("heads", "heads", form="number", n=None),
        KeyNumber("weight", "weight", form="number", n="n_weights"),
        KeyNumber("unknown", "unknown"),
        KeyNumber("absent", "absent"),
        KeyNumber("judge", "judge", n=None),
    ]
    summary = {
        "top1": 0.8625, "top1_low": 0.8, "top1_high": 0.9, "n": 160, "heads": 8,
        "weight": 71.6481, "n_weights": 3, "unknown": None, "judge": "plain",
    }  # fmt: skip
    rows = [(row.words, row.value, row.interval, row.n) for row in number_rows(numbers, summary)]
    assert rows == [
        ("accuracy", "86.2 %", "80.0 % to 90.0 %", "160"),
        ("heads", "8", "", ""),
        ("weight", "71.6", "", "3"),
        ("unknown", "unknown", "", "160"),
        ("judge", "plain", "", ""),
    ]


def cautions_of(folder, split, sampled=False, **layout):
    specimens = Specimens.read(draw_specimens(folder, ["ant", "bee"], **layout))
    plan = StudyPlan(3 if sampled else 8, 8, 3, 3)
    result = StudyResult("toy", pd.DataFrame({"a": [1]}), {"n": 1})
    return cautions(specimens, split, [Outcome(study(), plan, result)])


def test_a_large_enough_test_needs_no_warning(tmp_path):
    assert cautions_of(tmp_path / "a", "test", per_label=5) == []


def test_warnings(tmp_path):
    (few,) = cautions_of(tmp_path / "a", "test", per_label=4)
    assert "2 classes have fewer than 5 photographs here: ant (4), bee (4)" in few
    (everything,) = cautions_of(tmp_path / "b", "all", per_label=5)
    assert everything.startswith("All splits were taken together")
    (trained,) = cautions_of(tmp_path / "c", "train", per_label=5)
    assert "split train, not of a test" in trained
    (sampled,) = cautions_of(tmp_path / "d", "test", sampled=True, per_label=5)
    assert "toy (3 of 8)" in sampled


def decoded(picture):
    kind, content = re.fullmatch(r"data:image/(png|jpeg);base64,(.+)", picture.data).groups()
    return kind, Image.open(io.BytesIO(base64.b64decode(content)))


def test_a_chart_stays_exact_and_a_photograph_small(tmp_path):
    chart = np.full((300, 600, 3), 255, np.uint8)
    chart[100:200, 200:400] = (0, 114, 178)
    Image.fromarray(chart).save(tmp_path / "chart.png")
    picture = inline_picture(tmp_path / "chart.png")
    kind, image = decoded(picture)
    assert kind == "png" and image.size == (300, 150)  # 300 dpi become 150
    assert image.convert("RGB").getpixel((150, 75)) == (0, 114, 178)
    assert picture.width == 2 * picture.height
    noise = np.random.default_rng(0).integers(0, 256, (300, 600, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    kind, image = decoded(inline_picture(tmp_path / "noise.png"))
    assert kind == "jpeg" and image.size == (300, 150)


def test_templates_travel_with_the_package():
    root = Path(__file__).resolve().parents[1]
    settings = (root / "pyproject.toml").read_text()
    for name in ("page.html", "page.css", "page.js"):
        assert (root / "intr_discover" / "report" / name).is_file()
        assert f'"report/{name}"' in settings
    assert '"report/parts/*.html"' in settings
