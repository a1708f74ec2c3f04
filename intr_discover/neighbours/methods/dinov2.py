"""DINO, second version, without registers."""

from intr_discover.explain.method import MethodKind
from intr_discover.neighbours.dino import fit_dino, load_dino, needs_weights

KIND = MethodKind(
    name="dinov2",
    title="DINOv2",
    order=36,
    unit="heads",
    fit=fit_dino("dinov2", "vit_small_patch14_dinov2.lvd142m"),
    load=load_dino("dinov2"),
    needs=needs_weights("dinov2"),
)
