"""Grad-CAM of a plain classifier."""

from intr_discover.explain.method import MethodKind
from intr_discover.explain.model_methods import GradCam
from intr_discover.neighbours.own_runs import fit_run, load_run

KIND = MethodKind(
    name="gradcam",
    title="plain + Grad-CAM",
    order=25,
    unit="map",
    fit=fit_run("plain"),
    load=load_run(lambda explainer, _: GradCam("gradcam", explainer)),
    run="plain",
)
