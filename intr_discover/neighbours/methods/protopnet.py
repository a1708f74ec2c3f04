"""ProtoPNet, by CaBRNet."""

from intr_discover.explain.method import MethodKind
from intr_discover.neighbours.cabrnet import fit_cabrnet, load_cabrnet, needs_cabrnet

KIND = MethodKind(
    name="protopnet",
    title="ProtoPNet",
    order=50,
    unit="prototypes",
    fit=fit_cabrnet("protopnet"),
    load=load_cabrnet("protopnet", "prototype"),
    needs=needs_cabrnet("protopnet"),
)
