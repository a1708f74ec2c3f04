"""``intr-discover models``: published weights, fetched once and checked.

Standard library and Typer only at the top, as in ``cli``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from intr_discover.console import progress_bar

models_app = typer.Typer(no_args_is_help=True, help="Fetch published weights, and check them.")


@models_app.command("list")
def list_models(
    timm: Annotated[
        str | None,
        typer.Option(help="Names of timm's models with weights, such as 'resnet50*'."),
    ] = None,
) -> None:
    """List the weights that can be fetched; asks no network."""
    from intr_discover.catalogue import catalogue
    from intr_discover.errors import UserError

    if timm is not None:
        from timm import list_pretrained

        names = list_pretrained(timm)
        if not names:
            raise UserError(f"timm has no weights for '{timm}'; try a pattern such as 'resnet50*'")
        print("\n".join(names))
        return
    for each in catalogue().values():
        (file,) = each.files
        size = "" if file.size is None else f", {file.size / 1e6:.0f} MB"
        print(f"{each.name:15} {each.title} ({each.licence}{size})")
    print(
        f"{'NAME':15} any model of timm, such as resnet50.a1_in1k; 'models list --timm PATTERN' "
        "names them"
    )


@models_app.command("fetch")
def fetch_model(
    name: Annotated[str, typer.Argument(help="As 'models list' names it, or a timm model.")],
    to: Annotated[Path, typer.Option(help="Folder to put it into; another for each model.")],
) -> None:
    """Fetch weights; goes on where it stopped, and checks what came."""
    from intr_discover.catalogue import fetch

    with progress_bar("fetching bytes") as progress:
        published, files = fetch(name, to, progress=progress)
    for each in files:
        print(f"{each.path}: {each.checked}")
    print(f"licence: {published.licence}")
    print(f"then: {published.use.format(folder=to)}")
