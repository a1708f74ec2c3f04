"""Photographs of the Leeds data set that show the same picture or the same butterfly twice.

Numbers are the file names of the data set. Found by matching SIFT features (Lowe, 2004) of all
pairs within a species, upright and mirrored, with a RANSAC similarity fit, at 320 pixels: the same
picture in another crop, frame, tone or reflection keeps at least 148 matched points, two different
photographs at most 95. Every pair above 26 was then judged by eye.

Ten of these pairs a perceptual hash finds too; the published split keeps those together. Crops,
frames and reflections escape the hash, so the published split separates some of the others.
"""

from __future__ import annotations

#: The same photograph, cropped, framed, retouched or (0100155) mirrored.
SAME_PICTURE: tuple[tuple[str, ...], ...] = (
    ("0010009", "0010026"),
    ("0010013", "0010059"),
    ("0010023", "0010056"),
    ("0010033", "0010064"),
    ("0010043", "0010079"),
    ("0020174", "0020181"),
    ("0030039", "0030046"),
    ("0040111", "0040141"),
    ("0060029", "0060154", "0060228"),
    ("0060030", "0060206"),
    ("0060175", "0060194"),
    ("0070053", "0070115"),
    ("0080025", "0080040"),
    ("0080037", "0080055"),
    ("0100009", "0100041"),
    ("0100115", "0100155"),
)

#: Different photographs of one individual, judged by wear, missing tails and the scene.
SAME_INDIVIDUAL: tuple[tuple[str, ...], ...] = (
    ("0020016", "0020027"),
    ("0020070", "0020073"),
    ("0060151", "0060152"),
    ("0070064", "0070076"),
    ("0070098", "0070101"),
)


def individuals() -> dict[str, str]:
    """Return for each photograph listed here the first number of its group, itself included."""
    return {number: group[0] for group in (*SAME_PICTURE, *SAME_INDIVIDUAL) for number in group}
