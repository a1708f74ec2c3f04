"""The study ``neighbours``: trains what is missing, measures each method, and puts them together.

A method that is finished is neither trained nor measured again: its numbers lie in
``measured/<method>``, with a record of what they rest on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from intr_discover.data.specimens import Specimens
from intr_discover.data.splits import cut_validation
from intr_discover.errors import UserError
from intr_discover.explain.explainer import load
from intr_discover.explain.method import FitSettings, Method, MethodKind, Progress, Say
from intr_discover.files import replacing, write_json, write_with
from intr_discover.neighbours.budget import photographs_config, seconds_of_training
from intr_discover.neighbours.examined import Shown, examine
from intr_discover.neighbours.measures import measures_of, rows_of, wide
from intr_discover.neighbours.own_runs import fit_run
from intr_discover.neighbours.pictures import add_figures
from intr_discover.neighbours.registry import find_methods
from intr_discover.neighbours.wishes import Wishes
from intr_discover.studies.judge import Judge
from intr_discover.studies.result import StudyResult, plain
from intr_discover.studies.result import provenance as describe_run

Bars = Callable[[str], AbstractContextManager[Progress | None]]

TRAINED, MEASURED = "trained", "measured"
JUDGE = "plain"
"""The folder of the plain classifier, which CAM, Grad-CAM and RISE explain and which judges."""

_NUMBERS, _PHOTOGRAPHS, _SHOWN = "numbers.json", "photographs.csv", "shown.npz"


@dataclass(frozen=True)
class Place:
    """Where the files of a comparison lie.

    Attributes
    ----------
    out
        Its folder.
    runs
        Folders that were trained before, by the name of the method.
    """

    out: Path
    runs: Mapping[str, Path]

    def trained(self, kind: MethodKind) -> Path:
        """Return the folder of a method's training."""
        return (
            self.runs.get(kind.name)
            or self.runs.get(kind.folder)
            or (self.out / TRAINED / kind.folder)
        )

    @property
    def judge(self) -> Path:
        """Return the run of the plain classifier."""
        return self.runs.get(JUDGE) or self.out / TRAINED / JUDGE

    def measured(self, name: str) -> Path:
        """Return the folder of a method's numbers."""
        return self.out / MEASURED / name


def no_bars(words: str) -> AbstractContextManager[Progress | None]:
    """Show no progress."""
    return nullcontext(None)


def compare(
    specimens: Specimens,
    kinds: Sequence[MethodKind],
    settings: FitSettings,
    wishes: Wishes,
    out: Path,
    *,
    command: Sequence[str] | None = None,
    bars: Bars = no_bars,
    say: Say = print,
) -> StudyResult:
    """Train and measure methods; write nothing but their own folders below ``out``.

    Parameters
    ----------
    specimens
        The whole collection with its splits: trained on ``train`` and ``val``, measured on
        ``wishes.split``.
    kinds
        The methods.
    settings, wishes
        How they are trained, and what is measured.
    out
        The folder of the comparison.
    command
        The command line, word by word, for the record.
    bars
        Makes the progress bar of a step.
    say
        Called with one line for people at a time.

    Returns
    -------
    StudyResult
        ``table``: ``method``, ``measure``, ``value``, ``low``, ``high``, ``n``, ``note``.
        ``tables``: ``wide`` (one row a method, for reading) and ``photographs``. A method that
        cannot be had here has one row ``accuracy`` without a number, and its ``note`` says why.

    Raises
    ------
    UserError
        If no method can be had, or the collection has no split to train on and another to measure.
    """
    measured_on = _measured_split(specimens, wishes)
    place = Place(out, wishes.runs)
    if wishes.judge is None:
        _train_judge(specimens, settings, place, bars, say)
    judge_run = place.judge if wishes.judge is None else Path(wishes.judge)
    judge = Judge(load(judge_run, device=settings.device), str(judge_run.name))
    measured_on.label_ids(judge.explainer.classes)
    rows: list[dict[str, Any]] = []
    photographs: list[pd.DataFrame] = []
    shown: dict[str, list[Shown]] = {}
    prints: dict[str, str] = {}
    data = measured_on.fingerprint()
    shared = {
        "judge_fingerprint": judge.explainer.fingerprint,
        "data_fingerprint": data,
        "marked_fingerprint": marked_fingerprint(measured_on),
        **wishes.record(),
    }
    for kind in kinds:
        where = place.measured(kind.name)
        before = _read(where) if (where / _NUMBERS).is_file() else None
        reason = None if kind.name in wishes.runs else kind.needs(settings)
        if reason is None:
            try:
                method = _trained(kind, specimens, settings, place, bars, say)
                record = plain({**shared, **_of_method(kind, method, settings)})
                if before is not None and before["record"] == record:
                    say(f"{kind.title}: measured before")
                else:
                    with bars(f"measuring {kind.title}") as progress:
                        _measure(kind, method, judge, measured_on, wishes, place, record, progress)
            except UserError as error:  # what one method cannot do here costs the others nothing
                reason = str(error)
        if reason is not None:
            say(f"{kind.title}: left out: {reason}")
            rows.append(_left_out(kind, reason))
            continue
        prints[kind.name] = record["model_fingerprint"]
        rows += rows_of(_read(where)["numbers"])
        photographs.append(pd.read_csv(where / _PHOTOGRAPHS).assign(method=kind.name))
        shown[kind.name] = read_shown(where / _SHOWN)
    if not photographs:
        raise UserError(f"no method can be had here: {rows[0]['note']}")
    table = pd.DataFrame(rows)
    titles = {kind.name: kind.title for kind in kinds}
    result = StudyResult(
        "neighbours",
        table,
        _summary(table, measured_on),
        describe_run(
            command,
            wishes.seed,
            None,
            data,
            device=judge.explainer.device_name,
            judge=judge.name,
            photographs=split_sizes(specimens, settings, wishes.split),
            methods=list(titles),
            model_fingerprints=prints,
            fit=settings_record(settings),
            measured=wishes.record(),
        ),
        {"wide": wide(table, titles), "photographs": pd.concat(photographs, ignore_index=True)},
    )
    add_figures(result, shown, titles, {kind.name: kind.unit for kind in kinds})
    return result


