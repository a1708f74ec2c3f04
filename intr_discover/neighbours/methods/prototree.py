"""ProtoTree, by CaBRNet."""

from intr_discover.explain.method import MethodKind
from intr_discover.neighbours.cabrnet import fit_cabrnet, load_cabrnet, needs_cabrnet

KIND = MethodKind(
    name="prototree",
    title="ProtoTree",
    order=55,
    unit="nodes",
    fit=fit_cabrnet("prototree"),
    load=load_cabrnet("prototree", "node"),
    needs=needs_cabrnet("prototree"),
)
