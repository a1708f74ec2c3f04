"""Runs in an environment of its own, where CaBRNet is installed; our process never imports it.

CaBRNet (Xu-Darme et al., "CaBRNet, an open-source library for developing and evaluating case-based
reasoning models", 2024; LGPL) trains ProtoPNet (Chen et al., NeurIPS 2019) and ProtoTree (Nauta et
al., CVPR 2021). Its epochs, losses, projection of prototypes and fine-tuning are its own; what is
set here is how they share out the number of epochs, as its published configurations do.

Requests are lines of JSON on standard input, answers lines of JSON on the first output. Arrays go
through ``.npz`` files that the request names. Nothing of ours is imported: that environment has
other versions of everything.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

WEIGHTS, CONFIG = "model.safetensors", "config.json"
BATCH = 32  # photographs that are asked about at once
MOST_EPOCHS = 200
FINE_TUNING = 5  # epochs of the last layer after each projection; 20 of 100 in its configuration

# The normalisation of our own photographs.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def main() -> None:
    """Answer requests until there are no more."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    loaded: dict[str, Any] = {}
    for line in sys.stdin:
        try:
            answer = answer_to(json.loads(line), loaded)
        except Exception as error:  # whatever it is, the other side must hear of it
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def answer_to(request: dict[str, Any], loaded: dict[str, Any]) -> dict[str, Any]:
    """Do what a request wants; ``loaded`` keeps models between requests."""
    if request["do"] == "hello":
        import cabrnet

        return {"cabrnet": getattr(cabrnet, "__version__", "1.2")}
    if request["do"] == "fit":
        return fit(request)
    folder = request["folder"]
    if folder not in loaded:
        loaded[folder] = load(Path(folder), request.get("device", "cpu"))
    with np.load(request["images"], allow_pickle=False) as stored:
        images = stored["images"]
    if request["do"] == "logits":
        write(request["out"], logits=logits_of(loaded[folder], images))
    elif request["do"] == "units":
        write(request["out"], **units_of(loaded[folder], images, int(request["class_id"])))
    else:
        raise ValueError(f"unknown request {request['do']}")
    return {"done": True}


def write(path: str, **arrays: Any) -> None:
    """Write arrays whole or not at all."""
    temporary = Path(f"{path}.part")
    with temporary.open("wb") as file:
        np.savez(file, **arrays)
    temporary.replace(path)


def architecture(kind: str, backbone: str, classes: int, prototypes: int) -> dict[str, Any]:
    """Return the configuration of the model, after those that CaBRNet publishes for CUB-200."""
    conv: dict[str, Any] = {
        "type": "Conv2d",
        "params": {"out_channels": 128, "kernel_size": 1, "bias": True},
    }
    if kind == "protopnet":
        add_on = {"init_mode": "PROTOPNET", "conv1": conv, "act1": {"type": "ReLU"},
                  "conv2": {"type": "Conv2d", "params": dict(conv["params"])},
                  "act2": {"type": "Sigmoid"}}  # fmt: skip
        classifier = {
            "module": "cabrnet.archs.protopnet.decision",
            "name": "ProtoPNetClassifier",
            "params": {"num_classes": classes, "num_proto_per_class": prototypes,
                       "proto_init_mode": "UNIFORM"},
        }  # fmt: skip
        return _whole("protopnet.model", "ProtoPNet", "ProtoPNetSimilarity", backbone, add_on,
                      classifier)  # fmt: skip
    depth = math.ceil(math.log2(max(2, classes))) + 1  # twice as many leaves as classes
    params = {"out_channels": 128, "kernel_size": 1, "bias": False}
    add_on = {"init_mode": "XAVIER", "conv1": {"type": "Conv2d", "params": params},
              "sigmoid1": {"type": "Sigmoid"}}  # fmt: skip
    classifier = {
        "module": "cabrnet.archs.prototree.decision",
        "name": "ProtoTreeClassifier",
        "params": {"num_classes": classes, "depth": depth, "leaves_init_mode": "ZEROS",
                   "proto_init_mode": "SHIFTED_NORMAL", "log_probabilities": False},
    }  # fmt: skip
    return _whole("prototree.model", "ProtoTree", "ProtoTreeSimilarity", backbone, add_on,
                  classifier)  # fmt: skip


