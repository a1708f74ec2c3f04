"""The last step of "Your data": how long a training takes, its curve, and the report."""

from __future__ import annotations

import html
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pandas as pd

from apps import words
from apps.archives import pack
from apps.own_data import OwnData, named_place, own_data, write_usable
from apps.sessions import Session
from apps.tabs.tab import MODEL, PRIVATE, Shell
from apps.training_job import (
    BROKEN_OFF,
    BUSY,
    NO_REPORT,
    REPORTED,
    REPORTING,
    STOPPED,
    TRAINED,
    TRAINING,
    Status,
    TrainingOptions,
    Trainings,
    best_epoch,
    usual_folder,
)
from intr_discover.errors import UserError
from intr_discover.explain.explainer import choose_device
from intr_discover.figures.screen import figure_picture
from intr_discover.figures.training import training_curves
from intr_discover.studies.budget import duration
from intr_discover.training.config import PRESETS as SETTINGS
from intr_discover.training.estimate import estimate_seconds

PRESETS = [
    ("small: a few hundred photographs, on a laptop", "small"),
    ("paper: as in the paper of INTR, needs a graphics card", "paper"),
]
BACKBONES = [
    ("as in the settings", ""),
    ("ResNet-18 (fast)", "resnet18"),
    ("ResNet-34", "resnet34"),
    ("ResNet-50 (slow)", "resnet50"),
    ("EfficientNet-B0", "efficientnet_b0"),
    ("ConvNeXt-Tiny (slow)", "convnext_tiny"),
]
_EVERY = 2.0  # seconds between two looks at a training
_COLUMNS = ["training", "state", "epochs", "best accuracy", "photographs"]
_HOW = (
    "A training goes on when you close this page or the app; come back and it is listed here. You "
    "may stop it at any moment, also by switching the machine off, and resume it: it goes on from "
    "the last finished epoch. One at a time."
)
_SPLIT = (
    "The table has no test photographs: the report will look at those that the model has learnt "
    "from, too, and its accuracy will be too good."
)


def trainings_of(session: Session) -> Trainings:
    """Return the trainings of the folder that a session looks at."""
    known = session.kept.setdefault("trainings", Trainings(usual_folder()))
    assert isinstance(known, Trainings)
    return known


