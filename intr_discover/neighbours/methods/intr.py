"""INTR: the heads of a class's own query."""

from intr_discover.explain.method import MethodKind
from intr_discover.explain.model_methods import IntrHeads
from intr_discover.neighbours.own_runs import fit_run, load_run

KIND = MethodKind(
    name="intr",
    title="INTR",
    order=10,
    unit="heads",
    fit=fit_run("intr"),
    load=load_run(lambda explainer, _: IntrHeads("intr", explainer)),
)
