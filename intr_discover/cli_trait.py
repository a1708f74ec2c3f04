"""``intr-discover trait``: draw a trait once, have it on all specimens.

Standard library and Typer only at the top, as in ``cli``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from intr_discover.cli_options import (
    Data,
    UnusedBatchSize,
    UnusedSeed,
    command_words,
    read_collection,
)
from intr_discover.console import progress_bar

_LISTED = 10  # specimens on which the trait could not be placed


def trait(
    data: Data,
    image: Annotated[
        str, typer.Option(help="The specimen it was drawn on, as the specimen table names it.")
    ],
    mask: Annotated[
        Path,
        typer.Option(help="Picture of its size, bright where the trait is; or polygons (.json)."),
    ],
    name: Annotated[str, typer.Option(help="What the trait is called, for example red_patch.")],
    out: Annotated[Path, typer.Option(help="The folder to make.")],
    label: Annotated[
        list[str] | None, typer.Option(help="Only specimens of this label; may be repeated.")
    ] = None,
    both_wings: Annotated[
        bool, typer.Option("--both-wings", help="It was drawn on one wing: mirror it to the other.")
    ] = False,
    wider: Annotated[
        float, typer.Option(help="Widen what was drawn by so many pixels, to be sure of it.")
    ] = 0.0,
    seed: UnusedSeed = 0,
    batch_size: UnusedBatchSize = 1,
) -> None:
    """Lay a trait, drawn on one specimen, over all the others."""
    from intr_discover.studies.trait_folder import check_name, write_trait
    from intr_discover.studies.trait_placing import place, read_template

    check_name(name)
    collection = read_collection(data)
    template = read_template(collection, image, mask, both_wings=both_wings, wider=wider)
    with progress_bar("placing the trait") as progress:
        placed = place(collection, template, labels=label, progress=progress)
    result = write_trait(
        collection,
        placed,
        name,
        out,
        template=image,
        mask_path=mask,
        both_wings=both_wings,
        wider=wider,
        command=command_words(),
    )
    numbers = result.summary
    print(
        f"placed on {numbers['n_placed']} of {numbers['n']} specimens: "
        f"{numbers['n_by_landmarks']} by landmarks, {numbers['n_by_mask']} by their masks"
        + (f" ({numbers['n_guessed_mask']} guessed)" if numbers["n_guessed_mask"] else "")
    )
    if numbers["n_to_check"]:
        print(f"{numbers['n_to_check']} fit badly and stand first on {out / 'page_1.png'}")
    failed = [each for each in placed if each.mask is None]
    for each in failed[:_LISTED]:
        print(f"not placed: {each.image}: {each.note}")
    if len(failed) > _LISTED:
        print(f"and {len(failed) - _LISTED} more, with the reasons in {out / 'trait.csv'}")
    print(f"wrote {out}; look at {out / 'page_1.png'}, then for example")
    edits = out / "edits.csv"
    print(f"  intr-discover study manipulation RUN {out} --edits {edits} --split all --out DIR")
