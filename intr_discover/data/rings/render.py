"""From an individual to its photograph, its masks and landmarks.

``render`` is a pure function of the specimen and the intervention. Pose, light, backdrop, wear and
noise have random numbers of their own, so an intervention changes the attribute and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from intr_discover.data.rings.anatomy import Numbers, WingShape
from intr_discover.data.rings.body import Body, draw_body
from intr_discover.data.rings.canvas import Canvas
from intr_discover.data.rings.look import Look, look_of
from intr_discover.data.rings.raster import Picture, blur, lay_over, smooth_noise
from intr_discover.data.rings.scene import cast_shadow, draw_scene
from intr_discover.data.rings.species import Colour
from intr_discover.data.rings.specimen import RingSpecimen
from intr_discover.data.rings.wear import wear_wing
from intr_discover.data.rings.wings import paint_forewing, paint_hindwing

_FINEST = 480  # the scene is drawn at this size or more, then reduced like in a camera
_MASK_FROM = 0.25  # coverage of a pixel from which it belongs to an attribute


@dataclass(frozen=True)
class Rendering:
    """One photograph and all that is known about it.

    Attributes
    ----------
    photograph
        uint8 RGB ``[size, size, 3]``.
    mask
        uint8 ``[size, size]``, 0 or 255: the specimen.
    attributes
        For each attribute and part of the ring's repertoire its pixels, 0 or 255, both wings
        together; the place where it would be when it is not shown.
    keypoints
        Landmarks in pixels, (x, y) from the top left corner.
    states
        The state of each attribute as drawn.
    """

    photograph: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    attributes: dict[str, NDArray[np.uint8]]
    keypoints: dict[str, tuple[float, float]]
    states: dict[str, str]


@dataclass
class _Plate:
    """The scene while it is put together, at drawing resolution."""

    colour: Picture
    coverage: Picture
    layers: dict[str, Picture]
    keypoints: dict[str, Numbers]


def render(
    specimen: RingSpecimen,
    *,
    without: str | Collection[str] | None = None,
    swap: str | Collection[str] | None = None,
    recolour: Mapping[str, Colour] | None = None,
) -> Rendering:
    """Draw a specimen, as it is or with an intervention.

    Parameters
    ----------
    specimen
        The individual.
    without
        Attributes or parts drawn as if they had never been there.
    swap
        Attributes drawn in their other state; the diagnostic one's other state is the mate's.
    recolour
        Other colours, RGB from 0 to 255, by attribute or part.

    Returns
    -------
    Rendering

    Raises
    ------
    UserError
        If the ring has no such attribute, or the intervention does not fit it.

    Examples
    --------
    >>> from intr_discover.data import rings
    >>> specimen = rings.draw_specimen(seed=0, index=1)
    >>> specimen.label, specimen.ring.diagnostic
    ('Ember similis', 'basal_spots')
    >>> rings.render(specimen, without="basal_spots").states["basal_spots"]
    'absent'
    """
    look = look_of(specimen, without=without, swap=swap, recolour=recolour)
    factor = max(2, -(-_FINEST // specimen.size))
    pixels = factor * specimen.size
    pose = _pose(specimen, pixels)
    plate = _draw_wings(look, pose, pixels)
    scene = draw_scene(specimen, pixels)
    light = specimen.random("light")
    angle = light.uniform(0, 2 * np.pi)
    height = pixels * light.uniform(0.006, 0.018)
    offset = height * np.array([np.cos(angle), np.sin(angle)])
    # Wings and body before the shadow, because the antennae hardly cast one.
    cast_shadow(scene, plate.coverage, offset, height * light.uniform(0.5, 1.2))
    lay_over(scene, plate.coverage, plate.colour)
    body = draw_body(scene, look, pose)
    _finish_layers(plate, look, body)
    coverage = np.maximum.reduce([plate.coverage, body.body, body.antennae, body.clubs])
    photograph = _photograph(scene, specimen, factor)
    return Rendering(
        photograph,
        _to_mask(coverage, specimen.size, 0.5),
        {name: _to_mask(plate.layers[name], specimen.size, _MASK_FROM)
         for name in specimen.ring.repertoire},
        _keypoints(plate, look, pose, factor),
        dict(look.states),
    )  # fmt: skip


def _pose(specimen: RingSpecimen, pixels: int) -> Numbers:
    """Return half wing spans to pixels ``[2, 3]``."""
    random, hard = specimen.random("pose"), specimen.hard
    angle = np.deg2rad(random.normal(0, 1 + 7 * hard))
    scale = pixels * (0.425 + random.uniform(-0.07, 0.02) * hard)
    centre = pixels * (np.array([0.5, 0.545]) + random.uniform(-0.03, 0.03, 2) * hard)
    turn = scale * np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    return np.column_stack([turn, centre])


def _draw_wings(look: Look, pose: Numbers, pixels: int) -> _Plate:
    """Paint both wings once, and lay them down four times: hindwings first, left and right."""
    specimen = look.specimen
    plate = _Plate(
        np.zeros((pixels, pixels, 3), np.float32), np.zeros((pixels, pixels), np.float32),
        {name: np.zeros((pixels, pixels), np.float32) for name in specimen.ring.repertoire}, {},
    )  # fmt: skip
    resolution = float(np.sqrt(abs(np.linalg.det(pose[:, :2]))))
    spread = specimen.random("spread")
    for wing, paint in (("hindwing", paint_hindwing), ("forewing", paint_forewing)):
        canvas, shape = paint(look, resolution)
        common = spread.normal(0, 4 * specimen.hard)
        for side, sign in (("left", -1), ("right", 1)):
            turn = np.deg2rad(common + spread.normal(0, 2.5 * specimen.hard))
            placed = _place_wing(pose, shape, sign, turn)
            colour, coverage = wear_wing(canvas, shape, look, side, wing)
            _lay_down(plate, canvas, colour, coverage, placed, wing)
            _note_landmarks(plate, shape, placed, wing, side)
    return plate


def _place_wing(pose: Numbers, shape: WingShape, sign: int, turn: float) -> Numbers:
    """Return a wing's half wing spans to pixels ``[2, 3]``: turned about its base, mirrored."""
    cos, sin = np.cos(turn), np.sin(turn)
    rotation = np.array([(cos, -sin), (sin, cos)])
    shift = shape.base - rotation @ shape.base
    mirror = np.diag([sign, 1.0])
    return np.column_stack([pose[:, :2] @ mirror @ rotation,
                            pose[:, :2] @ mirror @ shift + pose[:, 2]])  # fmt: skip


