"""What is killed, what must be true of its files each time, and how it goes on.

Each function kills one kind of work so many times and returns how often; the tests call them, and
``benchmarks/faults.py`` makes a table of them.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from safetensors.torch import load_file

from intr_discover.annotations import open_database
from intr_discover.annotations.transfer import export_csv
from intr_discover.files import is_temporary
from intr_discover.model.checkpoint import fingerprint, load_checkpoint
from tests.faults.killing import KILLED, Ended, Kills, WarmServer, kill_at_random_moments, leftovers
from tests.faults.world import SMALL, World

EPOCHS = 2


class Leftovers:
    """What was left unfinished so far."""

    def __init__(self) -> None:
        self.seen: set[str] = set()

    def new(self, folder: Path) -> bool:
        """Return whether something unfinished is there that was not there the last time."""
        found = set(leftovers(folder)) if folder.exists() else set()
        new = found - self.seen
        self.seen |= found
        return bool(new)


def whole(folder: Path) -> None:
    """Read every file of a folder of results to its end."""
    readers: dict[str, Callable[[Path], object]] = {
        ".json": lambda path: json.loads(path.read_text()),
        ".csv": lambda path: pd.read_csv(path),
        ".png": lambda path: Image.open(path).load(),
        ".npz": lambda path: {name: np.load(path)[name] for name in np.load(path).files},
        ".safetensors": load_file,
        ".parquet": lambda path: pd.read_parquet(path),
        ".pt": lambda path: torch.load(path, weights_only=True),
    }
    for path in folder.rglob("*"):
        unfinished = any(part.endswith(".tmp") for part in path.relative_to(folder).parts)
        if not path.is_file() or unfinished:
            continue
        if path.suffix == ".pdf":
            assert path.read_bytes().rstrip().endswith(b"%%EOF"), f"{path} is half a file"
            continue
        try:
            readers.get(path.suffix, Path.read_bytes)(path)
        except Exception as error:
            raise AssertionError(f"{path} cannot be read: {error}") from error


def same_weights(one: Path, other: Path) -> None:
    """Compare the weights of two runs bit for bit."""
    for name in ("model.safetensors", "last.safetensors"):
        first, second = load_file(one / name), load_file(other / name)
        assert first.keys() == second.keys()
        different = [key for key in first if not torch.equal(first[key], second[key])]
        assert not different, f"{name}: {different[:3]} differ"


def training(server: WarmServer, world: World, folder: Path, kills: int, seed: int = 0) -> Kills:
    """A training that is killed goes on with --resume, to the very weights of one never killed."""
    words = ["train", str(world.data), "--epochs", str(EPOCHS), *SMALL, "--resume",
             "--set", "checkpoint_minutes=0", "--out"]  # fmt: skip
    undisturbed = server.run(*words, str(folder / "undisturbed"))
    assert undisturbed.status == 0, undisturbed.said
    run = folder / "run"
    left = Leftovers()

    def check(ended: Ended) -> bool:
        if run.exists():
            whole(run)
        if ended.status == KILLED:
            return left.new(run)
        assert ended.status == 0, ended.said
        same_weights(folder / "undisturbed", run)
        assert not leftovers(run), leftovers(run)
        assert not (run / "resume").exists() and (run / "provenance.json").exists()
        shutil.rmtree(run)  # and from the beginning
        return False

    done = kill_at_random_moments(
        server, [*words, str(run)], check, seconds=undisturbed.seconds, kills=kills, seed=seed
    )
    check(server.run(*words, str(run)))
    return done


def study_saving(
    server: WarmServer, world: World, folder: Path, kills: int, seed: int = 0
) -> Kills:
    """Where the record of a study stands, everything beside it is whole and of one run."""
    out = folder / "results"
    words = ["evaluate", str(world.run), str(world.data), "--out", str(out), "--device", "cpu"]
    first = server.run(*words)
    assert first.status == 0, first.said
    expected = {path.name: path.read_bytes() for path in out.iterdir()}
    left = Leftovers()

    def check(ended: Ended) -> bool:
        whole(out)
        if ended.status == KILLED and not (out / "provenance.json").exists():
            return left.new(out)  # the folder says that it is not complete
        assert {name: (out / name).read_bytes() for name in expected} == expected
        return left.new(out)

    done = kill_at_random_moments(
        server, words, check, seconds=first.seconds, kills=kills, seed=seed
    )
    last = server.run(*words)
    assert last.status == 0, last.said
    check(last)
    assert not leftovers(out), leftovers(out)
    return done


def run_folder_saving(
    server: WarmServer, world: World, folder: Path, kills: int, seed: int = 0
) -> Kills:
    """A run folder that is saved is there whole, or says that it is none."""
    checkpoint, out = folder / "bare.pth", folder / "imported"
    tensors = {f"module.{n}": t for n, t in _official(world).items()}
    torch.save({"model": tensors}, checkpoint)
    (folder / "names.txt").write_text("blue\ngreen\nred\n")
    words = ["import", str(checkpoint), "--classes", str(folder / "names.txt"), "--out", str(out)]
    first = server.run(*words)
    assert first.status == 0, first.said
    expected = fingerprint(load_checkpoint(out))
    shutil.rmtree(out)
    left = Leftovers()

    def check(ended: Ended) -> bool:
        if not out.exists():
            return False
        whole(out)
        found = left.new(out)
        inside = {path.name for path in out.iterdir() if not is_temporary(path)}
        if inside == {"model.safetensors", "config.json"}:
            assert fingerprint(load_checkpoint(out)) == expected
            assert ended.status == KILLED or not leftovers(out), leftovers(out)
            shutil.rmtree(out)
        elif inside:
            said = server.run("predict", str(out), str(world.data / "images" / "red_0.png"))
            assert said.status == 2 and "config.json" in said.message, said.said
            again = server.run(*words)
            assert again.status == 2 and "not empty" in again.message, again.said
            shutil.rmtree(out)
            found = True
        # A folder with nothing but leftovers in it counts as empty: the next import writes into it.
        return found

    done = kill_at_random_moments(
        server, words, check, seconds=first.seconds, kills=kills, seed=seed
    )
    shutil.rmtree(out, ignore_errors=True)
    last = server.run(*words)
    assert last.status == 0, last.said
    assert not leftovers(out), leftovers(out)
    return done


def _official(world: World) -> dict[str, torch.Tensor]:
    """Return the weights of the world's model under the names of the official code."""
    from intr_discover.model.layouts import to_official

    state = load_checkpoint(world.run).state_dict()
    return {to_official(name): tensor for name, tensor in state.items()}


