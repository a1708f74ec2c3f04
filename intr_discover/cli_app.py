"""``intr-discover app``: the page in a browser, on the demo or on one's own model.

Standard library and Typer only at the top, as in ``cli``.
"""

from __future__ import annotations

import gc
import getpass
import sys
from pathlib import Path
from typing import Annotated

import typer

from intr_discover.cli_options import (
    DEMO,
    Classes,
    Device,
    Precision,
    PrecisionName,
    load_model,
    read_collection,
)
from intr_discover.errors import UserError


def app(
    run: Annotated[
        str | None, typer.Option(help="A run folder, an official checkpoint, or the word demo.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="A folder of photographs, a specimen table, or demo.")
    ] = None,
    host: Annotated[
        str, typer.Option(help="Where to listen; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Port; the first free one from 7860 on if left out."),
    ] = None,
    auth: Annotated[
        Path | None, typer.Option(help="File of names and hashed passwords; see --add-user.")
    ] = None,
    add_user: Annotated[
        str | None,
        typer.Option(help="Add this name to the file --auth: asks for a password, and ends."),
    ] = None,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Let nobody change what is kept on this machine.")
    ] = False,
    database: Annotated[
        str | None, typer.Option(help="Where annotations are kept: a file or a database's URL.")
    ] = None,
    classes: Classes = None,
    device: Device = "auto",
    precision: Precision = PrecisionName.fp32,
) -> None:
    """Open the app in a browser: explore, paint and re-classify."""
    if add_user is not None:
        _add_user(auth, add_user)
        return
    if (run is None) != (data is None):
        given, missing = ("--run", "--data") if data is None else ("--data", "--run")
        raise UserError(f"{given} needs {missing}: give both, or neither for the demo")
    from apps.passwords import read_passwords

    if auth is not None:
        auth = auth.absolute()
        read_passwords(auth)  # before anything that takes time
    # What is imported and read from here on stays until the end. Looking through it for garbage
    # again and again takes a fifth of the start; `serve` goes back to it, and so does a mistake.
    gc.disable()
    try:
        explainer = load_model(run or DEMO, classes, device, precision.value)
        collection = read_collection(data or DEMO)

        from apps.serve import Settings, serve

        settings = Settings(host, port, auth, read_only, database, run or DEMO, data or DEMO)
        serve(explainer, collection, settings, say=lambda line: print(line, flush=True))
    finally:
        gc.enable()


def _add_user(auth: Path | None, name: str) -> None:
    if auth is None:
        raise UserError("--add-user needs --auth FILE, where the name is written")
    from apps.passwords import add_password

    asked = sys.stdin.isatty()
    password = (
        getpass.getpass(f"password of {name}: ") if asked else sys.stdin.readline().rstrip("\n")
    )
    if asked and getpass.getpass("once more: ") != password:
        raise UserError("the two passwords differ; nothing was written")
    add_password(auth, name, password)
    print(f"wrote {auth}")
