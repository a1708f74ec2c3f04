"""``intr-discover edit``: change one region of a photograph and ask the model again.

Standard library and Typer only at the top, as in ``cli``.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from intr_discover.cli_options import (
    BatchSize,
    Classes,
    Device,
    Precision,
    PrecisionName,
    Run,
    Seed,
    command_words,
    load_model,
)


class OperationName(StrEnum):
    """What can be done to a region."""

    erase = "erase"
    recolour = "recolour"
    transplant = "transplant"
    blur = "blur"
    mirror = "mirror"


# Names of fills, ranges and what goes with what are checked where the edit is made, so that Python
# and the command line agree.
def edit(
    run: Run,
    image: Annotated[Path, typer.Argument(help="The photograph.")],
    mask: Annotated[Path, typer.Option(help="Picture of its size, bright where it is edited.")],
    op: Annotated[OperationName, typer.Option("--op", help="What is done to the region.")],
    out: Annotated[Path, typer.Option(help="Folder for the edited photograph and the figures.")],
    fill: Annotated[
        str | None, typer.Option(help="How; the operation's usual way if left out.")
    ] = None,
    feather: Annotated[float, typer.Option(help="Width of the soft edge in pixels.")] = 0.0,
    strength: Annotated[float, typer.Option(help="0 (unchanged) to 1.")] = 1.0,
    colour: Annotated[
        str | None, typer.Option(help="Of recolour, and of erase with colour: '#d62728'.")
    ] = None,
    degrees: Annotated[
        float | None, typer.Option(help="Of recolour with hue: how far it is turned.")
    ] = None,
    lightness: Annotated[
        str | None, typer.Option(help="Of recolour with a colour: match or keep.")
    ] = None,
    radius: Annotated[
        float | None, typer.Option(help="Of inpainting, surround and blur, in pixels.")
    ] = None,
    donor: Annotated[
        Path | None, typer.Option(help="Photograph to transplant from, or to take colours from.")
    ] = None,
    donor_mask: Annotated[Path | None, typer.Option(help="Its region.")] = None,
    specimen: Annotated[
        Path | None, typer.Option(help="Mask of the specimen, where control regions may lie.")
    ] = None,
    controls: Annotated[
        int, typer.Option(min=0, help="Control regions: the same done elsewhere.")
    ] = 20,
    classes: Classes = None,
    seed: Seed = 0,
    batch_size: BatchSize = 32,
    device: Device = "auto",
    precision: Precision = PrecisionName.fp32,
) -> None:
    """Change one region of a photograph and ask again, beside control regions."""
    from intr_discover.studies.one_edit import describe, edit_photograph, make_edit

    made = make_edit(
        op.value,
        fill,
        donor=donor is not None,
        **_given(
            feather=feather,
            strength=strength,
            colour=colour,
            degrees=degrees,
            lightness=lightness,
            radius=radius,
        ),
    )
    explainer = load_model(run, classes, device, precision.value)
    done = edit_photograph(
        explainer,
        image,
        mask,
        made,
        specimen_path=specimen,
        donor_path=donor,
        donor_mask_path=donor_mask,
        controls=controls,
        seed=seed,
        batch_size=batch_size,
        command=command_words(),
    )
    done.save(out)
    for sentence in describe(done):
        print(sentence)
    print(f"wrote {out}")


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
