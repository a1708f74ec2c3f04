"""Your data: open photographs, see what is wrong with them, place, paint, train, report."""

from __future__ import annotations

import html
import tempfile
from pathlib import Path
from typing import Any

import gradio as gr
import pandas as pd

from apps import words
from apps.own_data import (
    DEFECT_COLUMNS,
    OwnData,
    defect_table,
    named_place,
    open_place,
    open_zip,
)
from apps.sessions import Session
from apps.tabs.data_placing import build_landmarks, build_masks
from apps.tabs.data_training import build_training, trainings_of
from apps.tabs.tab import PRIVATE, Shell, Tab
from intr_discover.data.defects import describe
from intr_discover.errors import UserError

_CLOSED = (
    "This page is shown without the right to change anything on its machine, so your own data "
    "cannot be opened here. Start the app on your own machine: intr-discover app."
)
_ABROAD = (
    "Folders of the machine that shows this page can be named, and trainings started, only where "
    "the app listens to that machine alone. Here you can drop a zip, see what is wrong with it, "
    "place landmarks and paint masks, and download them."
)
_FORM = (
    "A folder with one folder for each species, or a table (specimens.csv: image, label, and "
    "optionally split, specimen_id, mask). The photographs themselves are never changed."
)
_READING: dict[str, Any] = {"concurrency_id": "reading", "concurrency_limit": 1, **PRIVATE}


def build(shell: Shell) -> None:
    """Make the tab."""
    if shell.service.read_only:
        gr.HTML(words.paragraph(_CLOSED), elem_id="data-closed")
        return
    with gr.Tabs(elem_id="data-steps"):
        with gr.Tab("1. Photographs", id="data-photographs"):
            _build_photographs(shell)
        with gr.Tab("2. Landmarks", id="data-landmarks") as landmarks:
            build_landmarks(shell, landmarks)
        with gr.Tab("3. Masks", id="data-masks") as masks:
            build_masks(shell, masks)
        if shell.service.local:
            with gr.Tab("4. Train and report", id="data-train") as training:
                build_training(shell, training)


def _build_photographs(shell: Shell) -> None:
    local = shell.service.local
    gr.HTML(words.paragraph(_FORM if local else _ABROAD, "quiet"), elem_id="data-first")
    with gr.Row(equal_height=True):
        place = gr.Textbox(
            label="Folder or table on this machine", placeholder=str(Path.home() / "butterflies"),
            info="the whole path", visible=local, scale=3, elem_id="data-place", min_width=240,
        )  # fmt: skip
        look = gr.Button("Open it", variant="primary", visible=local, scale=1,
                         elem_id="data-open", min_width=120)  # fmt: skip
        zipped = gr.File(
            label="Or drop a zip of the folder (up to 100 MB)", file_types=[".zip"], height=120,
            scale=2, type="filepath", elem_id="data-zip", min_width=240,
        )  # fmt: skip
    found = gr.HTML(elem_id="data-found")
    table = gr.Dataframe(
        headers=DEFECT_COLUMNS, value=[], interactive=False, wrap=True, max_height=420,
        label="What is wrong, and what to do", elem_id="data-defects",
        column_widths=["120px", "230px", "160px", "330px", "280px"],
    )  # fmt: skip

    @shell.spoken
    def named(
        text: str | None,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Any:
        if not local:
            raise UserError(_ABROAD)
        return show(shell.session(request), open_place(named_place(text), _told(progress)))

    @shell.spoken
    def dropped(
        path: str | None,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Any:
        if path is None:
            raise UserError("no file arrived: choose it again")
        session = shell.session(request)
        if local:
            folder = trainings_of(session).folder / "photographs"
        else:
            folder = Path(tempfile.mkdtemp(prefix="own-", dir=session.folder))
        return show(session, open_zip(Path(path), folder, _told(progress)))

    def show(session: Session, data: OwnData) -> tuple[str, pd.DataFrame]:
        session.kept["data"] = data
        told = shell.service.without_paths(describe(data.specimens, data.defects))
        told = told.replace(f"{session.folder}/", "")
        broken = len(data.broken)
        said = f"{len(data.specimens)} photographs of {len(data.specimens.classes)} species. "
        said += (
            f"{broken} of them cannot be used: mend what is listed, or leave it out."
            if broken
            else "All of them can be used."
        )
        listed = f"<details><summary>Everything in short</summary><pre>{html.escape(told)}</pre>"
        return (
            words.paragraph(said, "answer") + f"{listed}</details>",
            defect_table(data.defects),
        )

    look.click(named, place, [found, table], **_READING)
    place.submit(named, place, [found, table], **_READING)
    zipped.upload(dropped, zipped, [found, table], **_READING)


def _told(progress: gr.Progress) -> Any:
    return lambda done, total: progress((done, total), desc="looking at every photograph")


TAB = Tab("data", "Your data", 6, build)