def _lay_down(
    plate: _Plate, canvas: Canvas, colour: Picture, coverage: Picture, placed: Numbers, wing: str
) -> None:
    """Warp a wing into the plate, over what lies there already."""
    linear = placed[:, :2] / canvas.resolution
    offset = placed[:, :2] @ canvas.origin + placed[:, 2]
    softness = max(0.8, canvas.resolution / 45)  # of the shade on the wing below
    # Only the part of the plate that the wing can reach is touched.
    box, corner = _reach(linear, offset, canvas.shape, plate.coverage.shape, 4 * softness)
    warp = np.column_stack([linear, offset - corner])
    colours, covered = plate.colour[box], plate.coverage[box]
    size = (covered.shape[1], covered.shape[0])

    def lay(layer: Picture) -> Picture:
        return cv2.warpAffine(layer, warp, size).astype(np.float32, copy=False)

    above = lay(coverage)
    if wing == "forewing":
        # The hindwing lies lower and gets less light beside the forewing.
        colours *= (1 - 0.35 * blur(above, softness))[..., None]
    lay_over(colours, above, _warp_colour(colour, warp, size))
    np.maximum(covered, above, out=covered)
    for name, layer in plate.layers.items():
        layer[box] *= 1 - above
        if name in canvas.layers:
            np.maximum(layer[box], lay(canvas.layers[name]), out=layer[box])


