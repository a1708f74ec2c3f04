"""INTR in torch and timm: nothing here knows of files of images, tables or plots."""

from intr_discover.model.backbone import Backbone
from intr_discover.model.checkpoint import (
    fingerprint,
    initialise_from,
    load_checkpoint,
    read_config,
    save_checkpoint,
    save_weights,
)
from intr_discover.model.intr import INTR, Encoded, INTRConfig, INTROutput, pad_batch
from intr_discover.model.layouts import export_official
from intr_discover.model.plain import PlainClassifier, PlainConfig, PlainOutput
from intr_discover.model.weight_files import StoredWeights, read_weights

__all__ = [
    "INTR",
    "Backbone",
    "Encoded",
    "INTRConfig",
    "INTROutput",
    "PlainClassifier",
    "PlainConfig",
    "PlainOutput",
    "StoredWeights",
    "export_official",
    "fingerprint",
    "initialise_from",
    "load_checkpoint",
    "pad_batch",
    "read_config",
    "read_weights",
    "save_checkpoint",
    "save_weights",
]
