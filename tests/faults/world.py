"""A small collection and a small model, and the command line as a person meets it.

Used by the tests here and by ``benchmarks/faults.py``.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image

from intr_discover.cli import main
from intr_discover.data.preprocessing import Preprocessing
from intr_discover.model.checkpoint import save_checkpoint
from intr_discover.model.intr import INTR, INTRConfig

COLOURS = {"blue": (40, 40, 200), "green": (40, 180, 40), "red": (200, 40, 40)}
WIDTH, HEIGHT = 40, 32

# Lines that belong on stderr beside the one that says what is wrong.
_PROGRESS = re.compile(r"(planned: .*|[\w' ]+: \d+ of \d+, [\d:]+ left)")

SMALL = ["--set", "image_size=32", "--set", "width=16", "--set", "heads=4",
         "--set", "feed_forward=16", "--set", "decoder_layers=1",
         "--batch-size", "8", "--device", "cpu"]  # fmt: skip
"""Settings of a training of a second or two."""


def photograph(label: str, number: int) -> np.ndarray:
    """Return a noisy picture with one square of the label's colour, uint8 ``[32, 40, 3]``."""
    generator = np.random.default_rng([number, *label.encode()])
    pixels = generator.integers(150, 200, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    pixels[8:20, 10:26] = COLOURS[label]
    return pixels


def square(top: int = 8, left: int = 10, height: int = 12, width: int = 16) -> np.ndarray:
    """Return a mask of a photograph, 255 in the square."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[top : top + height, left : left + width] = 255
    return mask


def write_collection(folder: Path, train: int = 6, test: int = 3) -> Path:
    """Write photographs with masks, an attribute, keypoints and a pair."""
    rows, attributes, keypoints = [], [], []
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for label in COLOURS:
        for number in range(train + test):
            image, mask = f"images/{label}_{number}.png", f"masks/{label}_{number}.png"
            Image.fromarray(photograph(label, number)).save(folder / image)
            Image.fromarray(square()).save(folder / mask)
            split = "train" if number < train else "test"
            rows.append((image, label, split, f"{label}{number}", mask))
            attributes.append((image, "square", mask))
            keypoints += [(image, name, x, y) for name, x, y in
                          (("left", 10, 14), ("right", 25, 14), ("top", 18, 8))]  # fmt: skip
    tables = {
        "specimens": (rows, ["image", "label", "split", "specimen_id", "mask"]),
        "attributes": (attributes, ["image", "attribute", "mask"]),
        "keypoints": (keypoints, ["image", "keypoint", "x", "y"]),
        "pairs": ([("blue", "green")], ["label_a", "label_b"]),
    }
    for name, (content, columns) in tables.items():
        pd.DataFrame(content, columns=columns).to_csv(folder / f"{name}.csv", index=False)
    return folder


def small_model(classes: int = 3, seed: int = 0) -> INTR:
    """Return an INTR with random weights of a few thousand parameters beside its ResNet's."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return INTR(
            INTRConfig(num_classes=classes, backbone="resnet18", backbone_stride=8, width=16,
                       heads=4, encoder_layers=1, decoder_layers=1, feed_forward=16)
        ).eval()  # fmt: skip


def write_run(folder: Path, model: INTR | None = None, **changes: object) -> Path:
    """Write a run folder whose classes are those of the collection."""
    more = {
        "classes": list(COLOURS),
        "preprocessing": Preprocessing(size=32, longest=None).as_dict(),
        "status": "finished",
        **changes,
    }
    save_checkpoint(folder, small_model() if model is None else model, more)
    return folder


@dataclass(frozen=True)
class World:
    """What the commands of the tests are given.

    Attributes
    ----------
    data, run
        A collection and a run folder; they are never changed.
    """

    data: Path
    run: Path

    @classmethod
    def make(cls, folder: Path) -> World:
        """Write it."""
        return cls(write_collection(folder / "data"), write_run(folder / "run"))

    @property
    def places(self) -> dict[str, str]:
        """What stands in braces in the words of a command."""
        photo = self.data / "images" / "red_0.png"
        mask = self.data / "masks" / "red_0.png"
        return {"data": str(self.data), "run": str(self.run), "photo": str(photo),
                "mask": str(mask)}  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What a command did.

    Attributes
    ----------
    status
        Its exit code; None where it ended in an exception.
    out, err
        What it wrote.
    """

    status: int | None
    out: str
    err: str

    @property
    def message(self) -> str:
        """The line that says what is wrong, without the program's name."""
        lines = [line for line in self.err.splitlines() if line.startswith("intr-discover: ")]
        return lines[-1].removeprefix("intr-discover: ") if lines else ""

    @property
    def other_lines(self) -> list[str]:
        """Lines on stderr that are neither that one nor progress."""
        lines = [line for line in self.err.splitlines() if line.strip()]
        kept = [line for line in lines if not _PROGRESS.fullmatch(line)]
        return [line for line in kept if line != f"intr-discover: {self.message}"]


def run_here(words: Sequence[str], folder: Path) -> Outcome:
    """Run ``intr-discover WORDS`` in this process, as if it was called in a folder."""
    out, err = io.StringIO(), io.StringIO()
    argv, status = sys.argv, 0
    sys.argv = ["intr-discover", *words]
    try:
        with (
            contextlib.chdir(folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            main()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        err.write(traceback.format_exc())
        status = None
    finally:
        sys.argv = argv
    return Outcome(status, out.getvalue(), err.getvalue())


def fill_in(words: Sequence[str], places: dict[str, str]) -> list[str]:
    """Put the places of a world into words."""
    filled = []
    for word in words:
        for name, place in places.items():
            word = word.replace("{" + name + "}", place)
        filled.append(word)
    return filled


def nothing(folder: Path) -> None:
    """Make no file."""


@dataclass(frozen=True)
class BadInput:
    """One mistake that a person can make, and what must be said of it.

    Attributes
    ----------
    group, kind
        What it is, in words, for the table of the documentation.
    words
        The command, with ``{data}``, ``{run}``, ``{photo}`` and ``{mask}`` for what is sound.
    names
        Words that the message must hold: the file or the option, and what is wrong with it.
    make
        Writes the bad files into the folder that the command is called in.
    """

    group: str
    kind: str
    words: tuple[str, ...]
    names: tuple[str, ...]
    make: Callable[[Path], object] = field(default=nothing)

    @property
    def label(self) -> str:
        """Its name in a report of tests."""
        return f"{self.group}: {self.kind}"


def kinds(group: str, *rows: tuple[object, ...]) -> list[BadInput]:
    """Return the rows of one group: kind, words as one text, names (one or several), files."""
    found = []
    for kind, words, names, *make in rows:
        wanted = (names,) if isinstance(names, str) else tuple(names)  # type: ignore[arg-type]
        found.append(BadInput(group, str(kind), tuple(str(words).split()), wanted, *make))  # type: ignore[arg-type]
    return found


def listing(folder: Path) -> dict[str, int]:
    """Return every file and folder below a folder, with sizes: what a mistake must not change."""
    return {
        path.relative_to(folder).as_posix(): path.lstat().st_size if not path.is_dir() else 0
        for path in folder.rglob("*")
        # A reader of a database lays these beside it, and the next writer takes them away.
        if not path.name.endswith(("-shm", "-wal"))
    }
