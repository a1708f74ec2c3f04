"""Settings to objects: model, preprocessing, optimiser."""

from __future__ import annotations

import torch
from torch import nn

from intr_discover.data.preprocessing import Preprocessing
from intr_discover.model.intr import INTR, INTRConfig
from intr_discover.model.plain import PlainClassifier, PlainConfig
from intr_discover.training.acceleration import checkpoint_activations
from intr_discover.training.config import TrainingConfig


def build_model(config: TrainingConfig, num_classes: int) -> INTR | PlainClassifier:
    """Return a new model with weights drawn from ``config.seed``, laid out for convolutions.

    Raises
    ------
    UserError
        If timm does not know the backbone, or it cannot do what the settings ask of it.
    """
    torch.manual_seed(config.seed)
    model: INTR | PlainClassifier
    if config.model == "plain":
        model = PlainClassifier(
            PlainConfig(
                num_classes,
                backbone=config.backbone,
                freeze_batch_norm=config.freeze_batch_norm,
            ),
            pretrained=config.pretrained,
            weights=config.backbone_weights,
        )
    else:
        model = INTR(
            INTRConfig(
                num_classes,
                kind=config.model,
                backbone=config.backbone,
                backbone_stride=config.backbone_stride,
                backbone_level=config.backbone_level,
                freeze_batch_norm=config.freeze_batch_norm,
                width=config.width,
                heads=config.heads,
                encoder_layers=config.encoder_layers,
                decoder_layers=config.decoder_layers,
                feed_forward=config.feed_forward,
                dropout=config.dropout,
                attention_dropout=config.attention_dropout,
                head_dropout=config.head_dropout,
                key_position=config.key_position,
            ),
            pretrained=config.pretrained,
            weights=config.backbone_weights,
        )
    if config.freeze_first_stage:
        _freeze_first_stage(model)
    if config.activation_checkpointing:
        checkpoint_activations(model)
    if config.precision == "fp64":
        model = model.double()
    return model.to(memory_format=torch.channels_last)


def _freeze_first_stage(model: INTR | PlainClassifier) -> None:
    """Let the first convolution and ``layer1`` of a ResNet learn nothing."""
    network = model.backbone.network if isinstance(model, INTR) else model.network
    parts = dict(network.named_children())
    if {"conv1", "bn1", "layer1"} <= parts.keys():
        for name in ("conv1", "bn1", "layer1"):
            parts[name].requires_grad_(False)


def build_preprocessing(config: TrainingConfig) -> Preprocessing:
    """Return how photographs are resized and normalised for evaluation."""
    size = max(1, round(config.image_size * config.evaluation_scale))
    return Preprocessing(size, config.resize, config.longest_side)


def build_optimizer(config: TrainingConfig, model: nn.Module) -> torch.optim.Optimizer:
    """Return the optimiser; every group holds ``highest``, its highest learning rate.

    Four groups at most: backbone or not, with weight decay or without (see ``TrainingConfig``).
    """
    backbone_rate = config.backbone_learning_rate
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            slow = name.startswith("backbone.") and backbone_rate is not None
            decays = config.decay_all or parameter.ndim > 1
            groups.setdefault((slow, decays), []).append(parameter)
    settings = []
    for (slow, decays), parameters in groups.items():
        rate = backbone_rate if slow and backbone_rate is not None else config.learning_rate
        decay = config.weight_decay if decays else 0.0
        settings.append({"params": parameters, "lr": rate, "highest": rate, "weight_decay": decay})
    if config.optimizer == "sgd":
        return torch.optim.SGD(settings, momentum=0.9)
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(settings, fused=True)
