"""DINO, second version, with registers."""

from intr_discover.explain.method import MethodKind
from intr_discover.neighbours.dino import fit_dino, load_dino, needs_weights

KIND = MethodKind(
    name="dinov2_reg",
    title="DINOv2 with registers",
    order=37,
    unit="heads",
    fit=fit_dino("dinov2_reg", "vit_small_patch14_reg4_dinov2.lvd142m"),
    load=load_dino("dinov2_reg"),
    needs=needs_weights("dinov2_reg"),
)
