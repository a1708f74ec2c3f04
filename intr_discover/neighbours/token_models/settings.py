"""From what all methods of a comparison share to the settings of a token model's training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from intr_discover.errors import UserError, shorten
from intr_discover.explain.method import FitSettings
from intr_discover.neighbours.budget import DEFAULT_MINUTES, MOST_EPOCHS
from intr_discover.training.config import TrainingConfig, build_config

_WARM_UP = 0.2  # of all epochs, at most

# Each method has an optimiser of its own, so INTR's is not handed on.
_OWN = (
    "model", "optimizer", "learning_rate", "backbone_learning_rate", "weight_decay", "decay_all",
    "gradient_clip", "width", "heads", "encoder_layers", "decoder_layers", "feed_forward",
    "dropout", "attention_dropout", "head_dropout", "key_position",
)  # fmt: skip


@dataclass(frozen=True)
class TokenSettings:
    """Settings of one training.

    Attributes
    ----------
    training
        Of the loop.
    model
        Of the model's own configuration, by name.
    minutes
        Time of the training; None where the number of epochs is given.
    """

    training: TrainingConfig
    model: dict[str, Any]
    minutes: float | None


def token_settings(
    name: str, settings: FitSettings, recipe: Mapping[str, Any], model_settings: type
) -> TokenSettings:
    """Return the settings of a training.

    Parameters
    ----------
    name
        Of the method. Its own settings (``FitSettings.own``) of the training and the model are the
        last word.
    settings
        What all methods share. Of ``settings.training``, what belongs to INTR alone (the optimiser
        and the shape of the model) is left out.
    recipe
        The method's own settings of the training.
    model_settings
        The dataclass of the model's configuration.

    Raises
    ------
    UserError
        If a setting is unknown or out of range.
    """
    settings, options = settings.own(name)
    ours = {field.name for field in fields(model_settings)} - {"kind"}
    loops = {field.name for field in fields(TrainingConfig)}
    unknown = sorted(set(options) - ours - loops)
    if unknown:
        raise UserError(f"{name} has no setting {shorten(unknown)}")
    shared = {
        "backbone": settings.backbone,
        "image_size": settings.image_size,
        "pretrained": settings.pretrained,
        "backbone_weights": settings.backbone_weights,
        "seed": settings.seed,
    }
    given = {key: value for key, value in settings.training.items() if key not in _OWN}
    # Where a name belongs to both, such as width, it is the model's.
    chosen = {key: value for key, value in options.items() if key not in ours or key in shared}
    training = build_config(settings.preset, {**recipe, **shared, **given, **chosen})
    epochs = MOST_EPOCHS if settings.epochs is None else settings.epochs
    minutes = settings.minutes
    if settings.epochs is None and minutes is None:
        minutes = DEFAULT_MINUTES
    training = with_epochs(training, epochs)
    model = {
        "backbone": training.backbone,
        "backbone_stride": training.backbone_stride,
        "freeze_batch_norm": training.freeze_batch_norm,
        **{key: value for key, value in options.items() if key in ours and key not in shared},
    }
    return TokenSettings(training, model, None if settings.epochs is not None else minutes)


def with_epochs(config: TrainingConfig, epochs: int) -> TrainingConfig:
    """Return the settings with another number of epochs, and a warm-up that suits it."""
    return replace(
        config,
        epochs=epochs,
        warmup_epochs=min(config.warmup_epochs, _WARM_UP * epochs),
        unsmoothed_epochs=min(config.unsmoothed_epochs, epochs),
    )