def settings_record(settings: FitSettings) -> dict[str, Any]:
    """Return the settings of the trainings for the record."""
    known = {name: getattr(settings, name) for name in settings.__dataclass_fields__}
    known["training"], known["options"] = dict(settings.training), dict(settings.options)
    return known


def split_sizes(specimens: Specimens, settings: FitSettings, split: str) -> dict[str, int]:
    """Return how many photographs train, validate, and are measured, as the trainings have it.

    Parameters
    ----------
    specimens
        The whole collection.
    settings
        Of the trainings: without a split ``val`` they cut it from ``train`` by their seed.
    split
        Which photographs are measured, or ``all``.

    Returns
    -------
    dict
        ``train``, ``val`` and ``measured``.
    """
    config = photographs_config(settings)
    used = specimens.table["split"].isin(["train", "val"])
    usable = specimens.with_table(specimens.table[used])
    if not usable.has_split("val"):
        usable = cut_validation(usable, config.validation_share, config.seed)
    counts = usable.table["split"].value_counts()
    measured = specimens if split == "all" else specimens.select(split=split)
    return {
        "train": int(counts.get("train", 0)),
        "val": int(counts.get("val", 0)),
        "measured": len(measured),
    }


_FINDINGS = (
    ("accuracy", max, "Most often right"),
    ("attribute_hit", max, "Hits the separating attribute most often"),
    ("unit_consistency", max, "Units see the same from photograph to photograph most in"),
    ("insertion", max, "Best insertion curve"),
    ("deletion", min, "Best deletion curve"),
    ("flip_4", max, "Own answers change most when the top 4 % of the map are erased"),
    ("off_specimen", min, "Least of the map off the specimen"),
)


def findings(result: StudyResult) -> list[str]:
    """Say of each measure which method comes first, and where INTR stands."""
    titles = {name: kind.title for name, kind in find_methods().items()}
    said = []
    for measure, better, words in _FINDINGS:
        rows = result.table[result.table["measure"] == measure].dropna(subset="value")
        if len(rows) < 2:
            continue
        best = rows[rows["value"] == better(rows["value"])]
        names = " and ".join(titles.get(name, name) for name in best["method"])
        first = best.iloc[0]
        line = f"{words}: {names}, {_with_interval(first)}, n = {int(first['n'])}"
        own = rows[rows["method"] == "intr"]
        if len(own) and "intr" not in set(best["method"]):
            line += f"; INTR {_with_interval(own.iloc[0])}"
        said.append(f"{line}.")
    for note in result.table.loc[result.table["note"].str.startswith("left out"), "note"]:
        said.append(note)
    return said


def _with_interval(row: pd.Series[Any]) -> str:
    return f"{row['value']:.2f} ({row['low']:.2f} to {row['high']:.2f})"


def write_shown(path: Path, shown: Sequence[Shown]) -> None:
    """Write the photographs of the figures as ``.npz``."""
    arrays: dict[str, Any] = {"count": len(shown)}
    for number, each in enumerate(shown):
        for name, value in asdict(each).items():
            arrays[f"{number}_{name}"] = np.array(value)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)