def build_training(shell: Shell, step: gr.Tab) -> None:
    """Make the step."""
    gr.HTML(words.paragraph(_HOW, "quiet"), elem_id="data-train-how")
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            preset = gr.Radio(PRESETS, value="small", label="Settings", elem_id="data-preset")
            backbone = gr.Dropdown(BACKBONES, value="", label="Network that reads the photograph",
                                   elem_id="data-backbone")  # fmt: skip
            with gr.Row():
                epochs = gr.Number(
                    label="Epochs", info="times that each photograph is seen", precision=0,
                    value=SETTINGS["small"].epochs, minimum=1, elem_id="data-epochs", min_width=140,
                )  # fmt: skip
                seed = gr.Number(label="Seed", info="another number, another training", value=0,
                                 precision=0, minimum=0, elem_id="data-seed",
                                 min_width=140)  # fmt: skip
            pretrained = gr.Checkbox(
                False, label="Start from what the network learnt on other pictures",
                info="better with few photographs; downloads it once", elem_id="data-pretrained",
            )  # fmt: skip
            leave_out = gr.Checkbox(True, label="Leave out photographs that cannot be used",
                                    elem_id="data-leave-out")  # fmt: skip
            with gr.Accordion("More settings", open=False, elem_id="data-more"):
                others = gr.Textbox(
                    label="Other settings, one a line", lines=3, elem_id="data-settings",
                    placeholder="image_size=224\nbatch_size=8",
                )  # fmt: skip
                folder = gr.Textbox(str(usual_folder()), label="Folder of all trainings",
                                    elem_id="data-folder")  # fmt: skip
            name = gr.Textbox(label="Name of this training", placeholder="butterflies-1",
                              elem_id="data-name")  # fmt: skip
            with gr.Row():
                ask = gr.Button("How long will it take?", elem_id="data-ask", min_width=150)
                begin = gr.Button("Start the training", variant="primary", elem_id="data-start",
                                  min_width=150)  # fmt: skip
            estimate = gr.HTML(elem_id="data-estimate")
        with gr.Column(scale=3, min_width=320):
            run = gr.Dropdown([], label="Training that is shown", elem_id="data-run")
            told = gr.HTML(elem_id="data-state")
            with gr.Row():
                stop = gr.Button("Stop", interactive=False, elem_id="data-stop", min_width=110)
                resume = gr.Button("Resume", interactive=False, elem_id="data-resume",
                                   min_width=110)  # fmt: skip
                report = gr.Button("Make the report", interactive=False, elem_id="data-report",
                                   min_width=110)  # fmt: skip
                make = gr.Button("Make a zip of the report", interactive=False,
                                 elem_id="data-make-zip", min_width=150)  # fmt: skip
                download = gr.DownloadButton("Download the zip", interactive=False,
                                             elem_id="data-download", min_width=150)  # fmt: skip
            curve = gr.Image(label="Loss and accuracy", format="png", interactive=False,
                             buttons=["download", "fullscreen"], elem_id="data-curve",
                             height=330, alt_text="Loss and accuracy over the epochs")  # fmt: skip
            with gr.Accordion("What it prints", open=False, elem_id="data-printed-box"):
                printed = gr.Textbox(label="Last lines", lines=8, max_lines=8, interactive=False,
                                     elem_id="data-printed")  # fmt: skip
    table = gr.Dataframe(headers=_COLUMNS, value=[], interactive=False, wrap=True, max_height=260,
                         label="All trainings of this folder", elem_id="data-runs")  # fmt: skip
    timer = gr.Timer(_EVERY, active=False)
    options = [preset, backbone, epochs, seed, pretrained, others]
    watched = [told, stop, resume, report, make, printed, timer]
    listed = [run, table]

    def watch(trainings: Trainings, name: str | None) -> tuple[Any, ...]:
        """Return what is shown of a training now."""
        if not name:
            off = gr.Button(interactive=False)
            return "", off, off, off, off, "", gr.skip()
        status = trainings.status(name)
        return (
            _status(status, trainings),
            gr.Button(interactive=status.state in BUSY),
            gr.Button(interactive=status.can_resume),
            gr.Button(interactive=status.can_report),
            gr.Button(interactive=status.state == REPORTED),
            trainings.printed(name),
            # Never off again: the answer to an earlier event may arrive after that to a later one.
            gr.Timer(active=True) if status.state in BUSY else gr.skip(),
        )

    def listing(trainings: Trainings, name: str | None) -> tuple[Any, ...]:
        names = trainings.names()
        chosen = name if name in names else next(iter(names), None)
        rows = [_row(trainings, each) for each in names]
        return chosen, gr.Dropdown(names, value=chosen), pd.DataFrame(rows, columns=_COLUMNS)

    def everything(trainings: Trainings, name: str | None) -> tuple[Any, ...]:
        chosen, *shown = listing(trainings, name)
        return (*watch(trainings, chosen), *shown)

    def suited(preset: str) -> tuple[int, bool]:
        return SETTINGS[preset].epochs, SETTINGS[preset].pretrained

    @shell.spoken
    def opened(name: str | None, suggested: str | None, request: gr.Request) -> tuple[Any, ...]:
        session = shell.session(request)
        trainings = trainings_of(session)
        data = session.kept.get("data")
        note = ""
        if isinstance(data, OwnData):
            if not suggested or (trainings.folder / suggested).exists():
                suggested = _free_name(trainings, data)
            note = words.paragraph(_SPLIT, "quiet") if "test" not in data.specimens.splits else ""
        return (*everything(trainings, name), suggested or "", note)

    def look_in(session: Session, text: str | None) -> Trainings:
        """Let a session look at another folder of trainings."""
        place = named_place(text)
        if place.exists() and not place.is_dir():
            raise UserError(f"{place} is a file: name a folder")
        session.kept["trainings"] = Trainings(place)
        return trainings_of(session)

    @shell.spoken
    def moved(text: str | None, name: str | None, request: gr.Request) -> tuple[Any, ...]:
        session = shell.session(request)
        before = trainings_of(session).folder
        trainings = look_in(session, text)
        if trainings.folder == before:
            return tuple(gr.skip() for _ in (*watched, *listed))
        return everything(trainings, name)

    @shell.spoken
    def estimated(
        preset: str, backbone: str | None, epochs: float | None, seed: float | None,
        pretrained: bool, others: str | None, request: gr.Request,
    ) -> str:  # fmt: skip
        data = own_data(shell.session(request))
        config = _options(preset, backbone, epochs, seed, pretrained, others).config()
        # The weights do not change the time, and need not be downloaded for it.
        config = replace(config, pretrained=False)
        seconds = estimate_seconds(_trainable(data), config, choose_device("auto"))
        said = f"About {duration(max(1.0, seconds))} on this machine: {config.epochs} epochs of "
        said += f"{len(data.usable)} photographs of {len(data.usable.classes)} species. Opening "
        return words.paragraph(f"{said}the photographs for the first time comes on top.", "answer")

    @shell.spoken
    def started(
        preset: str, backbone: str | None, epochs: float | None, seed: float | None,
        pretrained: bool, others: str | None, leave_out: bool, name: str | None,
        folder: str | None, request: gr.Request,
    ) -> tuple[Any, ...]:  # fmt: skip
        session = shell.session(request)
        data = own_data(session)
        trainings = look_in(session, folder)  # its own event may come later than this one
        chosen = _options(preset, backbone, epochs, seed, pretrained, others)
        if data.broken and not leave_out:
            raise UserError(
                f"{len(data.broken)} photographs cannot be used: mend them and open the data "
                "again, or let them be left out"
            )
        _trainable(data)
        name = (name or "").strip() or _free_name(trainings, data)
        trainings.start(
            name, data.source, chosen,
            prepare=(lambda folder: write_usable(data, folder)) if data.broken else None,
        )  # fmt: skip
        return (*everything(trainings, name), _free_name(trainings, data))

    @shell.spoken
    def chose(name: str | None, request: gr.Request) -> tuple[Any, ...]:
        return watch(trainings_of(shell.session(request)), name)

    @shell.spoken
    def looked(name: str | None, request: gr.Request) -> tuple[Any, ...]:
        session = shell.session(request)
        trainings = trainings_of(session)
        status = trainings.status(name) if name else None
        if session.kept.get("training told") == status:
            return tuple(gr.skip() for _ in (*watched, *listed))
        busy = status is not None and status.state in BUSY
        session.kept["training told"] = None if busy else status
        if busy:
            return (*watch(trainings, name), *(gr.skip() for _ in listed))
        return everything(trainings, name)

    @shell.spoken
    def stopped(name: str | None, request: gr.Request) -> tuple[Any, ...]:
        trainings = trainings_of(shell.session(request))
        trainings.stop(_name(name))
        return everything(trainings, name)

    @shell.spoken
    def resumed(name: str | None, request: gr.Request) -> tuple[Any, ...]:
        trainings = trainings_of(shell.session(request))
        trainings.resume(_name(name))
        return everything(trainings, name)

    @shell.spoken
    def reported(name: str | None, request: gr.Request) -> tuple[Any, ...]:
        trainings = trainings_of(shell.session(request))
        trainings.make_report(_name(name))
        return everything(trainings, name)

    @shell.spoken
    def drawn(name: str | None, request: gr.Request) -> Any:
        session = shell.session(request)
        metrics = trainings_of(session).metrics(name) if name else pd.DataFrame()
        now = (trainings_of(session).folder, name, len(metrics))
        if session.kept.get("curve") == now:
            return gr.skip()
        session.kept["curve"] = now
        if metrics.empty:
            return None
        return figure_picture(training_curves(metrics, best_epoch(metrics)))

    @shell.spoken
    def zipped(name: str | None, request: gr.Request) -> Any:
        session = shell.session(request)
        trainings = trainings_of(session)
        if trainings.status(_name(name)).state != REPORTED:
            raise UserError(f"'{name}' has no report that is ready: make it first")
        place = pack(trainings.report(_name(name)), session.folder / f"report-{name}.zip")
        return gr.DownloadButton(value=str(place), interactive=True)

    quick: dict[str, Any] = {"queue": False, "show_progress": "hidden", **PRIVATE}
    events = {**MODEL, **PRIVATE}
    shown = [*watched, *listed]
    preset.input(suited, preset, [epochs, pretrained], **quick)
    ask.click(estimated, options, estimate, **events)
    make.click(zipped, run, download, **PRIVATE)
    for changed in (
        step.select(opened, [run, name], [*shown, name, estimate], **quick),
        folder.submit(moved, [folder, run], shown, **quick),
        folder.blur(moved, [folder, run], shown, **quick),
        run.input(chose, run, watched, **quick),
        timer.tick(looked, run, shown, **quick),
        begin.click(started, [*options, leave_out, name, folder], [*shown, name], **PRIVATE),
        stop.click(stopped, run, shown, **PRIVATE),
        resume.click(resumed, run, shown, **PRIVATE),
        report.click(reported, run, shown, **PRIVATE),
    ):
        changed.success(drawn, run, curve, show_progress="hidden", **events)