def annotation_writing(
    server: WarmServer, world: World, folder: Path, kills: int, seed: int = 0
) -> Kills:
    """Every answer that was acknowledged is in the database, and at most one more."""
    path = folder / "annotations.db"
    open_database(path)

    def check(ended: Ended) -> bool:
        said = ended.said[: ended.said.rfind("\n") + 1].split()  # the last line may be half
        assert "Traceback" not in ended.said
        kept = [each.label for each in open_database(path).names.all()]
        assert kept[: len(said)] == [f"class {number}" for number in said]
        assert len(kept) - len(said) in (0, 1)
        connection = sqlite3.connect(path)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.execute("DELETE FROM head_names")
        connection.commit()
        connection.close()
        return len(kept) > len(said)

    done = kill_at_random_moments(
        server, ["rate", str(path), "Ann", "100000"], check, seconds=0.4, kills=kills, seed=seed
    )
    open_database(path).names.add("Bo", "a" * 64, "class", 0, "name")
    assert {each.name for each in folder.iterdir()} == {path.name}
    return done


def annotation_import(
    server: WarmServer, world: World, folder: Path, kills: int, seed: int = 0
) -> Kills:
    """Sheets are imported all or not at all."""
    source, path, count = open_database(folder / "source.db"), folder / "copy.db", 300
    source.write(lambda connection: None)
    sheets = folder / "sheets"
    for number in range(3):
        source.names.add("Ann", "a" * 64, f"class {number}", 0, "patch")
    export_csv(source, sheets)
    table = pd.read_csv(sheets / "head_names.csv", dtype=str)
    many = pd.concat([table.assign(head=str(head)) for head in range(count // 3)])
    many.to_csv(sheets / "head_names.csv", index=False)
    words = ["annotations", "import", str(sheets), "--database", str(path)]
    first = server.run(*words)
    assert first.status == 0, first.said
    path.unlink()

    def check(ended: Ended) -> bool:
        if not path.exists():
            return False
        kept = len(open_database(path).names.all())
        assert kept in ((0, count) if ended.status == KILLED else (count,)), kept
        for each in folder.glob("copy.db*"):
            each.unlink()
        return kept == 0

    done = kill_at_random_moments(
        server, words, check, seconds=first.seconds, kills=kills, seed=seed
    )
    assert server.run(*words).status == 0
    assert server.run(*words).status == 0  # once more adds nothing
    assert len(open_database(path).names.all()) == count
    return done


def extraction(server: WarmServer, world: World, folder: Path, kills: int, seed: int = 0) -> Kills:
    """An extraction that is killed goes on, to the very rows of one never killed."""
    words = ["extract", str(world.run), str(world.data), "--images-per-shard", "4",
             "--device", "cpu", "--out"]  # fmt: skip
    undisturbed = server.run(*words, str(folder / "undisturbed"))
    assert undisturbed.status == 0, undisturbed.said
    expected = parquet_of(folder / "undisturbed")
    out = folder / "set"
    left = Leftovers()

    def check(ended: Ended) -> bool:
        if out.exists():
            whole(out)
        if ended.status == KILLED:
            return left.new(out)
        assert ended.status == 0, ended.said
        assert not leftovers(out), leftovers(out)
        found = parquet_of(out)
        assert found.keys() == expected.keys()
        for name, table in expected.items():
            pd.testing.assert_frame_equal(found[name], table, check_exact=True)
        shutil.rmtree(out)
        return False

    done = kill_at_random_moments(
        server, [*words, str(out)], check, seconds=undisturbed.seconds, kills=kills, seed=seed
    )
    check(server.run(*words, str(out)))
    return done


def parquet_of(folder: Path) -> dict[str, pd.DataFrame]:
    """Return every Parquet file of a data set."""
    paths = sorted(folder.rglob("*.parquet"))
    assert paths, f"{folder} holds no Parquet file"
    return {path.relative_to(folder).as_posix(): pd.read_parquet(path) for path in paths}


KILL_CASES: dict[str, Callable[[WarmServer, World, Path, int, int], Kills]] = {
    "training": training,
    "extraction": extraction,
    "saving a study": study_saving,
    "saving a run folder": run_folder_saving,
    "writing annotations": annotation_writing,
    "importing annotations": annotation_import,
}
