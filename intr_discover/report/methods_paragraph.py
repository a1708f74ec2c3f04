"""What was done, as a paragraph for the methods section of a paper."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from intr_discover.errors import UserError
from intr_discover.explain.explainer import DEMO, DEMO_MODEL, Explainer
from intr_discover.model.checkpoint import read_config
from intr_discover.model.intr import INTR
from intr_discover.provenance import versions
from intr_discover.studies.registry import find_studies
from intr_discover.studies.result import StudyResult

PAPER = (
    "Paul, D. et al. A simple interpretable transformer for fine-grained image classification and "
    "analysis. International Conference on Learning Representations (2024)."
)
_OPTIMIZERS = {"adamw": "AdamW", "sgd": "SGD"}
_LIBRARIES = {"torch": "PyTorch", "timm": "timm"}


def methods_paragraph(
    explainer: Explainer, photographs: str, results: Sequence[StudyResult]
) -> str:
    """Return what was done, in full sentences, with every setting that was used.

    Parameters
    ----------
    explainer
        The model. What its run folder says of its training is told; a checkpoint without one is
        described by its architecture alone.
    photographs
        What the collection is called.
    results
        Of studies, in the order of telling.

    Returns
    -------
    str
        Paragraphs, parted by blank lines: model, each study, statistics and software, references.
    """
    parts = [_model(explainer), *(_study(result, photographs) for result in results)]
    known = versions()
    software = ", ".join(
        f"{shown} {known[name]}" for name, shown in _LIBRARIES.items() if known.get(name)
    )
    parts.append(
        "Intervals are 95 %: Wilson's for shares, percentile bootstrap over photographs, classes "
        "or pairs (as named) for means; p values of several tests are corrected after Benjamini "
        f"and Hochberg. Computed with intr_discover {known['intr_discover']} ({software}, Python "
        f"{known['python']}); weights SHA-256 {explainer.fingerprint[:16]}…."
    )
    parts.append(f"Reference: {PAPER}")
    return "\n\n".join(parts)


def _model(explainer: Explainer) -> str:
    model, pixels = explainer.model, explainer.preprocessing.size
    count = len(explainer.classes)
    if isinstance(model, INTR):
        config = model.config
        said = (
            f"We used INTR (Paul et al., 2024), a transformer in which each of {count} classes has "
            f"a learned query that searches the photograph for itself: backbone {config.backbone}, "
            f"{_number(config.encoder_layers, 'encoder layer')}, "
            f"{_number(config.decoder_layers, 'decoder layer')}, {config.heads} heads, width "
            f"{config.width}. "
        )
    else:
        said = f"We used a plain classifier of {count} classes: backbone {model.config.backbone}. "
    said += f"Photographs were resized to {pixels} pixels ({explainer.preprocessing.resize} side). "
    return said + _training(_config(explainer))


def _training(config: Mapping[str, Any]) -> str:
    training, data = config.get("training"), config.get("data")
    if not training or not data:
        return "How the weights were trained is not recorded with them."
    known = training.get("pretrained") or training.get("backbone_weights")
    began = "pretrained weights" if known else "random weights"
    if training.get("init"):
        began = "the weights of another run"
    said = (
        f"It was trained on {data['train']} photographs from {began} for {training['epochs']} "
        f"epochs with {_OPTIMIZERS.get(training['optimizer'], training['optimizer'])} "
        f"(learning rate {training['learning_rate']:g}, weight decay {training['weight_decay']:g}, "
        f"schedule {training['schedule']}, batches of {training['batch_size']}, label smoothing "
        f"{_smoothing(training)}, {training['augmentation']} augmentation, seed "
        f"{training['seed']})"
    )  # fmt: skip
    if config.get("best_epoch"):
        said += (
            f"; the weights of epoch {config['best_epoch']}, chosen on {data['validation']} other "
            "photographs, were kept"
        )
    return f"{said}."


def _smoothing(training: Mapping[str, Any]) -> str:
    share, without = training["label_smoothing"], training.get("unsmoothed_epochs")
    return f"{share:g}" + (f", none in the last {without} epochs" if share and without else "")


def _study(result: StudyResult, photographs: str) -> str:
    record = result.provenance
    settings = dict(record.get("settings") or {})
    study = find_studies().get(result.name)
    title = study.title if study is not None else result.name
    used, of = settings.get("images", result.summary.get("n")), settings.get("images_available")
    counted = f"{used} photographs" if of in (None, used) else f"{used} of {of} photographs"
    said = f"{title} (study {result.name}): {counted} of {photographs}"
    if settings.get("split"):
        said += f", split {settings['split']}"
    if record.get("seed") is not None:
        said += f", seed {record['seed']}"
    options = {
        name.replace("_", " "): value
        for name, value in (settings.get("options") or {}).items()
        if value is not None
    }
    if options:
        said += "; " + ", ".join(f"{name} {value}" for name, value in options.items())
    if record.get("command"):
        said += f". The command was: {shlex.join(record['command'])}"
    return f"{said}."


def _config(explainer: Explainer) -> Mapping[str, Any]:
    folder = DEMO_MODEL if explainer.source == DEMO else Path(explainer.source or "absent")
    if not folder.is_dir():
        return {}
    try:
        return read_config(folder)
    except UserError:  # moved or changed since it was read: then nothing is told of it
        return {}


def _number(count: int, what: str) -> str:
    if count == 0:
        return f"no {what}s"
    return f"{count} {what}" + ("" if count == 1 else "s")