def _whole(
    module: str, name: str, similarity: str, backbone: str, add_on: Any, classifier: Any
) -> dict[str, Any]:
    layer = "features" if backbone.startswith("vgg") else "layer4"
    return {
        "top_arch": {"module": f"cabrnet.archs.{module}", "name": name},
        "extractor": {
            "backbone": {"arch": backbone, "layer": layer, "weights": "None"},
            "add_on": add_on,
        },
        "similarity": {"name": similarity},
        "classifier": classifier,
    }


def training(kind: str, epochs: int, from_scratch: bool) -> dict[str, Any]:
    """Return the configuration of a training: CaBRNet's, its epochs in proportion.

    A backbone without pretrained weights learns from the start and ten times as fast; its published
    configurations begin with pretrained ones, and keep them still for the first tenth.
    """
    backbone_rate = 1e-3 if from_scratch else 1e-4
    decayed = {"lr": 3e-3, "weight_decay": 1e-3}
    if kind == "protopnet":
        warm = 0 if from_scratch else min(epochs - 1, max(1, epochs // 10))
        periods: dict[str, Any] = {
            "main": {"epoch_range": [warm, epochs - 1], "freeze": "last_layer",
                     "optimizers": "joint"}}  # fmt: skip
        if warm:
            frozen = ["backbone", "last_layer"]
            periods = {"warm": {"epoch_range": [0, warm - 1], "freeze": frozen,
                                "optimizers": "warm"}, **periods}  # fmt: skip
        step = {"type": "StepLR", "params": {"step_size": max(1, epochs // 3), "gamma": 0.3}}
        return {
            "param_groups": {
                "backbone": "extractor.convnet", "addons": "extractor.add_on",
                "prototypes": "classifier.prototypes", "last_layer": "classifier.last_layer",
            },
            "optimizers": {
                "warm": {"type": "Adam", "groups": {"addons": dict(decayed),
                                                    "prototypes": {"lr": 3e-3}}},
                "joint": {"type": "Adam", "scheduler": step, "groups": {
                    "backbone": {"lr": backbone_rate, "weight_decay": 1e-3},
                    "addons": dict(decayed), "prototypes": {"lr": 3e-3}}},
                "last_layer_optimizer": {"type": "Adam", "groups": {"last_layer": {"lr": 1e-3}}},
            },
            "num_epochs": epochs,
            "periods": periods,
            "auxiliary_info": {
                "loss_coefficients": {"clustering": 0.8, "separability": -0.08,
                                      "regularization": 0.0001},
                "projection_config": {"start_epoch": max(1, epochs // 2),
                                      "frequency": max(1, epochs // 4),
                                      "num_ft_epochs": FINE_TUNING},
            },
        }  # fmt: skip
    marks = sorted({max(1, round(epochs * share)) for share in (0.6, 0.7, 0.8, 0.9)})
    return {
        "param_groups": {"backbone": "extractor.convnet", "addons": "extractor.add_on",
                         "prototypes": "classifier.prototypes"},
        "optimizers": {"main": {"type": "AdamW", "params": {"lr": 1e-3, "eps": 1e-7}, "groups": {
            "backbone": {"lr": backbone_rate}, "addons": {"lr": 1e-3},
            "prototypes": {"lr": 1e-3}},
            "scheduler": {"type": "MultiStepLR", "params": {"milestones": marks, "gamma": 0.5}}}},
        "num_epochs": epochs,
    }  # fmt: skip


def fit(request: dict[str, Any]) -> dict[str, Any]:
    """Train a model and leave its weights, and last its configuration."""
    import torch
    from cabrnet.archs.generic.model import CaBRNet
    from cabrnet.core.utils.optimizers import OptimizerManager
    from safetensors.torch import save_file

    began = time.monotonic()
    with np.load(request["data"], allow_pickle=False) as stored:
        images, labels = stored["images"], stored["labels"]
    kind, seed = request["kind"], int(request["seed"])
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    shape = {"kind": kind, "backbone": request["backbone"], "classes": int(labels.max()) + 1,
             "prototypes": int(request["prototypes"])}  # fmt: skip
    model = CaBRNet.build_from_config(architecture(**shape), seed=seed)
    if request.get("weights"):
        _start_from(model, request["weights"])
    # A fifth quicker on a processor.
    model.extractor.convnet.to(memory_format=torch.channels_last)
    loaders = _loaders(images, labels, int(request["image_size"]), int(request["batch_size"]), seed)
    device = request.get("device", "cpu")
    epochs = request["epochs"]
    if epochs is None:
        epochs = _epochs_within(model, loaders, float(request["minutes"]), kind, device)
    config = training(kind, int(epochs), not request.get("weights"))
    model.register_training_params(config)
    manager = OptimizerManager.build_from_config(config, model)
    seconds: list[dict[str, float]] = []
    limit = math.inf if request["epochs"] is not None else 60 * float(request["minutes"])
    for epoch in range(int(epochs)):
        started = time.monotonic()
        if started - began > limit and epoch:
            break  # a machine that others use too is slower than it was measured to be
        manager.freeze(epoch=epoch)
        found = model.train_epoch(loaders, manager, device=device, epoch_idx=epoch)
        accuracy = found.get("train_set/accuracy", math.nan)
        manager.scheduler_step(epoch=epoch, metric=accuracy)
        seconds.append({"epoch": epoch + 1, "seconds": time.monotonic() - started,
                        "train_top1": accuracy})  # fmt: skip
        print(f"epoch {epoch + 1}/{epochs}: train top-1 {accuracy:.3f}", file=sys.stderr)
    # Its epilogue also needs a test set; what it does beside evaluating there is this projection.
    model.project(loaders["projection_set"], device=device)
    folder = Path(request["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.detach().cpu().contiguous()
               for name, value in model.state_dict().items() if torch.is_tensor(value)}  # fmt: skip
    temporary = folder / f"{WEIGHTS}.part"
    save_file(tensors, str(temporary))
    temporary.replace(folder / WEIGHTS)
    return {"done": True, "shape": shape, "history": seconds,
            "seconds": time.monotonic() - began}  # fmt: skip


def _start_from(model: Any, weights: str) -> None:
    """Take the backbone's weights from a safetensors file in which they have timm's names."""
    from safetensors.torch import load_file

    found = load_file(weights)
    own = dict(model.extractor.convnet.state_dict())
    fitting = {name: found[name] for name in own if name in found}
    if len(fitting) < len(own) / 2:
        raise ValueError(f"{weights}: not the weights of this backbone")
    model.extractor.convnet.load_state_dict({**own, **fitting})


def _loaders(images: Any, labels: Any, size: int, batch: int, seed: int) -> dict[str, Any]:
    """Return loaders: augmented for training as ours are, and whole photographs for projection."""
    import torch
    from torch.utils.data import DataLoader, Dataset
    from torchvision.transforms import v2

    augment = v2.Compose([
        v2.RandomResizedCrop(size, scale=(0.35, 1.0), antialias=True), v2.RandomHorizontalFlip(),
        v2.ColorJitter(brightness=0.2, contrast=0.2),
    ])  # fmt: skip

    class Pictures(Dataset):
        def __init__(self, augmented: bool) -> None:
            self.augmented = augmented

        def __len__(self) -> int:
            return len(images)

        def __getitem__(self, row: int) -> Any:
            picture = torch.from_numpy(images[row]).permute(2, 0, 1)
            picture = augment(picture) if self.augmented else picture
            return normalised(picture[None])[0], int(labels[row])

    order = torch.Generator().manual_seed(seed)
    batch = min(batch, len(images))
    # A last batch of one picture has no batch statistics.
    single = len(images) % batch == 1
    return {
        "train_set": DataLoader(Pictures(True), batch, shuffle=True, generator=order,
                                drop_last=single),
        "projection_set": DataLoader(Pictures(False), batch),
    }  # fmt: skip


def normalised(pictures: Any) -> Any:
    """Return uint8 ``[B, 3, H, W]`` as the model reads them."""
    import torch

    mean, std = (torch.tensor(values)[None, :, None, None] for values in (MEAN, STD))
    return (pictures.float() / 255 - mean) / std


def _epochs_within(model: Any, loaders: Any, minutes: float, kind: str, device: str) -> int:
    """Return how many epochs fit, from the time of two batches; fine-tuning counts."""
    import torch

    model.to(device).train()
    seconds = []
    started = time.monotonic()  # reading and augmenting a batch counts
    for number, (pictures, labels) in enumerate(loaders["train_set"]):
        loss, _ = model.loss(model(pictures.to(device)), labels.to(device))
        loss.backward()
        model.zero_grad()
        seconds.append(time.monotonic() - started)
        if number == 2:
            break
        started = time.monotonic()
    torch.manual_seed(0)
    epoch = sorted(seconds)[len(seconds) // 2] * len(loaders["train_set"])
    left = 60 * minutes
    if (
        kind == "protopnet"
    ):  # three projections, each a pass, and fine-tuning at a third of the cost
        left -= 3 * (1 + FINE_TUNING) * epoch / 3
    return min(MOST_EPOCHS, max(2, math.floor(left / max(epoch, 1e-6))))


def load(folder: Path, device: str) -> Any:
    """Read a model that ``fit`` has left."""
    from cabrnet.archs.generic.model import CaBRNet
    from safetensors.torch import load_file

    shape = json.loads((folder / CONFIG).read_text(encoding="utf-8"))["model"]["shape"]
    model = CaBRNet.build_from_config(architecture(**shape))
    own = {name: value for name, value in model.state_dict().items()}
    stored = load_file(str(folder / WEIGHTS))
    for name, value in own.items():
        if name in stored:
            value.copy_(stored[name])
    return model.to(device).eval()


def logits_of(model: Any, images: Any) -> Any:
    """Return ``[n, C]``: logits of ProtoPNet, log probabilities of ProtoTree."""
    import torch

    found = []
    with torch.inference_mode():
        for start in range(0, len(images), BATCH):
            batch = torch.from_numpy(images[start : start + BATCH]).permute(0, 3, 1, 2)
            answer = model(normalised(batch))[0]
            found.append(torch.log(answer + 1e-12) if is_tree(model) else answer)
    return torch.cat(found).float().numpy()


def is_tree(model: Any) -> bool:
    """Return whether a model is a ProtoTree."""
    return hasattr(model.classifier, "tree")


def units_of(model: Any, images: Any, class_id: int) -> dict[str, Any]:
    """Return the units of one class on one photograph: ``maps``, ``strengths``, ``numbers``.

    ProtoPNet: the class's prototypes; a map is the similarity in each cell, the strength the
    largest times the weight to the class. ProtoTree: the nodes on the way to the leaf that is
    surest of the class; the strength is the similarity where the way follows it, else less it.
    """
    import torch

    with torch.inference_mode():
        picture = normalised(torch.from_numpy(images[:1]).permute(0, 3, 1, 2))
        similarities = model.similarities(picture)[0]
        most = similarities.flatten(1).max(dim=1).values
        if is_tree(model):
            way = way_to(model.classifier.tree, class_id)
            numbers = [prototype for prototype, _ in way]
            signs = torch.tensor([1.0 if similar else -1.0 for _, similar in way])
            strengths = most[numbers] * signs
        else:
            numbers = torch.nonzero(model.classifier.proto_class_map[:, class_id])[:, 0].tolist()
            strengths = most[numbers] * model.classifier.last_layer.weight[class_id, numbers]
        maps = similarities[numbers].clamp(min=0)
    return {
        "maps": maps.float().numpy(), "strengths": strengths.double().numpy(),
        "numbers": np.array(numbers, dtype=np.int64),
    }  # fmt: skip


def way_to(tree: Any, class_id: int) -> list[tuple[int, bool]]:
    """Return prototypes, and whether the way follows the similarity, to the class's best leaf."""
    best: tuple[float, list[tuple[int, bool]]] = (-1.0, [])

    def walk(node: Any, way: list[tuple[int, bool]]) -> None:
        nonlocal best
        if hasattr(node, "_relative_distribution"):
            sure = float(node.distribution[0, class_id])
            if sure > best[0]:
                best = (sure, way)
            return
        prototype = int(node.proto_idxs[0])
        for name, child in node.named_children():
            walk(child, [*way, (prototype, not name.endswith("_nsim"))])

    walk(tree, [])
    return best[1]


if __name__ == "__main__":
    main()
