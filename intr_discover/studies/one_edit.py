"""One photograph edited on request: everything about it, and the files that say so."""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from intr_discover.data.decoding import opened
from intr_discover.data.foreground import automatic_foreground
from intr_discover.data.images import read_image, read_mask
from intr_discover.edits.operation import Edit
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.figures.edit_sheet import edit_sheet_figure
from intr_discover.files import sha256, write_with
from intr_discover.studies.edit_regions import Mask, controls_beside, with_other_wing
from intr_discover.studies.edit_sheets import sheet_of
from intr_discover.studies.effect import CONTROLS, STRENGTHS, Effect, Trial, measure_effect
from intr_discover.studies.result import StudyResult
from intr_discover.studies.result import provenance as describe_run
from intr_discover.studies.studied import Picture
from intr_discover.studies.wording import percent

_SPECIMENS = {
    "given": "on the specimen's mask",
    "guessed": "on the specimen as it was guessed without a mask",
    "none": "anywhere in the picture, for no specimen was found in it",
}


@dataclass(frozen=True)
class EditedPhotograph:
    """One edit and what it did.

    Attributes
    ----------
    edited
        The photograph after it, uint8 ``[H, W, 3]``.
    effect
        The answers.
    result
        Table, numbers, figure and provenance, as a study has them.
    controls_lie
        Where control regions were sought, in words.
    """

    edited: Picture
    effect: Effect
    result: StudyResult
    controls_lie: str

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write ``edited.png`` and the files of :meth:`StudyResult.save`, each whole.

        Raises
        ------
        UserError
            When the folder is a file, or cannot be written to.
        """
        folder = Path(folder)
        path = folder / "edited.png"
        if folder.is_dir() or not folder.exists():
            try:
                # Where the provenance stands, everything beside it is complete.
                (folder / "provenance.json").unlink(missing_ok=True)
                write_with(path, lambda file: Image.fromarray(self.edited).save(file))
            except (PermissionError, FileExistsError, NotADirectoryError):
                pass  # the line below says so in words
        return [path, *self.result.save(folder)]


def make_edit(operation: str, fill: str | None, *, donor: bool, **parameters: Any) -> Edit:
    """Return the edit that is meant; the fill follows from what is given where none is named.

    Parameters
    ----------
    operation, fill, parameters
        As for :class:`Edit`.
    donor
        Whether a donor is given.
    """
    if operation == "recolour" and fill is None:
        if donor:
            fill = "donor"
        elif "degrees" in parameters:
            fill = "hue"
    return Edit(operation, fill, **parameters)


def edit_photograph(
    explainer: Explainer,
    image: Path,
    mask_path: Path,
    edit: Edit,
    *,
    specimen_path: Path | None = None,
    donor_path: Path | None = None,
    donor_mask_path: Path | None = None,
    layer_path: Path | None = None,
    controls: int = CONTROLS,
    seed: int = 0,
    batch_size: int = 32,
    command: Sequence[str] | None = None,
) -> EditedPhotograph:
    """Edit one photograph and ask about it, beside controls, a second fill and four strengths.

    Parameters
    ----------
    explainer
        The model.
    image, mask_path
        The photograph and its region.
    edit
        What is done.
    specimen_path
        Mask of the specimen, on which controls lie; guessed if left out.
    donor_path, donor_mask_path
        What ``transplant`` and ``recolour`` by a donor take.
    layer_path
        RGBA picture of the strokes that ``paint`` takes. Strokes cannot be made elsewhere, so there
        are no controls.
    controls, seed, batch_size
        As their names say.
    command
        The command line, for the record.

    Raises
    ------
    UserError
        If a file is missing, does not fit, or the model knows a single class.
    """
    if len(explainer.classes) < 2:
        raise UserError("the model knows a single class, so its answer cannot change")
    trial, found = read_trial(
        image,
        mask_path,
        edit,
        specimen_path=specimen_path,
        donor_path=donor_path,
        donor_mask_path=donor_mask_path,
        layer_path=layer_path,
        controls=controls,
        seed=seed,
    )
    effect = measure_effect(explainer, trial, batch_size)
    sheet = sheet_of(trial, effect, f"{image.name}: {edit.name}")
    files = {"image": image, "mask": mask_path, "specimen": specimen_path, "donor": donor_path,
             "donor_mask": donor_mask_path, "layer": layer_path}  # fmt: skip
    result = StudyResult(
        name="edit",
        table=_table(effect),
        summary=_summary(effect, trial.mask),
        provenance=describe_run(
            command,
            seed,
            explainer.fingerprint,
            None,
            device=explainer.device_name,
            precision=explainer.precision,
            edit=edit.as_dict(),
            files={name: path for name, path in files.items() if path is not None},
            fingerprints={name: sha256(path) for name, path in files.items() if path is not None},
            controls=trial.wanted,
            specimen_mask=found,
        ),
        drawings={"sheet": partial(edit_sheet_figure, sheet)},
        captions={"sheet": f"{image.name} before and after: {edit.name}."},
    )
    return EditedPhotograph(trial.apply(edit, trial.mask), effect, result, _SPECIMENS[found])


def read_trial(
    image: Path,
    mask_path: Path,
    edit: Edit,
    *,
    specimen_path: Path | None = None,
    donor_path: Path | None = None,
    donor_mask_path: Path | None = None,
    layer_path: Path | None = None,
    controls: int = CONTROLS,
    seed: int = 0,
) -> tuple[Trial, str]:
    """Read a photograph and everything that its edit takes, and lay out its control regions.

    Returns
    -------
    Trial
        What is to be done; ``trial.apply(edit, trial.mask)`` does it.
    str
        Whether the specimen's mask was ``given``, ``guessed``, or there is ``none``.

    Raises
    ------
    UserError
        If a file is missing or does not fit.
    """
    photograph = read_image(image)
    shape = (photograph.shape[0], photograph.shape[1])
    mask = read_mask(mask_path, shape)
    if not mask.any():
        raise UserError(f"the mask {mask_path} is empty: make it bright where it is to be edited")
    specimen, found = _specimen(photograph, specimen_path)
    pictures = _pictures(edit, donor_path, donor_mask_path, layer_path, specimen, found)
    wanted = 0 if "layer" in pictures else controls
    beside = controls_beside(
        mask,
        specimen,
        with_other_wing(mask, specimen),
        feather=edit.feather,
        count=wanted,
        generator=np.random.default_rng([seed, zlib.crc32(image.name.encode())]),
    )
    return Trial(photograph, mask, edit, beside, wanted, pictures), found


def describe(done: EditedPhotograph) -> list[str]:
    """Say what the edit did, beside its controls, and whether it may be called an effect."""
    effect = done.effect
    before, after = (effect.classes[c] for c in (effect.answer, effect.after))
    chances = effect.probabilities[:, effect.answer]
    if effect.flipped:
        own = float(effect.probabilities[1, effect.after])
        said = [
            f"{before} ({percent(chances[0])}) becomes {after} ({percent(own)}); {before} is left "
            f"with {percent(chances[1])}."
        ]
    else:
        said = [f"The answer stays {before}: {percent(chances[0])} before, "
                f"{percent(chances[1])} after."]  # fmt: skip
    said.append(f"Its lead of {effect.lead:.2f} logits drops by {effect.drop():.2f}.")
    return [*said, _controls(done), _verdict(effect)]


def exceeded_controls(effect: Effect) -> tuple[int, int]:
    """Return how many control regions the edit's drop is larger than, and how many there are."""
    drops = effect.control_drops()
    return int((effect.drop() > drops).sum()), len(drops)


