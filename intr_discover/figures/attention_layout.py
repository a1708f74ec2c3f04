"""Where the panels of the attention figure stand, for photographs of any shape.

All lengths are in mm, all places are measured from the upper left corner of the figure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from intr_discover.figures import style

MARGIN = 2.0
WIDTH = style.DOUBLE_COLUMN_MM - 2 * MARGIN
GAP = 2.0
HEADER_HEIGHT = 10.0
HEADING_HEIGHT = 3.6  # a panel letter and its words
LINE_HEIGHT = 2.6  # of small text
BAR_PITCH = 4.2  # one class of the bar chart
COLOUR_BAR_HEIGHT = 3.0
COLOUR_BAR_FOOT = 8.5  # its numbers and its label, of two lines if it must
_TITLE_PAD = 0.6

# What the rows of heads may take together, so that the figure stays on a page.
_HEADS_HEIGHT = 115.0
_HEADS_HEIGHT_SEVERAL = 160.0  # several classes: the photograph above is smaller then
_TALLEST_PANEL = 75.0
_LOWEST_PANEL = 8.0
# What a panel's title needs on two lines ("head 12", "max 0.0012") and on one.
_TWO_LINE_TITLE = 16.0
_ONE_LINE_TITLE = 27.0
_NARROWEST_HEADING = 20.0  # "a Photograph"
_HIGHEST_PHOTOGRAPH = 50.0
_NARROWEST_SIDE = 46.0  # for bar chart and colour bar beside the photograph
_WIDEST_SIDE = 110.0
# Photographs wider than this (width to height) stand in two columns, twice as wide ones in one.
_WIDE_ASPECT = 2.2


@dataclass(frozen=True)
class Box:
    """A rectangle on the figure."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.top + self.height


@dataclass(frozen=True)
class Grid:
    """Panels of one size in rows and columns; the columns share out the width of the page."""

    columns: int
    rows: int
    panel_width: float
    panel_height: float
    title_lines: int

    @property
    def pitch(self) -> float:
        """Distance between the left edges of two columns."""
        if self.columns == 1:
            return WIDTH + GAP
        # The last column ends with the page: its panel, or its title if that is wider.
        return (WIDTH - self.title_room) / (self.columns - 1)

    @property
    def title_room(self) -> float:
        """How wide a line of a title may be."""
        title = _ONE_LINE_TITLE if self.title_lines == 1 else _TWO_LINE_TITLE
        return max(self.panel_width, title)

    @property
    def row_height(self) -> float:
        """Height of a panel with its title and the gap below."""
        return self.title_lines * LINE_HEIGHT + _TITLE_PAD + self.panel_height + GAP

    def panel(self, row: int, column: int, top: float) -> Box:
        """Return the place of a panel in the grid whose first title begins at ``top``."""
        return Box(
            MARGIN + column * self.pitch,
            top + row * self.row_height + self.title_lines * LINE_HEIGHT + _TITLE_PAD,
            self.panel_width,
            self.panel_height,
        )


def best_grid(aspect: float, heads: int, classes: int, named: bool = False) -> Grid:
    """Return the grid with the largest panels and the fewest holes that fits on a page.

    Parameters
    ----------
    aspect
        Width of the photograph over its height.
    heads
        How many heads are drawn for each class.
    classes
        How many classes; with more than one, the first column of the grid is kept for the mean.
    named
        Whether heads have names, which get a line of their own in a title.
    """
    mean_columns = 0 if classes == 1 else 1
    if aspect > 2 * _WIDE_ASPECT:
        fewest = 1
    elif aspect > _WIDE_ASPECT:
        fewest = 2
    else:
        fewest = 3
    fewest = max(fewest, 1 + mean_columns)
    most = max(fewest, heads + mean_columns)
    all_rows_height = _HEADS_HEIGHT if classes == 1 else _HEADS_HEIGHT_SEVERAL
    best: Grid | None = None
    best_merit = 0.0
    for columns in range(fewest, most + 1):
        column_width = (WIDTH + GAP) / columns - GAP
        if best is not None and column_width < _TWO_LINE_TITLE:
            break
        head_columns = columns - mean_columns
        rows = math.ceil(heads / head_columns)
        title_lines = 1 if column_width >= _ONE_LINE_TITLE and not named else 2
        row_height = all_rows_height / (rows * classes)
        room = row_height - title_lines * LINE_HEIGHT - _TITLE_PAD - GAP
        height = min(column_width / aspect, max(room, _LOWEST_PANEL), _TALLEST_PANEL)
        share_filled = heads / (rows * head_columns)
        # A hole costs far more than its area: it looks like a head that is missing.
        merit = height * height * aspect * share_filled**4
        if merit > best_merit:
            best_merit = merit
            best = Grid(columns, rows, height * aspect, height, title_lines)
    assert best is not None
    return best


