"""Whatever breaks: every photograph exactly once, and what was begun goes on or is refused."""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image

from intr_discover.cli import main
from intr_discover.data.sharding import write_shards
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError, system_trouble
from intr_discover.extraction import photographs
from intr_discover.extraction.layout import Layout
from intr_discover.extraction.photographs import Photograph, PlannedImage, read_blocks
from intr_discover.extraction.plan import Plan, read_description
from intr_discover.extraction.reader import Extraction
from intr_discover.extraction.run import extract
from intr_discover.extraction.shards import extract_shard
from intr_discover.files import is_temporary
from tests.extraction.conftest import LABELS, draw, save_run, settings
from tests.studies.drawn import tiny_explainer


class Killed(BaseException):
    """As if the process had ended here."""


def kill_at(step):
    count = 0

    def progress(done, total):
        nonlocal count
        count += 1
        if count == step:
            raise Killed

    return progress


def files_of(out):
    """Return what an extraction holds, by name, without the record of the command."""
    names = [path for path in out.rglob("*") if path.is_file()]
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in names
        if path.name not in ("extraction.json", "manifest.json")
    }


def run(monkeypatch, capsys, *words):
    monkeypatch.setattr(sys, "argv", ["intr-discover", *map(str, words)])
    status = 0
    try:
        main()
    except SystemExit as exit_:
        status = exit_.code or 0
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.mark.parametrize("step", [1, 2, 4, 5])
def test_what_breaks_goes_on_to_the_same_bytes(model, specimens, whole, tmp_path, step):
    out = tmp_path / "out"
    chosen = settings(maps_type="float32")
    with pytest.raises(Killed):
        extract(model, specimens, out, chosen, progress=kill_at(step))
    with pytest.raises(UserError, match="not finished"):
        Extraction.open(out)
    extract(model, specimens, out, chosen, workers=4)
    assert files_of(out) == files_of(whole)
    assert not any(map(is_temporary, out.rglob("*")))


