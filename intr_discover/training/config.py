"""All settings of a training: one dataclass, two presets, YAML."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import yaml

from intr_discover.errors import UserError, clip, shorten

# Beyond these a number is a slip of the keyboard, and would fill the memory.
_MOST = {
    "image_size": 10_000, "batch_size": 100_000, "epochs": 1_000_000, "width": 16_384,
    "feed_forward": 262_144, "encoder_layers": 100, "decoder_layers": 100, "workers": 128,
    "seed": 2**63 - 1,
}  # fmt: skip


def _require(holds: bool, name: str, value: object, wanted: str) -> None:
    if not holds:
        raise UserError(f"setting {name} must be {wanted}, not {value}")


def _shown(value: object) -> str:
    """Return a value as a message shows it: a few lines of YAML can stand for billions of words."""
    short = reprlib.Repr()
    short.maxlevel, short.maxlist, short.maxdict = 2, 3, 3
    return clip(short.repr(value))


_WORDS = {int: "a whole number", float: "a number", type(None): "empty", bool: "true or false"}


def _check_type(name: str, value: object, hint: Any) -> None:
    """Refuse a value that does not fit the field's annotation, in words."""
    options = get_args(hint) if get_origin(hint) is UnionType else (hint,)
    if any(_fits(value, option) for option in options):
        return
    wanted = []
    for option in options:
        literal = get_origin(option) is Literal
        wanted += list(get_args(option)) if literal else [_WORDS.get(option, "text")]
    raise UserError(f"setting {name} must be {' or '.join(wanted)}, not {_shown(value)}")


def _fits(value: object, option: Any) -> bool:
    if get_origin(option) is Literal:
        return value in get_args(option)
    if isinstance(value, bool):  # in Python a bool is a whole number, in a setting it is not
        return option is bool
    if option is float:
        return isinstance(value, int | float) and abs(value) < math.inf  # false for NaN too
    return isinstance(value, option)


