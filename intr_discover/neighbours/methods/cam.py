"""CAM of a plain classifier."""

from intr_discover.explain.method import MethodKind
from intr_discover.explain.model_methods import ClassActivation
from intr_discover.neighbours.own_runs import fit_run, load_run

KIND = MethodKind(
    name="cam",
    title="plain + CAM",
    order=20,
    unit="map",
    fit=fit_run("plain"),
    load=load_run(lambda explainer, _: ClassActivation("cam", explainer)),
    run="plain",
)
