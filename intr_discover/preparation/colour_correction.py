"""Colours made right by a ColorChecker: the 24 published colours, a fit, and what is left over."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000, rgb2lab

Floats = NDArray[np.float64]

ROWS, COLUMNS = 4, 6

#: The ColorChecker Classic row by row, 8-bit sRGB, as X-Rite publishes it (dark skin to black).
REFERENCE: NDArray[np.uint8] = np.array(
    [
        (115, 82, 68), (194, 150, 130), (98, 122, 157),
        (87, 108, 67), (133, 128, 177), (103, 189, 170),
        (214, 126, 44), (80, 91, 166), (193, 90, 99),
        (94, 60, 108), (157, 188, 64), (224, 163, 46),
        (56, 61, 150), (70, 148, 73), (175, 54, 60),
        (231, 199, 31), (187, 86, 149), (8, 133, 161),
        (243, 243, 242), (200, 200, 200), (160, 160, 160),
        (122, 122, 121), (85, 85, 85), (52, 52, 52),
    ],
    np.uint8,
)  # fmt: skip

#: Patches that are left after those at the end of the camera's range: fewer decide nothing.
FEWEST_PATCHES = 16

_BRIGHTEST, _DARKEST = 252.0, 3.0  # beyond, a channel is cut off and says nothing
_BAND = 1 << 18  # pixels that are corrected at a time: a large picture takes no more memory


def usable(patches: Floats) -> NDArray[np.bool_]:
    """Return which patches lie within the camera's range, ``bool [N]``.

    Parameters
    ----------
    patches
        ``[N, 3]``, sRGB, 0 to 255.
    """
    inside: NDArray[np.bool_] = (patches.max(axis=1) < _BRIGHTEST) & (
        patches.min(axis=1) > _DARKEST
    )
    return inside


def fit_correction(patches: Floats, reference: Floats | NDArray[np.uint8] = REFERENCE) -> Floats:
    """Fit the matrix that takes photographed colours to the published ones.

    Parameters
    ----------
    patches, reference
        ``[N, 3]``, sRGB, 0 to 255.

    Returns
    -------
    ndarray
        ``[3, 3]``, from linear sRGB to linear sRGB: ``light @ matrix``.

    Notes
    -----
    Linear colour correction by least squares (as in Finlayson, Mackiewicz and Hurlbert 2015, IEEE
    Transactions on Image Processing 24(5), Section II). It grows in proportion to the light, so
    that what is found on the card also holds where the light is weaker; a constant term would
    not. Their root-polynomial terms keep that too, and fit the card closer, but predicted patches
    that were left out worse on eight real photographs. Each patch is weighted by one over its
    published luminance to the 2/3: about equal steps of lightness count equally.
    """
    wanted = to_linear(np.asarray(reference, np.float64))
    luminance = wanted @ (0.2126, 0.7152, 0.0722)  # of sRGB, IEC 61966-2-1
    weight = (luminance ** (-2 / 3))[:, None]
    matrix, *_ = np.linalg.lstsq(weight * to_linear(patches), weight * wanted, rcond=None)
    return np.asarray(matrix, np.float64)


def corrected_colours(colours: Floats | NDArray[np.uint8], matrix: Floats) -> Floats:
    """Return colours ``[..., 3]`` (sRGB, 0 to 255) after a correction, not yet rounded."""
    return from_linear(to_linear(np.asarray(colours, np.float64)) @ matrix)


def correct(photograph: NDArray[np.uint8], matrix: Floats) -> NDArray[np.uint8]:
    """Return a photograph ``uint8 [H, W, 3]`` after a correction; what leaves 0 to 255 is cut."""
    pixels = photograph.reshape(-1, 3)
    made = np.empty_like(pixels)
    for start in range(0, len(pixels), _BAND):
        band = slice(start, start + _BAND)
        made[band] = np.round(corrected_colours(pixels[band], matrix))
    return made.reshape(photograph.shape)


def colour_difference(colours: Floats, reference: Floats | NDArray[np.uint8]) -> Floats:
    """Return CIEDE2000 of pairs of colours ``[N, 3]`` (sRGB, 0 to 255) as ``[N]``; 1 can be seen.

    Sharma, Wu and Dalal 2005, by scikit-image.
    """
    lab = [rgb2lab(np.asarray(each, np.float64) / 255) for each in (colours, reference)]
    return np.asarray(deltaE_ciede2000(*lab), np.float64)


def left_out_difference(patches: Floats, reference: Floats | NDArray[np.uint8]) -> Floats:
    """Return CIEDE2000 of each patch under the correction that the others alone give, ``[N]``.

    A patch that took part in the fit looks better than any other colour of the photograph will;
    this is the error to expect of the specimen's colours, as far as they are like the card's.
    """
    left = np.empty_like(patches)
    for number in range(len(patches)):
        others = np.arange(len(patches)) != number
        matrix = fit_correction(patches[others], np.asarray(reference)[others])
        left[number] = corrected_colours(patches[number], matrix)
    return colour_difference(left, reference)


def to_linear(values: Floats) -> Floats:
    """Return sRGB values of 0 to 255 as linear light of 0 to 1 (IEC 61966-2-1)."""
    share = values / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def from_linear(light: Floats) -> Floats:
    """Return linear light as sRGB values of 0 to 255; what lies outside 0 to 1 is cut."""
    share = np.clip(light, 0, 1)
    return 255 * np.where(share <= 0.0031308, 12.92 * share, 1.055 * share ** (1 / 2.4) - 0.055)