def _warp_colour(colour: Picture, warp: Numbers, size: tuple[int, int]) -> Picture:
    """Warp colours; beyond the canvas its last ones go on, so that no edge turns black."""
    warped = cv2.warpAffine(colour, warp, size, borderMode=cv2.BORDER_REPLICATE)
    return warped.astype(np.float32, copy=False)


def _reach(
    linear: Numbers,
    offset: Numbers,
    shape: tuple[int, int],
    plate: tuple[int, ...],
    margin: float,
) -> tuple[tuple[slice, slice], Numbers]:
    """Return the rows and columns of the plate that a canvas covers, and their first corner."""
    height, width = shape
    corners = np.array([(0, 0), (width, 0), (0, height), (width, height)]) @ linear.T + offset
    limit = np.array([plate[1], plate[0]])
    first = np.clip(np.floor(corners.min(axis=0) - margin), 0, limit - 1).astype(int)
    last = np.clip(np.ceil(corners.max(axis=0) + margin), first + 1, limit).astype(int)
    box = (slice(first[1], last[1]), slice(first[0], last[0]))
    return box, first.astype(np.float64)


def _finish_layers(plate: _Plate, look: Look, body: Body) -> None:
    for name in plate.layers:
        plate.layers[name] *= 1 - body.body
    if look.has("antenna_tips"):
        plate.layers["antenna_tips"] = body.clubs


def _note_landmarks(plate: _Plate, shape: WingShape, placed: Numbers, wing: str, side: str) -> None:
    """Remember landmarks that both forms of a wing share, in plate pixels."""
    points = {"base": shape.base, "cell_end": shape.cell[np.argmax(shape.cell[:, 0])]}
    for number, vein in enumerate(shape.veins, 1):
        points[f"vein_{number}"] = vein[-1]
    for name, point in points.items():
        plate.keypoints[f"{wing}_{side}_{name}"] = placed[:, :2] @ point + placed[:, 2]


def _keypoints(
    plate: _Plate, look: Look, pose: Numbers, factor: int
) -> dict[str, tuple[float, float]]:
    points = dict(plate.keypoints)
    for name, place in (("head", (0.0, -0.25)), ("thorax", (0.0, -0.10)), ("abdomen", (0.0, 0.2))):
        points[name] = pose[:, :2] @ np.array(place) + pose[:, 2]
    # Pixel centres: a point in the middle of the first pixel of the photograph is at 0, 0.
    return {
        name: (float((x + 0.5) / factor - 0.5), float((y + 0.5) / factor - 0.5))
        for name, (x, y) in points.items()
    }


def _photograph(scene: Picture, specimen: RingSpecimen, factor: int) -> NDArray[np.uint8]:
    """Put the scene through a camera: light, colour cast, blur, noise."""
    random, hard = specimen.random("camera"), specimen.hard
    size = specimen.size
    picture = _reduce(scene, size)
    softness = random.uniform(0.0, 0.9) * hard * size / 160
    if softness > 0.15:
        picture = blur(picture, softness)
    ramp = np.linspace(-1, 1, size, dtype=np.float32)
    down, right = random.normal(0, 0.07 * hard, 2)
    vignette = 1 - 0.10 * hard * (ramp[:, None] ** 2 + ramp**2)
    exposure = np.exp(random.normal(0, 0.10 * hard))
    cast = 1 + random.normal(0, 0.030 * hard, 3)
    light = (1 + down * ramp[:, None] + right * ramp) * vignette * exposure
    picture = picture * light[..., None] * cast.astype(np.float32)
    coarse = smooth_noise(random, (size, size), size // 2)
    noise = (0.8 + 3.2 * hard) * random.standard_normal((size, size, 3))
    picture = picture + noise + (1.2 * hard) * coarse[..., None]
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _to_mask(coverage: Picture, size: int, threshold: float) -> NDArray[np.uint8]:
    return np.where(_reduce(coverage, size) > threshold, 255, 0).astype(np.uint8)


def _reduce(picture: Picture, size: int) -> Picture:
    """Return the mean over blocks of pixels: what the photograph's larger pixels would see."""
    reduced = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    return reduced.astype(np.float32, copy=False)