def _controls(done: EditedPhotograph) -> str:
    effect = done.effect
    drops = effect.control_drops()
    if effect.wanted == 0:
        return "No control regions were asked for, so nobody can say what any edit would do."
    if not len(drops):
        return (
            f"No region of this shape fits {done.controls_lie}: there is no control, and no p. A "
            "smaller region would have some."
        )
    words = (
        f"The same in {len(drops)} control regions {done.controls_lie}: drops of "
        f"{drops.min():.2f} to {drops.max():.2f} logits, "
        f"{int(effect.control_flips().sum())} changed answers"
    )
    if math.isnan(effect.p()):
        return f"{words}. Fewer than {effect.wanted} fit: no p."
    return f"{words}; p = {effect.p():.3f}."


def _verdict(effect: Effect) -> str:
    if len(effect.outcomes) < 2:
        return "There is no second way to do this, so by itself it is not called an effect."
    other = effect.outcomes[1].edit
    name = f"{other.operation} with lightness {other.lightness}" if other.lightness else other.name
    drop = f"{effect.drop(1):.2f} logits"
    if effect.confirmed is None:
        return f"By {name} the lead drops by {drop}. Without a p for both, no effect is claimed."
    if effect.confirmed:
        return f"By {name} the lead drops by {drop} (p = {effect.p(1):.3f}): both agree, an effect."
    return (
        f"By {name} the lead drops by {drop} (p = {effect.p(1):.3f}): not both go beyond their "
        "controls, so no effect is claimed."
    )


