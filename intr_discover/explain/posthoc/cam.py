"""CAM: the last feature map weighted by the weights of a class (Zhou et al., CVPR 2016).

Only a classifier that averages its feature map over the picture and then applies one linear layer
has such a map. There, what Grad-CAM cuts off at 0 and scales is this map (Selvaraju et al. 2017).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from intr_discover.errors import UserError
from intr_discover.explain.posthoc.gradcam import CellMaps
from intr_discover.model.plain import PlainClassifier


def class_activation(model: nn.Module, images: Tensor, class_ids: list[int]) -> CellMaps:
    """Return ``Σ_k w_ck f_k``, the contribution of each cell to the logit of a class.

    Parameters
    ----------
    model
        A plain classifier.
    images
        ``[B, 3, H, W]``, normalised.
    class_ids
        The class c of each picture.

    Returns
    -------
    CellMaps
        In logits; the mean of a map and the class's bias make its logit.

    Raises
    ------
    UserError
        If the model does not end with an average over its feature map and one linear layer.
    """
    network = model.network if isinstance(model, PlainClassifier) else None
    head = getattr(network, "fc", None)
    pooling = getattr(getattr(network, "global_pool", None), "pool_type", None)
    if network is None or not isinstance(head, nn.Linear) or pooling != "avg":
        kind = model.config.backbone if isinstance(model, PlainClassifier) else "this model"
        raise UserError(
            f"CAM needs a classifier that averages its feature map before one linear layer; {kind} "
            "does not end so. Take gradcam, or a ResNet"
        )
    with torch.inference_mode():
        features = network.forward_features(images)
        maps = torch.einsum("bkhw,bk->bhw", features, head.weight[class_ids])
    stride = int(network.feature_info[-1]["reduction"])
    return CellMaps(np.asarray(maps.float().cpu().numpy()), stride)