@dataclass(frozen=True)
class Layout:
    """The places of everything in the attention figure."""

    grid: Grid
    photograph: Box
    mean: Box | None  # with one class; with several, the mean stands in the grid
    headings_room: float  # width of the words above photograph and mean
    bars: Box | None
    colour_bar: Box
    class_tops: tuple[float, ...]  # of each class's heading
    caption_top: float
    height: float


def lay_out(
    aspect: float, heads: int, classes: int, bars: int, caption_lines: int, named: bool = False
) -> Layout:
    """Return the layout for a photograph of this shape.

    Parameters
    ----------
    aspect
        Width of the photograph over its height.
    heads, classes
        How many heads are drawn for each class, and how many classes.
    bars
        How many bars the bar chart has; 0 for no chart.
    caption_lines
        How many lines the caption has.
    named
        Whether heads have names.
    """
    grid = best_grid(aspect, heads, classes, named)
    top = HEADER_HEIGHT + HEADING_HEIGHT
    if classes == 1:
        photograph, mean = _side_by_side(grid, aspect, top)
        pictures_right = mean.right
        # In line with the next column of heads, if there is one.
        next_column = MARGIN + math.ceil((mean.right - MARGIN) / grid.pitch) * grid.pitch
        headings_room = mean.left - photograph.left - GAP
    else:
        height = min(36.0 if aspect > 0.8 else 50.0, _WIDEST_SIDE / aspect)
        photograph, mean = Box(MARGIN, top, height * aspect, height), None
        headings_room = max(photograph.width, _NARROWEST_HEADING)
        pictures_right = photograph.left + headings_room
        next_column = pictures_right + 3 * GAP
    bars_height = bars * BAR_PITCH
    right_edge = MARGIN + WIDTH
    has_room = right_edge - next_column >= _NARROWEST_SIDE
    left = next_column if has_room else pictures_right + 3 * GAP
    if right_edge - left >= _NARROWEST_SIDE:
        side = Box(left, top, min(right_edge - left, _WIDEST_SIDE), bars_height)
        colour_bar_top = side.bottom + 2 * GAP if bars else top
        colour_bar_left, colour_bar_room = side.left, side.width
    else:
        # No room beside the pictures: the bar chart below them, the colour bar at its right.
        below = photograph.bottom + 2 * GAP + (HEADING_HEIGHT if bars else 0.0)
        side = Box(MARGIN, below, _WIDEST_SIDE, bars_height)
        colour_bar_left = side.right + 3 * GAP if bars else MARGIN
        colour_bar_room = right_edge - colour_bar_left
        colour_bar_top = below
    # Room at the left for half of the first number, at the right for "light pixels".
    colour_bar = Box(
        colour_bar_left + 2.5,
        colour_bar_top,
        min(colour_bar_room - 2.5 - 16.0, 60.0),
        COLOUR_BAR_HEIGHT,
    )
    classes_top = 1.5 * GAP + max(
        photograph.bottom, side.bottom, colour_bar.bottom + COLOUR_BAR_FOOT
    )
    class_height = HEADING_HEIGHT + grid.rows * grid.row_height + 0.5 * GAP
    caption_top = classes_top + classes * class_height + 0.5 * GAP
    return Layout(
        grid=grid,
        photograph=photograph,
        mean=mean,
        headings_room=headings_room,
        bars=side if bars else None,
        colour_bar=colour_bar,
        class_tops=tuple(classes_top + k * class_height for k in range(classes)),
        caption_top=caption_top,
        height=caption_top + caption_lines * LINE_HEIGHT + MARGIN,
    )


def _side_by_side(grid: Grid, aspect: float, top: float) -> tuple[Box, Box]:
    """Return photograph and mean: at least as large as a head, their left edges in its columns."""
    if grid.columns == 1:
        width = (WIDTH - GAP) / 2
        second = MARGIN + width + GAP
    else:
        # Over as many columns as leave room for the bar chart and are not too high.
        span = 1
        while (
            2 * (span + 1) * grid.pitch + _NARROWEST_SIDE <= WIDTH
            and ((span + 1) * grid.pitch - GAP) / aspect <= _HIGHEST_PHOTOGRAPH
        ):
            span += 1
        room = min(span * grid.pitch - GAP, WIDTH - span * grid.pitch)
        width = max(grid.panel_width, min(room, _HIGHEST_PHOTOGRAPH * aspect))
        second = MARGIN + span * grid.pitch
    height = width / aspect
    return Box(MARGIN, top, width, height), Box(second, top, width, height)