def read_shown(path: Path) -> list[Shown]:
    """Read them again; nothing in the file is executed."""
    with np.load(path, allow_pickle=False) as stored:
        return [
            Shown(
                str(stored[f"{number}_image"]),
                str(stored[f"{number}_label"]),
                stored[f"{number}_photograph"],
                stored[f"{number}_overall"],
                stored[f"{number}_units"],
                [str(name) for name in stored[f"{number}_names"]],
            )
            for number in range(int(stored["count"]))
        ]


def shown_of(out: Path, name: str) -> list[Shown]:
    """Return the photographs of the figures of a comparison; none of a method that was left out."""
    path = Place(out, {}).measured(name) / _SHOWN
    return read_shown(path) if path.is_file() else []


def _measured_split(specimens: Specimens, wishes: Wishes) -> Specimens:
    if not specimens.has_split("train"):
        raise UserError(
            f"{specimens.source}: a comparison trains on the split 'train' and measures on "
            "another; give the table a column split"
        )
    if wishes.split == "all":
        return specimens
    return specimens.select(split=wishes.split)


def _train_judge(
    specimens: Specimens, settings: FitSettings, place: Place, bars: Bars, say: Say
) -> None:
    if JUDGE in place.runs:
        return
    with bars("training the judge (plain)") as progress:
        fit_run("plain")(specimens, settings, place.judge, progress, say)


def marked_fingerprint(specimens: Specimens) -> str:
    """Return the SHA-256 of what is known of photographs beside their labels: tables, not masks.

    Numbers that were measured before somebody marked the attributes must not pass for new ones.
    """
    tables = (specimens.attributes, specimens.keypoints, specimens.pairs)
    words = ["" if table is None else table.to_csv(index=False) for table in tables]
    words.append(",".join(str(path is not None) for path in specimens.mask_paths))
    return hashlib.sha256("\x1e".join(words).encode()).hexdigest()


def _trained(
    kind: MethodKind,
    specimens: Specimens,
    settings: FitSettings,
    place: Place,
    bars: Bars,
    say: Say,
) -> Method:
    """Return a method, trained where that is still to be done."""
    folder = place.trained(kind)
    if kind.name not in place.runs and kind.folder not in place.runs:
        with bars(f"training {kind.title}") as progress:
            kind.fit(specimens, settings, folder, progress, say)
    return kind.load(folder, settings)


def _of_method(kind: MethodKind, method: Method, settings: FitSettings) -> dict[str, Any]:
    """Return what numbers of a method rest on beside what all share."""
    own = {
        name: value for name, value in settings.options.items() if name.startswith(f"{kind.name}_")
    }
    return {"method": kind.name, "model_fingerprint": method.fingerprint, "options": own}


def _read(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / _NUMBERS).read_text(encoding="utf-8"))
        if not isinstance(found, dict) or not {"record", "numbers"} <= found.keys():
            raise ValueError("record or numbers missing")
    except (OSError, ValueError) as error:
        raise UserError(
            f"{folder / _NUMBERS} cannot be read ({error}); remove the folder {folder}, and the "
            "method is measured again"
        ) from error
    return found


def _measure(
    kind: MethodKind,
    method: Method,
    judge: Judge,
    specimens: Specimens,
    wishes: Wishes,
    place: Place,
    record: dict[str, Any],
    progress: Progress | None,
) -> None:
    """Measure a method and write its folder; the numbers last."""
    where = place.measured(kind.name)
    examined = examine(method, judge, specimens, wishes, slow=kind.slow, progress=progress)
    note = "" if kind.run is None else f"of the model in {kind.folder}, which others explain too"
    numbers = measures_of(
        kind.name,
        examined,
        parameters=method.parameters,
        training_seconds=seconds_of_training(place.trained(kind)),
        training_note=note,
        shares=wishes.shares,
        seed=wishes.seed,
    )
    where.mkdir(parents=True, exist_ok=True)
    write_with(where / _PHOTOGRAPHS, lambda file: examined.photographs.to_csv(file, index=False))
    write_shown(where / _SHOWN, examined.shown)
    write_json(
        where / _NUMBERS,
        {"record": record, "numbers": plain([each.as_dict() for each in numbers])},
    )


def _left_out(kind: MethodKind, reason: str) -> dict[str, Any]:
    missing = float("nan")
    return {
        "method": kind.name, "measure": "accuracy", "value": missing, "low": missing,
        "high": missing, "n": 0, "note": f"left out: {reason}",
    }  # fmt: skip


def _summary(table: pd.DataFrame, specimens: Specimens) -> dict[str, Any]:
    """Return each number by ``<measure>_<method>``, with its interval, and the photographs."""
    summary: dict[str, Any] = {"n": len(specimens)}
    for row in table.to_dict("records"):
        key = f"{row['measure']}_{row['method']}"
        summary |= {key: row["value"], f"{key}_low": row["low"], f"{key}_high": row["high"]}
        summary[f"{key}_n"] = row["n"]
    return summary
