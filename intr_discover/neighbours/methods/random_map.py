"""Random maps beside a plain classifier: what any method must do better than."""

from intr_discover.explain.method import MethodKind
from intr_discover.explain.model_methods import RandomMap
from intr_discover.neighbours.own_runs import fit_run, load_run

KIND = MethodKind(
    name="random",
    title="plain + random map",
    order=90,
    unit="map",
    fit=fit_run("plain"),
    load=load_run(lambda explainer, settings: RandomMap("random", explainer, settings.seed)),
    run="plain",
)
