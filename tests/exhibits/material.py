"""A drawn collection, little models that know it, and what figures are made of."""

from __future__ import annotations

from intr_discover.data.specimens import Specimens
from intr_discover.exhibits.paper_figure import FigureInputs
from intr_discover.exhibits.photographs import Photographs
from intr_discover.exhibits.registry import find_figures
from intr_discover.explain.explainer import Explainer
from intr_discover.model.checkpoint import save_checkpoint
from intr_discover.model.plain import PlainClassifier, PlainConfig
from tests.explain.conftest import tiny_model
from tests.studies.drawn import draw_specimens, tiny_explainer

LABELS = ["ant", "bee", "cat"]
LONG = "Heliconius melpomene thelxiopeia × Heliconius elevatus pseudocupidineus"


def collection(folder, labels=LABELS, **wishes):
    """Return a drawn collection; the first two classes are look-alikes."""
    pairs = [(labels[0], labels[1])] if len(labels) > 1 else ()
    return Specimens.read(draw_specimens(folder, labels, pairs=pairs, **wishes))


def explainer_like(classes, **changes):
    """Return a tiny explainer of another shape."""
    known = tiny_explainer(classes)
    model = tiny_model(num_classes=len(classes), **changes)
    return Explainer(model, classes, known.preprocessing, source="other", device="cpu")


def plain_explainer(classes):
    model = PlainClassifier(PlainConfig(len(classes), backbone="resnet18")).eval()
    preprocessing = tiny_explainer(classes).preprocessing
    return Explainer(model, classes, preprocessing, source="runs/plain", device="cpu")


def save_run(folder, explainer):
    """Write an explainer as a run that the command line can load."""
    record = {"classes": explainer.classes, "preprocessing": explainer.preprocessing.as_dict()}
    save_checkpoint(folder, explainer.model, record)
    return folder


def inputs(specimens, explainer=None, images=(), **changes):
    explainer = explainer or tiny_explainer(specimens.classes)
    return FigureInputs(explainer, Photographs.of_specimens(specimens, images), **changes)


def make(name, given, **options):
    return find_figures()[name].make(given, **options)