def test_the_order_in_which_shards_are_made_does_not_matter(model, specimens, whole, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(Killed):
        extract(model, specimens, out, settings(maps_type="float32"), progress=kill_at(1))
    plan = Plan(Layout(out), read_description(Layout(out)))
    for shard in (2, 0):
        extract_shard(plan, shard, specimens.root, model)
    extract(model, specimens, out, settings(maps_type="float32"))
    assert files_of(out) == files_of(whole)


def test_what_is_finished_is_not_made_again(model, specimens, tmp_path):
    out, calls = tmp_path / "out", []
    first = extract(model, specimens, out, settings())
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    again = extract(
        model, specimens, out, settings(), progress=lambda *counts: calls.append(counts)
    )
    assert again == first and not calls
    after = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    assert after == {path: before[path] for path in after}


def test_a_damaged_file_is_made_again(model, specimens, tmp_path):
    out = tmp_path / "out"
    extract(model, specimens, out, settings())
    whole = files_of(out)
    path = out / "rows" / "shard-000001.parquet"
    for damaged in (b"", path.read_bytes()[:-1]):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=r"shard-000001\.parquet"):
            Extraction.open(out)
        extract(model, specimens, out, settings())
        assert files_of(out) == whole
    flipped = bytearray(path.read_bytes())
    flipped[len(flipped) // 2] ^= 1
    path.write_bytes(flipped)
    with pytest.raises(UserError, match=r"shard-000001\.parquet is not as it was written"):
        Extraction.open(out).verify()
    extract(model, specimens, out, settings(), verify=True)
    assert files_of(out) == whole
    Extraction.open(out).verify()
    path.unlink()
    extract(model, specimens, out, settings())
    (out / "shards" / "shard-000000.json").write_text('{"shard"')
    extract(model, specimens, out, settings())
    assert files_of(out) == whole


@hypothesis_settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    per_shard=st.integers(1, 14),
    batch=st.integers(1, 5),
    broken=st.sets(st.integers(0, 11), max_size=11),
    step=st.integers(1, 12),
)
def test_every_photograph_exactly_once(
    model, folder, tmp_path_factory, per_shard, batch, broken, step
):
    base = tmp_path_factory.mktemp("once")
    table = pd.read_csv(folder / "specimens.csv")
    (base / "images").mkdir()
    for number, image in enumerate(table["image"]):
        data = (folder / image).read_bytes()
        (base / image).write_bytes(data[: len(data) // 2] if number in broken else data)
    table.to_csv(base / "specimens.csv", index=False)
    chosen = settings(images_per_shard=per_shard, batch_size=batch, maps="none")
    collection, out = Specimens.read(base), base / "out"
    try:
        extract(model, collection, out, chosen, progress=kill_at(step))
    except Killed:
        extract(model, collection, out, chosen)
    rows = [row for t in Extraction.open(out).tables(["row"]) for row in t["row"].to_pylist()]
    defects = pd.read_csv(out / "defects.csv")
    assert rows == [row for row in range(12) if row not in broken]
    assert defects["row"].tolist() == sorted(broken)
    assert set(defects["defect"]) <= {"truncated", "unreadable"}


def test_broken_photographs_are_listed_with_their_reason(model, own, tmp_path):
    images = own / "images"
    (images / "000.png").write_bytes(b"")
    (images / "001.png").write_bytes((images / "001.png").read_bytes()[:200])
    (images / "002.png").write_text("no picture")
    (images / "003.png").unlink()
    Image.fromarray(np.zeros((2, 400, 3), dtype=np.uint8)).save(images / "004.png")
    collection = Specimens.read(own, allow_missing=True)
    manifest = extract(model, collection, tmp_path / "out", settings(images_per_shard=2))
    assert (manifest["images"], manifest["rows"], manifest["defects"]) == (12, 7, 5)
    found = pd.read_csv(tmp_path / "out" / "defects.csv")
    assert found["row"].tolist() == [0, 1, 2, 3, 4]
    assert found["defect"].tolist() == ["empty", "truncated", "unreadable", "missing", "unreadable"]
    assert "crop it" in found["reason"][4], "a strip would fill the memory once it is resized"
    assert not found["reason"].str.contains(str(own), regex=False).any()
    assert found["image"].tolist()[3] == "images/003.png"
    assert len(pd.read_parquet(tmp_path / "out" / "rows")) == 7


def test_a_photograph_that_vanishes_is_a_defect_and_a_disk_that_vanishes_is_not(
    model, own, tmp_path
):
    collection, out = Specimens.read(own), tmp_path / "out"
    with pytest.raises(Killed):
        extract(model, collection, out, settings(), progress=kill_at(3))
    (own / "images").rename(own / "elsewhere")
    plan = Plan(Layout(out), read_description(Layout(out)))
    with pytest.raises(UserError, match="gone since the extraction began"):
        extract_shard(plan, 1, collection.root, model)
    assert not Layout(out).record(1).exists() and not Layout(out).rows(1).exists()
    (own / "elsewhere").rename(own / "images")
    (own / "images" / "006.png").unlink()
    extract_shard(plan, 1, collection.root, model)
    (defect,) = json.loads(Layout(out).record(1).read_text())["defects"]
    assert (defect["row"], defect["defect"]) == (6, "missing")


def test_other_options_photographs_and_models_are_refused(model, own, tmp_path):
    collection, out = Specimens.read(own), tmp_path / "out"
    extract(model, collection, out, settings())
    before = files_of(out)
    with pytest.raises(UserError, match=r"--maps was predicted, now true.*name another folder"):
        extract(model, collection, out, settings(maps="true"))
    with pytest.raises(UserError, match="--batch-size was 2, now 3"):
        extract(model, collection, out, settings(batch_size=3))
    other = tiny_explainer(LABELS)
    next(iter(other.model.parameters())).data[0] += 1
    with pytest.raises(UserError, match="begun with another model"):
        extract(other, collection, out, settings())
    table = collection.table.copy()
    table.loc[0, "label"] = "bee"
    with pytest.raises(UserError, match="of other photographs"):
        extract(model, collection.with_table(table), out, settings())
    (own / "images" / "000.png").write_bytes((own / "images" / "001.png").read_bytes())
    with pytest.raises(UserError, match="of other photographs"):
        extract(model, Specimens.read(own), out, settings())
    assert files_of(out) == before


def test_folders_that_are_in_use_or_hold_something_else(model, specimens, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all of it")
    with pytest.raises(UserError, match="holds other files"):
        extract(model, specimens, tmp_path / "mine", settings())
    with pytest.raises(UserError, match="is a file"):
        extract(model, specimens, tmp_path / "mine" / "thesis.txt", settings())
    (tmp_path / "busy").mkdir()
    with FileLock(tmp_path / "busy" / ".lock"), pytest.raises(UserError, match="another process"):
        extract(model, specimens, tmp_path / "busy", settings())
    with pytest.raises(UserError, match="no extraction"):
        Extraction.open(tmp_path / "mine")
    with pytest.raises(UserError, match="the model does not know"):
        strange = specimens.table.assign(label="dodo")
        extract(model, specimens.with_table(strange), tmp_path / "new", settings(maps="true"))
    assert not (tmp_path / "new").exists()


def test_a_later_format_and_a_damaged_description_are_refused(model, specimens, tmp_path):
    out = tmp_path / "out"
    extract(model, specimens, out, settings(maps="none"))
    description = json.loads((out / "extraction.json").read_text())
    (out / "extraction.json").write_text(json.dumps({**description, "format": 99}))
    with pytest.raises(UserError, match="later version"):
        Extraction.open(out)
    (out / "extraction.json").write_text("{")
    with pytest.raises(UserError, match="damaged"):
        extract(model, specimens, out, settings(maps="none"))


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are those of Unix")
def test_what_the_system_refuses_is_one_line(model, folder, tmp_path, monkeypatch, capsys):
    saved = save_run(model, tmp_path / "run")
    words = ["extract", saved, folder, "--out", tmp_path / "out", "--device", "cpu"]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, hard))  # as a full disk: writing fails
    try:
        status, _, said = run(monkeypatch, capsys, *words)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    lines = [line for line in said.splitlines() if line.startswith("intr-discover:")]
    assert status == 2 and len(lines) == 1 and "Traceback" not in said
    assert "shard-000000.parquet" in lines[0] and "larger than is allowed" in lines[0]
    assert not list((tmp_path / "out" / "rows").glob("*")), "nothing half-written"
    status, out, _ = run(monkeypatch, capsys, *words)
    assert status == 0 and "extracted 12 of 12 photographs" in out
    (tmp_path / "file").write_text("")
    blocked = [*words[:4], tmp_path / "file" / "inside", "--device", "cpu"]
    status, _, said = run(monkeypatch, capsys, *blocked)
    assert status == 2 and said.count("\n") == 1 and str(tmp_path / "file") in said


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are those of Unix")
def test_a_folder_that_may_not_be_written_to(model, specimens, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)  # root may write anywhere
    try:
        with pytest.raises(PermissionError) as refused:
            extract(model, specimens, locked / "out", settings())
    finally:
        if root:
            os.seteuid(0)
    said = system_trouble(refused.value)
    assert "no permission" in said and str(locked) in said and "\n" not in said
    assert not list(locked.iterdir())


def test_no_more_than_two_blocks_are_in_memory(model, tmp_path):
    drawn = draw(tmp_path / "many", 40)
    planned = [PlannedImage(row, f"images/{row:03d}.png", "ant", None, 1) for row in range(40)]
    blocks = read_blocks(planned, Path(drawn), model.preprocessing, 2, 2)
    for _ in range(6):
        block = next(blocks)
    held = sum(type(each) is Photograph for each in gc.get_objects())
    blocks.close()
    assert len(block) == 4 <= held <= 2 * photographs.BLOCK_BATCHES * 2  # in hand, and being read


def test_photographs_in_shards_give_the_same_rows(model, folder, whole, tmp_path):
    write_shards(Specimens.read(folder), tmp_path / "packed", images_per_shard=7)
    packed, out = Specimens.read(tmp_path / "packed"), tmp_path / "out"
    with pytest.raises(Killed):
        extract(model, packed, out, settings(maps_type="float32"), progress=kill_at(2))
    extract(model, packed, out, settings(maps_type="float32"))
    ours, theirs = (pd.read_parquet(each / "rows") for each in (out, whole))
    columns = ["row", "sha256", "label", "split", "predicted", "probability"]
    pd.testing.assert_frame_equal(ours[columns], theirs[columns])
    assert np.array_equal(np.concatenate(ours["maps"]), np.concatenate(theirs["maps"]))
    plan = Plan(Layout(out), read_description(Layout(out)))
    assert {each.bytes for each in plan.read(0)} == {-1}
