"""What a report is about, and the head of its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from intr_discover.data.specimens import Specimens
from intr_discover.explain.explainer import Explainer
from intr_discover.model.intr import INTR
from intr_discover.provenance import versions
from intr_discover.report.data_check import Checked


@dataclass(frozen=True)
class Facts:
    """What a report is about.

    Attributes
    ----------
    model_name, data_name
        What people call model and photographs.
    explainer
        The model.
    specimens
        The photographs of the split.
    split
        Which split they are.
    seed, full, command
        How the report was made.
    folds
        Where there is a model for each fold of the collection, their fingerprints by the number of
        the fold; ``explainer`` is the first then.
    collection
        The photographs of all splits; None where ``specimens`` are all there are.
    checked
        What a look at every photograph found; None where nobody looked.
    made
        When.
    """

    model_name: str
    data_name: str
    explainer: Explainer
    specimens: Specimens
    split: str
    seed: int
    full: bool
    command: list[str] | None = None
    folds: Mapping[int, str] | None = None
    collection: Specimens | None = None
    checked: Checked | None = None
    made: datetime = field(default_factory=lambda: datetime.now().astimezone())

    @property
    def everything(self) -> Specimens:
        """Return the photographs of all splits."""
        return self.specimens if self.collection is None else self.collection


def title_of(classes: Sequence[str]) -> str:
    """Return what the page is called."""
    if len(classes) == 2:
        return f"What separates {classes[0]} and {classes[1]}?"
    return f"What separates these {len(classes)} classes?" if len(classes) > 2 else "Discovery"


def head_of(facts: Facts) -> list[tuple[str, str]]:
    """Return what stands at the head of the page: (name, value)."""
    specimens = facts.specimens
    split = "all splits" if facts.split == "all" else f"split {facts.split}"
    if facts.folds is not None:
        split = f"each judged by the one of {len(facts.folds)} models that has not seen it"
    known = f"{len(facts.explainer.classes)} known to the model"
    return [
        ("Model", f"{facts.model_name}: {_describe(facts.explainer)}"),
        ("Photographs", f"{len(specimens)} from {facts.data_name}, {split}"),
        ("Classes", f"{len(specimens.classes)} with photographs, {known}"),
        ("Made", f"{facts.made:%d %B %Y, %H:%M}, intr-discover {versions()['intr_discover']}"),
    ]


def _describe(explainer: Explainer) -> str:
    if not isinstance(explainer.model, INTR):
        return f"plain classifier, {explainer.model.config.backbone}"
    config = explainer.model.config
    layers = f"{config.decoder_layers} decoder layer" + ("s" if config.decoder_layers > 1 else "")
    return f"INTR on {config.backbone}, {config.heads} heads, {layers}"