def _specimen(photograph: Picture, path: Path | None) -> tuple[Mask | None, str]:
    """Return the specimen's mask, and whether it is given, guessed or none."""
    if path is not None:
        return read_mask(path, (photograph.shape[0], photograph.shape[1])), "given"
    guess = automatic_foreground(photograph)
    return guess, "none" if guess is None else "guessed"


def _pictures(
    edit: Edit,
    donor: Path | None,
    donor_mask: Path | None,
    layer: Path | None,
    specimen: Mask | None,
    found: str,
) -> dict[str, Any]:
    """Return what the edit takes beside photograph and mask.

    Raises
    ------
    UserError
        If something is missing, or given in vain.
    """
    pictures: dict[str, Any] = {}
    if "donor" in edit.takes:
        if donor is None or donor_mask is None:
            raise UserError(f"{edit.name} needs --donor and --donor-mask")
        pictures["donor"] = read_image(donor)
        pictures["donor_mask"] = read_mask(donor_mask, pictures["donor"].shape[:2])
    elif donor is not None or donor_mask is not None:
        raise UserError(f"{edit.name} takes no donor: leave --donor and --donor-mask out")
    if "layer" in edit.takes:
        if layer is None:
            raise UserError(f"{edit.name} needs the strokes that are painted")
        pictures["layer"] = _read_layer(layer)
    elif layer is not None:
        raise UserError(f"{edit.name} takes no strokes")
    if "specimen" in edit.takes:
        if specimen is None:
            raise UserError("mirror needs the specimen's mask: give it with --specimen")
        pictures["specimen"] = specimen
    if "background" in edit.takes and found == "given":
        assert specimen is not None
        pictures["background"] = ~specimen
    return pictures


def _read_layer(path: Path) -> Picture:
    """Return strokes as they were written, uint8 RGBA: no colour profile, no ground."""
    with opened(path) as (image, _):
        return np.asarray(image.convert("RGBA"))


def _table(effect: Effect) -> pd.DataFrame:
    """Return one row for each picture that the model was asked about."""
    rows: list[dict[str, Any]] = []

    def add(kind: str, fill: str | None, strength: float, number: int | None, logits: Any) -> None:
        scores = np.asarray(logits)
        chances = np.exp(scores - scores.max())
        rows.append({
            "picture": kind, "fill": fill, "strength": strength, "control": number,
            "answer": effect.classes[int(scores.argmax())],
            "probability_of_answer_before": float(chances[effect.answer] / chances.sum()),
            "drop": None,
        })  # fmt: skip

    add("photograph", None, 0.0, None, effect.before)
    drops = [0.0]
    for strength, logits, drop in list(
        zip(STRENGTHS, effect.doses, effect.dose_drops, strict=True)
    )[1:-1]:
        add("weaker edit", effect.outcomes[0].edit.fill, strength, None, logits)
        drops.append(float(drop))
    for fill, outcome in enumerate(effect.outcomes):
        words = outcome.edit.fill
        if outcome.edit.lightness is not None:
            words = f"{words}, lightness {outcome.edit.lightness}"
        add("edit" if fill == 0 else "second fill", words, 1.0, None, outcome.logits)
        drops.append(effect.drop(fill))
        for number, (logits, drop) in enumerate(
            zip(outcome.control_logits, effect.control_drops(fill), strict=True), 1
        ):
            add("control", words, 1.0, number, logits)
            drops.append(float(drop))
    table = pd.DataFrame(rows)
    table["drop"] = drops
    return table


def _summary(effect: Effect, mask: Mask) -> dict[str, Any]:
    """Return the numbers of one edit; drops in logits."""
    controls = effect.control_drops()
    change, mass = effect.map_change, effect.mass_inside
    two = len(effect.outcomes) > 1
    return {
        "n": 1,
        "answer_before": effect.classes[effect.answer],
        "answer_after": effect.classes[effect.after],
        "flip": effect.flipped,
        "probability_before": float(effect.probabilities[0, effect.answer]),
        "probability_after": float(effect.probabilities[1, effect.answer]),
        "lead_before": effect.lead,
        "drop": effect.drop(),
        "controls": len(controls),
        "control_drop": float(controls.mean()) if len(controls) else None,
        "control_flips": int(effect.control_flips().sum()) if len(controls) else None,
        "p": effect.p(),
        "second_fill": effect.outcomes[1].edit.name if two else None,
        "second_drop": effect.drop(1) if two else None,
        "second_p": effect.p(1) if two else None,
        "confirmed": effect.confirmed,
        "area": float(mask.mean()),
        "map_change": None if change is None else float(change.mean()),
        "mass_before": None if mass is None else float(mass[0].mean()),
        "mass_after": None if mass is None else float(mass[1].mean()),
    }
