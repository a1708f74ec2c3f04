"""INTR-FC: as INTR, with a presence vector for each class."""

from intr_discover.explain.method import MethodKind
from intr_discover.explain.model_methods import IntrHeads
from intr_discover.neighbours.own_runs import fit_run, load_run

KIND = MethodKind(
    name="intr_fc",
    title="INTR-FC",
    order=15,
    unit="heads",
    fit=fit_run("intr-fc"),
    load=load_run(lambda explainer, _: IntrHeads("intr_fc", explainer)),
)
