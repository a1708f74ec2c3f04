"""DINO, first version."""

from intr_discover.explain.method import MethodKind
from intr_discover.neighbours.dino import fit_dino, load_dino, needs_weights

KIND = MethodKind(
    name="dino",
    title="DINO",
    order=35,
    unit="heads",
    fit=fit_dino("dino", "vit_small_patch16_224.dino"),
    load=load_dino("dino"),
    needs=needs_weights("dino"),
)
