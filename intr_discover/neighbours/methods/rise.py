"""RISE of a plain classifier."""

from intr_discover.explain.explainer import Explainer
from intr_discover.explain.method import FitSettings, Method, MethodKind
from intr_discover.explain.model_methods import Rise
from intr_discover.explain.posthoc.rise import RiseSettings
from intr_discover.neighbours.own_runs import fit_run, load_run


def _make(explainer: Explainer, settings: FitSettings) -> Method:
    masks = RiseSettings(masks=int(settings.options.get("rise_masks", RiseSettings.masks)))
    return Rise("rise", explainer, masks, settings.seed)


KIND = MethodKind(
    name="rise",
    title="plain + RISE",
    order=30,
    unit="map",
    fit=fit_run("plain"),
    load=load_run(_make),
    run="plain",
    slow=True,
)