def _options(
    preset: str, backbone: str | None, epochs: float | None, seed: float | None,
    pretrained: bool, others: str | None,
) -> TrainingOptions:  # fmt: skip
    lines = [line.strip() for line in (others or "").splitlines() if line.strip()]
    return TrainingOptions(
        preset, backbone or None, None if epochs is None else int(epochs), int(seed or 0),
        bool(pretrained), tuple(lines),
    )  # fmt: skip


def _trainable(data: OwnData) -> Any:
    """Return what can be trained on, or say at once why nothing can."""
    usable = data.usable
    if len(usable.classes) < 2:
        raise UserError("a training needs at least two species: it learns what separates them")
    if usable.splits and not usable.has_split("train"):
        raise UserError("no row of the table has the split 'train': there is nothing to learn from")
    return usable


def _free_name(trainings: Trainings, data: OwnData) -> str:
    stem = data.specimens.root.name
    plain = "".join(c if c.isalnum() or c in "-_" else "-" for c in stem).strip("-_")[:40]
    number = 1
    while (trainings.folder / f"{plain or 'training'}-{number}").exists():
        number += 1
    return f"{plain or 'training'}-{number}"


def _name(name: str | None) -> str:
    if not name:
        raise UserError("choose a training first")
    return name


def _row(trainings: Trainings, name: str) -> list[str]:
    status = trainings.status(name)
    metrics = trainings.metrics(name)
    best = best_epoch(metrics) if len(metrics) else 0
    accuracy = ""
    if best:
        top1 = float(metrics.loc[metrics["epoch"] == best, "val_top1"].iloc[0])
        accuracy = f"{top1:.1%} (epoch {best})"
    epochs = f"{status.epochs} of {status.planned}" if status.planned else str(status.epochs)
    return [name, status.state, epochs, accuracy, _called(status.data)]


