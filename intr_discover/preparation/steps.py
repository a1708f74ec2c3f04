"""What is to be done to each photograph, checked once before any is opened."""

from __future__ import annotations

from dataclasses import dataclass

from intr_discover.edits.colours import Colour, parse_colour
from intr_discover.errors import UserError

#: Names of backgrounds. The mean is that of ImageNet, which the usual normalisation turns into 0.
BACKGROUNDS: dict[str, Colour] = {
    "grey": (128, 128, 128),
    "white": (255, 255, 255),
    "mean": (124, 116, 104),  # rounded; a test compares it, as that module brings torch
}


@dataclass(frozen=True)
class Steps:
    """The steps of a preparation. They are done in the order of their names here.

    Attributes
    ----------
    colour_card
        Find a ColorChecker and correct the colours by it.
    foreground
        Guess the specimen's mask where the table has none.
    apart
        Cut several specimens of one photograph apart.
    least_share
        With ``apart``: parts below this share (0 to 1) of the largest one's area are no specimens.
    background
        ``"grey"``, ``"white"``, ``"mean"`` or ``#rrggbb``: what is laid behind the specimen; None
        keeps the photographed one.
    crop
        Cut to the specimen's box.
    margin
        With ``crop`` and ``apart``: rim round the box, as a share (0 to 1) of its longer side.

    Raises
    ------
    UserError
        No step at all, or a value outside its range.
    """

    colour_card: bool = False
    foreground: bool = False
    apart: bool = False
    least_share: float = 0.1
    background: str | None = None
    crop: bool = False
    margin: float = 0.05

    def __post_init__(self) -> None:
        if not (self.colour_card or self.foreground or self.needs_mask):
            raise UserError(
                "nothing to do: name a step, --colour-card, --foreground, --apart, --background "
                "or --crop"
            )
        if not 0 <= self.margin <= 1:
            raise UserError(
                f"the margin is {self.margin:g}: give a share of the box's longer side from 0 to 1"
            )
        if not 0 < self.least_share <= 1:
            raise UserError(
                f"the least share is {self.least_share:g}: give a share of the largest specimen's "
                "area, above 0 and up to 1"
            )
        if self.background is not None:
            try:
                _ = self.background_colour
            except UserError as error:
                raise UserError(
                    f"the background is '{self.background}': write {', '.join(BACKGROUNDS)} or a "
                    "colour like #d62728"
                ) from error

    @property
    def needs_mask(self) -> bool:
        """Whether a step cannot be done without the specimen's mask."""
        return self.apart or self.crop or self.background is not None

    @property
    def background_colour(self) -> Colour | None:
        """Red, green and blue of the new background, 0 to 255."""
        if self.background is None:
            return None
        return BACKGROUNDS.get(self.background) or parse_colour(self.background)