@dataclass(frozen=True)
class TrainingConfig:
    """Settings of a training; the defaults are the preset ``small``.

    Attributes
    ----------
    model
        ``intr``, ``intr-fc`` (one presence vector per class) or ``plain`` (timm classifier).
    backbone, backbone_stride, backbone_level, freeze_batch_norm, pretrained
        See ``model.Backbone``. ``plain`` uses the whole network, so stride and level do not apply.
    freeze_first_stage
        Leave the first convolution and ``layer1`` of a ResNet as they are, as DETR and the official
        code do: edges and colours are the same everywhere, and a step is shorter. For pretrained
        weights. Other backbones learn as a whole.
    backbone_weights
        A file with weights of the backbone, or a folder that holds its ``model.safetensors``:
        they take the place of those that ``pretrained`` would fetch, and no network is needed.
    width, heads, encoder_layers, decoder_layers, feed_forward, dropout, attention_dropout,
    head_dropout, key_position
        See ``model.INTRConfig``.
    image_size, resize, longest_side
        See ``data.Preprocessing``; pixels.
    evaluation_scale
        Photographs are evaluated at ``image_size`` times this. Random crops show a specimen larger
        than it stands in the whole photograph; a scale of 1.2 makes up for it (Touvron et al.,
        "Fixing the train-test resolution discrepancy", NeurIPS 2019).
    augmentation
        ``none``, ``light`` or ``detr``; see ``data.build_augmentation``.
    smallest_crop
        Augmentation ``light``: smallest share of the photograph that a crop shows, in (0, 1].
        Larger where what tells the classes apart may lie at the edge of a specimen.
    optimizer
        ``adamw``, ``adam`` or ``sgd`` (momentum 0.9).
    learning_rate
        Highest learning rate.
    backbone_learning_rate
        The same for the backbone; None: as ``learning_rate``.
    weight_decay
        Weight decay of matrices and kernels; biases and norms have none, except in preset
        ``paper`` (``decay_all``), which follows DETR.
    decay_all
        Apply the weight decay to every parameter.
    schedule
        ``one-cycle`` (linear warm-up, then cosine to 0), ``step`` (drop once) or ``constant``.
    warmup_epochs
        Epochs of linear warm-up, with any schedule.
    drop_epoch, drop_factor
        Schedule ``step``: from this epoch on the rate is multiplied by the factor.
    epochs, batch_size
        ``batch_size`` counts images that go through the model at once, on one process.
    accumulate
        Batches whose gradients make one update together: it sees ``batch_size`` times
        ``accumulate`` images of each process. Batch norm, unless frozen, still sees one batch.
    label_smoothing
        Share of the target spread over all classes, in [0, 1).
    unsmoothed_epochs
        Of ``epochs``, the last ones are trained without label smoothing. Smoothing pulls the logits
        of all wrong classes to one value, and with that the likeness of classes out of them
        (Müller et al., "When does label smoothing help?", NeurIPS 2019); without it from the
        start, classes that differ in a few pixels may not be told apart. The weights that are kept
        come from these epochs.
    gradient_clip
        Largest norm of the gradient; 0: no clipping.
    precision
        ``fp32``, ``bf16``, ``fp16`` (mixed: the weights themselves stay fp32) or ``fp64``.
    activation_checkpointing
        Keep few activations for the gradient and compute the others again: less memory, about a
        third more time, the same gradient. See ``checkpoint_activations``.
    compile
        Run the model through ``torch.compile``; without a compiler, training goes on as it is.
    validation_share
        Share of the training images cut off for validation when the table has none.
    early_stop
        Stop after this many epochs without a better validation top-1; 0: never. Not before the
        first of the ``unsmoothed_epochs``.
    seed
        Seed of weights, order, augmentation, dropout and the validation cut.
    workers
        Processes that read images; 0: none, decoded images stay in memory as far as a quarter of
        the machine's has room for them (augmentation ``light``). The result is the same.
    checkpoint_minutes
        A state to resume from is written after every epoch and, on one process, at least this
        often.

    Raises
    ------
    UserError
        If a value is outside its range.
    """

    model: Literal["intr", "intr-fc", "plain"] = "intr"
    backbone: str = "resnet18"
    backbone_stride: int | None = 8
    backbone_level: int | None = None
    freeze_batch_norm: bool = False
    pretrained: bool = False
    backbone_weights: str | None = None
    width: int = 128
    heads: int = 8
    encoder_layers: int = 1
    decoder_layers: int = 2
    feed_forward: int = 512
    dropout: float = 0.1
    attention_dropout: float = 0.0
    head_dropout: float = 0.0
    key_position: bool = False
    freeze_first_stage: bool = False
    image_size: int = 160
    resize: Literal["shorter", "square"] = "shorter"
    longest_side: int | None = None
    evaluation_scale: float = 1.2
    augmentation: Literal["none", "light", "detr"] = "light"
    smallest_crop: float = 0.35
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: float = 5e-4
    backbone_learning_rate: float | None = None
    weight_decay: float = 0.05
    decay_all: bool = False
    schedule: Literal["one-cycle", "step", "constant"] = "one-cycle"
    warmup_epochs: float = 4.0
    drop_epoch: int | None = None
    drop_factor: float = 0.1
    epochs: int = 30
    batch_size: int = 16
    accumulate: int = 1
    label_smoothing: float = 0.1
    unsmoothed_epochs: int = 0
    gradient_clip: float = 1.0
    precision: Literal["fp32", "bf16", "fp16", "fp64"] = "fp32"
    activation_checkpointing: bool = False
    compile: bool = False
    validation_share: float = 0.1
    early_stop: int = 0
    seed: int = 0
    workers: int = 0
    checkpoint_minutes: float = 10.0

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for field in fields(self):
            _check_type(field.name, getattr(self, field.name), hints[field.name])
        for name in ("image_size", "epochs", "batch_size", "accumulate"):
            _require(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        for name in ("warmup_epochs", "weight_decay", "gradient_clip", "workers", "early_stop",
                     "drop_factor", "checkpoint_minutes", "backbone_learning_rate"):  # fmt: skip
            value = getattr(self, name)
            _require(value is None or value >= 0, name, value, "0 or more")
        for name, most in _MOST.items():
            _require(getattr(self, name) <= most, name, getattr(self, name), f"at most {most}")
        _require(self.learning_rate > 0, "learning_rate", self.learning_rate, "above 0")
        scale = self.evaluation_scale
        _require(0 < scale < 10, "evaluation_scale", scale, "above 0 and below 10")
        crop = self.smallest_crop
        _require(0 < crop <= 1, "smallest_crop", crop, "above 0 and at most 1")
        _require(self.seed >= 0, "seed", self.seed, "0 or more")
        _require(
            0 <= self.label_smoothing < 1, "label_smoothing", self.label_smoothing, "in [0, 1)"
        )
        _require(
            0 <= self.unsmoothed_epochs <= self.epochs,
            "unsmoothed_epochs", self.unsmoothed_epochs, f"from 0 to epochs ({self.epochs})",
        )  # fmt: skip
        _require(
            0 < self.validation_share < 1, "validation_share", self.validation_share, "in (0, 1)"
        )
        if self.schedule == "step" and self.drop_epoch is None:
            raise UserError("setting drop_epoch is missing: schedule 'step' needs it")

    def smoothing_in(self, epoch: int) -> float:
        """Return the label smoothing of an epoch, counted from 0."""
        return self.label_smoothing if epoch < self.first_unsmoothed else 0.0

    @property
    def first_unsmoothed(self) -> int:
        """The first epoch without label smoothing, from 0; ``epochs`` where there is none."""
        return self.epochs - self.unsmoothed_epochs


PAPER = TrainingConfig(
    # Paul et al., ICLR 2024: DETR-R50, StepLR at epoch 80, test at shorter side 800. Optimiser,
    # learning rates, decay, clipping and what is frozen are those of the official code, which made
    # its results.
    backbone="resnet50",
    backbone_stride=None,
    freeze_batch_norm=True,
    freeze_first_stage=True,
    pretrained=True,
    width=256,
    heads=8,
    encoder_layers=6,
    decoder_layers=6,
    feed_forward=2048,
    dropout=0.1,
    attention_dropout=0.1,
    image_size=800,
    resize="shorter",
    longest_side=1333,
    evaluation_scale=1.0,
    augmentation="detr",
    learning_rate=5e-5,
    backbone_learning_rate=1e-5,
    weight_decay=1e-6,
    decay_all=True,
    schedule="step",
    warmup_epochs=0.0,
    drop_epoch=80,
    epochs=140,
    batch_size=12,
    label_smoothing=0.0,
    gradient_clip=0.1,
    workers=4,
)

PRESETS = {"small": TrainingConfig(), "paper": PAPER}


def build_config(preset: str, changes: Mapping[str, Any]) -> TrainingConfig:
    """Return a preset with some settings changed.

    Raises
    ------
    UserError
        If the preset or a setting is unknown, or a value has the wrong type or range.
    """
    if preset not in PRESETS:
        raise UserError(f"preset '{preset}' is unknown: use {' or '.join(PRESETS)}")
    return change(PRESETS[preset], changes)


def change(config: TrainingConfig, changes: Mapping[str, Any]) -> TrainingConfig:
    """Return ``config`` with some settings changed; see ``build_config``."""
    known = [field.name for field in fields(TrainingConfig)]
    unknown = [name for name in changes if name not in known]
    if unknown:
        raise UserError(f"unknown training setting {shorten(unknown)}; known: {', '.join(known)}")
    return replace(config, **changes)


def read_settings(path: Path) -> dict[str, Any]:
    """Read a YAML file of settings, for example ``epochs: 60``.

    Raises
    ------
    UserError
        If the file is absent, is not YAML, or is not a list of ``name: value``.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    # ValueError: a number or date that cannot be; TypeError: a list as a name.
    except (OSError, ValueError, TypeError, RecursionError, yaml.YAMLError) as error:
        reason = " ".join((getattr(error, "strerror", None) or str(error)).split())
        raise UserError(f"cannot read the settings in {path}: {reason}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise UserError(f"{path} must hold lines of 'name: value', such as 'epochs: 60'")
    # YAML 1.1 reads 5e-5 as text; people write learning rates so.
    return {str(name): _as_number(value) for name, value in values.items()}


def parse_settings(assignments: Sequence[str]) -> dict[str, Any]:
    """Read settings written as ``NAME=VALUE``, with values as in YAML.

    Raises
    ------
    UserError
        If one is not of this form.
    """
    settings: dict[str, Any] = {}
    for assignment in assignments:
        name, sign, value = assignment.partition("=")
        if not sign or not name.strip():
            raise UserError(f"a setting is written NAME=VALUE, such as epochs=60: '{assignment}'")
        try:
            settings[name.strip()] = _as_number(yaml.safe_load(value))
        except (ValueError, TypeError, RecursionError, yaml.YAMLError):
            shown = _shown(value)
            raise UserError(f"setting {name}: cannot read the value {shown}") from None
    return settings


def as_dict(config: TrainingConfig) -> dict[str, Any]:
    """Return the settings as a flat dictionary for ``config.json``."""
    return asdict(config)


def differences(ours: TrainingConfig, theirs: TrainingConfig) -> list[str]:
    """Name the settings in which two configurations differ, with both values."""
    mine, other = asdict(ours), asdict(theirs)
    return [f"{name} {other[name]} → {mine[name]}" for name in mine if mine[name] != other[name]]


def _as_number(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value
