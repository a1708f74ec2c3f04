"""Small pictures with a region outlined on them.

Arrays in, arrays out.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from intr_discover.figures.overlay import resize_photograph

_LINE = (86, 180, 233)  # Okabe and Ito's sky blue, as in the other figures
_EDGE = (0, 0, 0)


def outlined(
    photograph: npt.NDArray[np.uint8], mask: npt.NDArray[np.bool_] | None, side: int
) -> npt.NDArray[np.uint8]:
    """Return a photograph, its longer side ``side`` pixels, with a region's outline on it.

    Parameters
    ----------
    photograph
        ``[H, W, 3]`` uint8.
    mask
        ``[H, W]``; None for none.
    side
        Pixels of the result's longer side.

    Returns
    -------
    ndarray
        uint8. The outline is light blue between black, to be seen on any ground.
    """
    height, width = photograph.shape[:2]
    factor = side / max(height, width)
    rows, columns = max(1, round(height * factor)), max(1, round(width * factor))
    small = np.ascontiguousarray(resize_photograph(photograph, rows, columns)).copy()
    if mask is None or not mask.any():
        return small
    area = cv2.resize(mask.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
    # A thread may be thinner than half a pixel of the small picture.
    region = (area >= min(0.5, float(area.max()))).astype(np.uint8)
    contours, _ = cv2.findContours(region, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(small, contours, -1, _EDGE, 3)
    cv2.drawContours(small, contours, -1, _LINE, 1)
    return small
