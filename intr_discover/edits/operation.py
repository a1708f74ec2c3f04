"""One edit as data: what the command line, the app and the studies ask for, run and write down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intr_discover.edits.checks import check_amounts, check_mask, check_photograph
from intr_discover.edits.colours import colour_as_text
from intr_discover.edits.erase import METHODS, erase
from intr_discover.edits.mirror import mirror
from intr_discover.edits.paint import paint
from intr_discover.edits.recolour import match_donor, recolour, shift_hue
from intr_discover.edits.symmetry import Axis, axis_from_mask
from intr_discover.edits.transplant import SEAMS, transplant
from intr_discover.errors import UserError

Picture = NDArray[np.uint8]
AnyMask = NDArray[np.generic]


@dataclass(frozen=True)
class _Kind:
    """What an operation with one of its fills takes.

    Attributes
    ----------
    parameters
        Fields of ``Edit``, beside those that all take.
    pictures
        Arguments of ``Edit.apply``, beside photograph and mask.
    needed
        Parameters and arguments that must be given.
    """

    parameters: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()


_DONOR = ("donor", "donor_mask")
_OF_ALL = ("operation", "fill", "feather", "strength")
_NUMBERS = ("degrees", "radius", "feather", "strength")
# The first fill of an operation is the one that is taken where none is named.
OPERATIONS: dict[str, dict[str, _Kind]] = {
    "erase": {
        method: {
            "background": _Kind(pictures=("background",)),
            "biharmonic": _Kind(),
            "colour": _Kind(("colour",), needed=("colour",)),
        }.get(method, _Kind(("radius",)))
        for method in METHODS
    },
    "recolour": {
        "colour": _Kind(("colour", "lightness"), needed=("colour",)),
        "hue": _Kind(("degrees",), needed=("degrees",)),
        "donor": _Kind(pictures=_DONOR, needed=_DONOR),
    },
    "transplant": {seam: _Kind(("mirrored", "rest"), _DONOR, _DONOR) for seam in SEAMS},
    "blur": {"gaussian": _Kind(("radius",))},
    "mirror": {"reflection": _Kind(pictures=("specimen", "axis"))},
    "paint": {"layer": _Kind(pictures=("layer",), needed=("layer",))},
}


@dataclass(frozen=True)
class Edit:
    """An operation with its parameters, checked when it is made.

    Attributes
    ----------
    operation
        ``erase``, ``recolour``, ``transplant``, ``blur``, ``mirror`` or ``paint``.
    fill
        How: a key of ``OPERATIONS[operation]``; the first one if left out.
    colour
        ``#rrggbb``: of ``recolour`` with ``colour``, ``erase`` with ``colour``.
    degrees
        Of ``recolour`` with ``hue``: how far the hue is turned.
    lightness
        Of ``recolour`` with ``colour``: ``match`` (if left out) or ``keep``.
    radius
        Of inpainting, ``surround`` and blur, in pixels; each has its own if left out.
    mirrored
        Of ``transplant``: mirror the donor first (not, if left out).
    rest
        Of ``transplant``: ``donor`` (if left out) or ``keep``.
    feather
        Width of the soft edge outside the mask in pixels, 0 or more.
    strength
        0 (photograph unchanged, byte for byte) to 1.

    Raises
    ------
    UserError
        If there is no such operation or fill, it does not take a parameter that is given, one that
        it needs is missing, or a value is out of range.

    Examples
    --------
    >>> Edit("recolour", colour="#d62728", feather=2).as_dict()["fill"]
    'colour'
    """

    operation: str
    fill: str | None = None
    colour: str | None = None
    degrees: float | None = None
    lightness: str | None = None
    radius: float | None = None
    mirrored: bool | None = None
    rest: str | None = None
    feather: float = 0.0
    strength: float = 1.0

    def __post_init__(self) -> None:
        if self.operation not in OPERATIONS:
            raise UserError(f"there is no operation '{self.operation}': use {_list(OPERATIONS)}")
        kinds = OPERATIONS[self.operation]
        if self.fill is None:
            object.__setattr__(self, "fill", next(iter(kinds)))
        if self.fill not in kinds:
            raise UserError(f"{self.operation} has no fill '{self.fill}': use {_list(kinds)}")
        self._check_parameters()
        for name in _NUMBERS:
            if getattr(self, name) is not None:  # numpy's numbers are none for JSON
                object.__setattr__(self, name, float(getattr(self, name)))
        check_amounts(self.feather, self.strength)
        if self.colour is not None:
            object.__setattr__(self, "colour", colour_as_text(self.colour))
        # The functions know which values they take: ask them, on the smallest picture.
        self._try_out()

    @property
    def name(self) -> str:
        """The operation and its fill in words: ``erase (telea)``."""
        return f"{self.operation} ({self.fill})"

    @property
    def takes(self) -> tuple[str, ...]:
        """The arguments that :meth:`apply` takes beside photograph and mask."""
        return self._kind.pictures

    def apply(
        self,
        photograph: Picture,
        mask: AnyMask | None,
        donor: Picture | None = None,
        donor_mask: AnyMask | None = None,
        layer: Picture | None = None,
        *,
        background: AnyMask | None = None,
        specimen: AnyMask | None = None,
        axis: Axis | None = None,
    ) -> Picture:
        """Return the edited photograph.

        Parameters
        ----------
        photograph
            uint8, grey, RGB or RGBA, of any size; it is not changed.
        mask
            ``[H, W]``: the region is where it is above 0. Only ``paint`` does without (None): all
            strokes count.
        donor, donor_mask
            Of ``transplant`` and ``recolour`` with ``donor``.
        layer
            RGBA ``[H, W, 4]`` of ``paint``.
        background
            ``[H, W]`` of ``erase`` with ``background``; the photograph's border if left out.
        specimen, axis
            Of ``mirror``: the specimen's mask, from which the axis is found, or the axis itself.

        Returns
        -------
        ndarray
            uint8, of the photograph's shape.

        Raises
        ------
        UserError
            If something is missing, given in vain, or does not fit.
        """
        given = {"donor": donor, "donor_mask": donor_mask, "layer": layer,
                 "background": background, "specimen": specimen, "axis": axis}  # fmt: skip
        self._check_pictures({name for name, value in given.items() if value is not None})
        if mask is None and self.operation != "paint":
            raise UserError(f"{self.operation} needs a mask: the region that is to be changed")
        amounts: dict[str, Any] = {"feather": self.feather, "strength": self.strength}
        own: dict[str, Any] = {name: getattr(self, name) for name in self._kind.parameters}
        own = {name: value for name, value in own.items() if value is not None}
        if self.operation == "paint":
            assert layer is not None
            return paint(photograph, layer, mask, **amounts)
        assert mask is not None
        if self.operation in ("erase", "blur"):
            method: Any = self.fill if self.operation == "erase" else "blur"
            return erase(photograph, mask, method=method, background=background, **own, **amounts)
        if self.operation == "mirror":
            return mirror(photograph, mask, _axis(photograph, specimen, axis), **amounts)
        if self.fill == "colour":
            return recolour(photograph, mask, **own, **amounts)
        if self.fill == "hue":
            return shift_hue(photograph, mask, **own, **amounts)
        assert donor is not None and donor_mask is not None
        if self.operation == "recolour":
            return match_donor(photograph, mask, donor, donor_mask, **amounts)
        seam: Any = self.fill
        return transplant(photograph, mask, donor, donor_mask, seam=seam, **own, **amounts)

    def as_dict(self) -> dict[str, Any]:
        """Return the parameters that matter, ready for JSON; :meth:`from_dict` reads them."""
        names = _OF_ALL + self._kind.parameters
        values = {name: getattr(self, name) for name in names}
        return {name: value for name, value in values.items() if value is not None}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Edit:
        """Return the edit that a dictionary describes.

        Raises
        ------
        UserError
            If it names no operation, or a parameter that there is not; as for :class:`Edit`.
        """
        known = [field.name for field in fields(cls)]
        unknown = [str(name) for name in values if name not in known]
        if unknown:
            raise UserError(f"an edit has no parameter '{unknown[0]}': use {_list(known)}")
        needed = [field.name for field in fields(cls) if field.default is MISSING]
        for name in needed:
            if name not in values:
                raise UserError(f"the edit names no {name}: use {_list(OPERATIONS)}")
        return cls(**values)

    @property
    def _kind(self) -> _Kind:
        assert self.fill is not None
        return OPERATIONS[self.operation][self.fill]

    def _check_parameters(self) -> None:
        kind = self._kind
        for field in fields(self):
            name, value = field.name, getattr(self, field.name)
            if name in kind.needed and value is None:
                raise UserError(f"{self.name} needs a value for '{name}'")
            if name in ("operation", "fill", "colour", "lightness", "rest"):
                kinds: tuple[type, ...] = (str,)
            else:
                kinds = (bool,) if name == "mirrored" else (Real,)
            right = isinstance(value, kinds) and (kinds == (bool,) or not isinstance(value, bool))
            if not (right or (value is None and name not in ("feather", "strength"))):
                wanted = {str: "a text", bool: "true or false"}.get(kinds[0], "a number")
                raise UserError(f"'{name}' of an edit must be {wanted}, not {value!r}")
            if name not in _OF_ALL + kind.parameters and value is not None:
                allowed = _list(_OF_ALL[2:] + kind.parameters)
                raise UserError(f"{self.name} takes no '{name}': it takes {allowed}")

    def _check_pictures(self, given: set[str]) -> None:
        kind = self._kind
        for name in kind.needed:
            if name not in given and name not in kind.parameters:
                raise UserError(f"{self.name} needs a {name.replace('_', ' ')}")
        for name in sorted(given - set(kind.pictures)):
            raise UserError(
                f"{self.name} takes no {name.replace('_', ' ')}: leave it out, or use another "
                "operation"
            )

    def _try_out(self) -> None:
        one, none = np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1), bool)
        pictures: dict[str, Any] = {
            "donor": one, "donor_mask": ~none, "layer": np.zeros((1, 1, 4), np.uint8),
            "axis": Axis(0, 0),
        }  # fmt: skip
        self.apply(one, none, **{name: value for name, value in pictures.items()
                                 if name in self._kind.pictures})  # fmt: skip


def _axis(photograph: Picture, specimen: AnyMask | None, axis: Axis | None) -> Axis:
    """Return the axis that is given, or that of the specimen."""
    if axis is not None:
        return axis
    if specimen is None:
        raise UserError("mirror needs the specimen's mask, or its axis")
    check_photograph(photograph)
    return axis_from_mask(check_mask(specimen, photograph, what="specimen mask"))


def _list(names: Any) -> str:
    *first, last = list(names)
    return f"{', '.join(first)} or {last}" if first else str(last)