def _called(source: str) -> str:
    """Return what people call photographs: the folder's name, where the table has the usual one."""
    path = Path(source)
    return path.parent.name if path.stem == "specimens" else path.name


def _status(status: Status, trainings: Trainings) -> str:
    """Say where a training stands, and what can be done now."""
    epochs = f"epoch {status.epochs} of {status.planned}" if status.planned else "getting ready"
    left = f", about {status.left} left" if status.left else ""
    said = {
        TRAINING: f"Training: {epochs} done{left}." if status.planned else "Getting ready …",
        STOPPED: f"Stopped after {epochs}. It can be resumed.",
        BROKEN_OFF: f"Broken off: {status.last_line or 'the machine was switched off, or it was'}"
        f"{'' if status.last_line else ' ended from outside'}. It can be resumed.",
        TRAINED: "Trained. Now the report can be made.",
        REPORTING: f"Making the report: {_step(status)}{left}.",
        REPORTED: "The report is ready: download it, unpack it, and open index.html.",
        NO_REPORT: f"The report broke off: {status.last_line}",
    }[status.state]
    shown = words.paragraph(said, "answer")
    if status.share is not None:
        shown += f'<progress max="100" value="{100 * status.share:.0f}"></progress>'
    if status.can_report:
        shown += words.paragraph("To explore this model, open the app on it:")
        shown += f"<pre>{html.escape(trainings.open_command(status.name))}</pre>"
    return shown


def _step(status: Status) -> str:
    if status.doing is None or status.share is None:
        return "getting ready"
    return f"{status.doing.replace('_', ' ')}, {status.share:.0%}"
