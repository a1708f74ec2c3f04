"""What is extracted: every choice that changes a number or a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from intr_discover.errors import UserError

MapChoice = Literal["predicted", "true", "all", "none"]
MapType = Literal["float16", "float32"]


@dataclass(frozen=True)
class ExtractionSettings:
    """Choices of an extraction; a folder that was begun goes on with the same ones only.

    Attributes
    ----------
    split
        Which photographs: ``all``, ``train``, ``val`` or ``test``.
    maps
        Whose class queries are kept, their maps and head descriptors: of the ``predicted`` class,
        the ``true`` one, or ``all``. ``none`` keeps no maps, and the descriptors of the predicted
        class.
    maps_type
        How maps are stored. ``float16`` keeps three decimal digits in half the space.
    images_per_shard
        Photographs of a shard: the unit of work and of a file.
    batch_size
        Most photographs that go through the model at once. It decides the last digits of an
        answer, and therefore belongs here.
    precision
        ``fp32`` or ``bf16``: that of the explainer, whatever is given here.

    Raises
    ------
    UserError
        If a value is not one of those.
    """

    split: str = "all"
    maps: MapChoice = "predicted"
    maps_type: MapType = "float16"
    images_per_shard: int = 1000
    batch_size: int = 32
    precision: str = "fp32"

    def __post_init__(self) -> None:
        for name, known in (("maps", get_args(MapChoice)), ("maps_type", get_args(MapType))):
            if getattr(self, name) not in known:
                raise UserError(
                    f"{_option(name)} must be {' or '.join(known)}, not '{getattr(self, name)}'"
                )
        for name in ("images_per_shard", "batch_size"):
            if getattr(self, name) < 1:
                raise UserError(f"{_option(name)} must be at least 1, not {getattr(self, name)}")

    def as_dict(self) -> dict[str, Any]:
        """Return the settings for a JSON file."""
        return asdict(self)

    def differences(self, stored: Mapping[str, Any]) -> list[str]:
        """Return in words what differs from the settings that a folder was begun with."""
        known = {"precision": "fp32", **stored}  # there was no other once
        return [
            f"{_option(name)} was {known.get(name)}, now {value}"
            for name, value in self.as_dict().items()
            if known.get(name) != value
        ]


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")
