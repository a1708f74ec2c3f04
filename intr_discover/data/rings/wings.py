"""The pattern of a forewing and of a hindwing, painted on canvases of their own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from intr_discover.data.rings.anatomy import (
    Numbers,
    WingShape,
    ellipse,
    forewing_shape,
    hindwing_shape,
    smooth,
)
from intr_discover.data.rings.canvas import Canvas
from intr_discover.data.rings.look import Look
from intr_discover.data.rings.raster import Picture, smooth_noise

_FOREWING_BOX = (-0.06, -0.95, 1.20, 0.16)
_HINDWING_BOX = (-0.06, -0.24, 0.86, 0.74)
_BORDER_WIDTH = 0.075

# Corners of the forewing band: inner edge, then outer edge from the rear to the front.
_BAND_INNER = [(0.43, -0.60), (0.475, -0.43), (0.50, -0.25), (0.56, -0.06)]
_BAND_OUTER = [(0.66, -0.075), (0.715, -0.22), (0.715, -0.42), (0.66, -0.72)]
_SUBAPICAL_SHIFT = (0.13, -0.10)


def paint_forewing(look: Look, resolution: float) -> tuple[Canvas, WingShape]:
    """Paint the right forewing."""
    hooked = look.states.get("wing_tip") == "hooked"
    shape = forewing_shape(look.specimen, hooked)
    canvas = _ground(look, shape, _FOREWING_BOX, resolution, "forewing")
    if look.has("basal_flush"):
        _basal_flush(canvas, look, shape)
    if look.has("forewing_band"):
        _band(canvas, look, shape)
    if look.has("border"):
        # From the rounded margin in both forms of the wing tip: only the tip itself differs.
        form = canvas.coverage
        if hooked:
            form = canvas.polygon(forewing_shape(look.specimen, hooked=False).outline)
        _border(canvas, look, form, hindwing=False)
    if look.has("apical_spots"):
        for spot in _apical_spots(look):
            _mark(canvas, look, "apical_spots", spot, 0.006)
    if look.has("cell_patch"):
        _mark(canvas, look, "cell_patch", _cell_patch(look, shape), 0.008)
    if look.has("basal_spots"):
        _mark(canvas, look, "basal_spots", _spot(look, (0.185, -0.125), 0.036, "fore spot"), 0.005)
    _veins(canvas, look, shape)
    if look.has("wing_tip"):
        _keep_wing_tip(canvas, look, hooked)
    return canvas, shape


def paint_hindwing(look: Look, resolution: float) -> tuple[Canvas, WingShape]:
    """Paint the right hindwing."""
    shape = hindwing_shape(look.specimen)
    canvas = _ground(look, shape, _HINDWING_BOX, resolution, "hindwing")
    if look.has("hindwing_base"):
        _hindwing_base(canvas, look)
    if look.has("hindwing_bar"):
        _bar(canvas, look, shape)
    if look.has("border"):
        _border(canvas, look, canvas.coverage, hindwing=True)
    if look.has("hindwing_rays"):
        _rays(canvas, look, shape)
    if look.has("eyespots"):
        _eyespots(canvas, look, shape)
    if look.has("marginal_dots"):
        _marginal_dots(canvas, look, shape)
    if look.has("basal_spots"):
        for number, centre in enumerate(((0.135, 0.075), (0.125, 0.185), (0.115, 0.290))):
            spot = _spot(look, centre, 0.034, f"hind spot {number}")
            _mark(canvas, look, "basal_spots", spot, 0.005)
    _veins(canvas, look, shape)
    return canvas, shape


def _ground(
    look: Look, shape: WingShape, box: tuple[float, float, float, float], resolution: float,
    wing: str,
) -> Canvas:  # fmt: skip
    """Lay the ground colour: darker towards the base, mottled, lighter between the veins."""
    specimen = look.specimen
    canvas = Canvas(box, resolution, shape.outline, specimen.random(f"{wing} grain"))
    random = specimen.random(f"{wing} ground")
    ground = look.vary(specimen.ring.ground[wing == "hindwing"], "ground")
    canvas.colour[:] = ground
    x, y = canvas.coordinates()
    from_base = np.hypot(x - shape.base[0], y - shape.base[1])
    base_shade = 1 - 0.28 * np.exp(-((from_base / 0.22) ** 2))
    mottle = 1 + 0.035 * smooth_noise(random, canvas.shape, 6)
    mottle += 0.02 * smooth_noise(random, canvas.shape, 22)
    veins = canvas.lines([*shape.veins, _closed(shape.cell)], 0.006)
    between = 0.93 + 0.11 * (1 - np.exp(-canvas.distance_to(veins) / 0.035))
    canvas.colour *= (base_shade * mottle * between)[..., None]
    if specimen.ring.sheen:
        # A gloss that depends on how the wing lies in the light.
        tilt = random.uniform(-0.4, 0.4)
        gloss = np.exp(-(((x * 0.8 + y + 0.1 + tilt) / 0.33) ** 2)) * specimen.ring.sheen
        canvas.paint((0.34 * gloss).astype(np.float32), (150, 212, 252))
    return canvas


def _mark(canvas: Canvas, look: Look, name: str, outline: Numbers, softness: float) -> None:
    """Paint an attribute where it is shown, and remember its place in any case."""
    coverage = canvas.fray(canvas.polygon(outline), softness)
    if look.shows(name):
        canvas.paint(coverage, _scaled(canvas, look.colour(name)))
    canvas.keep(name, coverage)


def _scaled(canvas: Canvas, colour: NDArray[np.float64]) -> Picture:
    """Return a colour with the texture of scales ``[h, w, 3]``."""
    texture = 1 + 0.03 * canvas.grain + 0.06 * canvas.mottle
    return (colour * texture[..., None]).astype(np.float32)


def _basal_flush(canvas: Canvas, look: Look, shape: WingShape) -> None:
    corners = [(0.04, -0.14), (0.26, -0.30), (0.46, -0.38), (0.44, -0.22), (0.47, -0.10)]
    corners += [(0.33, -0.02), (0.05, -0.02)]
    jitter = look.specimen.random("flush").normal(0, 0.01, (len(corners), 2))
    flush = canvas.fray(canvas.polygon(smooth(np.add(corners, jitter))), 0.02)
    dark = canvas.fray(canvas.lines(shape.veins, 0.018), 0.004)
    _fill(canvas, look, "basal_flush", flush * (1 - 0.8 * dark))


def _band(canvas: Canvas, look: Look, shape: WingShape) -> None:
    """Paint the band; its outer edge is straight or has a tooth on every vein."""
    ring, random = look.specimen.ring, look.specimen.random("band")
    shift = np.array(_SUBAPICAL_SHIFT if ring.band == "subapical" else (0.0, 0.0))
    wander = random.normal(0, 0.012, 2)
    inner = np.add(_BAND_INNER, shift + wander) + random.normal(0, 0.008, (4, 2))
    outer = np.add(_BAND_OUTER, shift + wander) + random.normal(0, 0.008, (4, 2))
    if ring.band == "subapical":
        outer -= (0.02, 0.0)
    elif "border" in ring.parts:  # the outer edge stays clear of the border
        inner += (-0.035, 0.0)
        outer += (-0.075, 0.0)
    t = np.linspace(0, 1, 81)
    place = np.linspace(0, 1, 4)
    edge = np.column_stack([np.interp(t, place, outer[:, axis]) for axis in (0, 1)])
    phase = random.uniform(0, 1)
    # Saw teeth towards the wing tip, drawn for both states so that the site is known.
    teeth = np.abs(((t * 4.0 + phase) % 1.0) - 0.5) * 2
    reach = 0.115 * np.column_stack([teeth, np.zeros_like(teeth)])
    straight, toothed = edge + np.array([0.040, 0.0]), edge + reach - np.array([0.018, 0.0])
    # Both states share the band's rear end, from which the outer edge starts.
    rear = edge[:1] - np.array([0.018, 0.0])
    layers = {
        state: canvas.fray(canvas.polygon(np.vstack([inner, rear, curve])), 0.005)
        for state, curve in (("straight", straight), ("toothed", toothed))
    }
    state = look.states.get("band_edge", "straight")
    dark = canvas.fray(canvas.lines(shape.veins, 0.010), 0.003)
    margin = np.clip((canvas.distance_inside() - 0.012) / 0.012, 0, 1)
    keep = (1 - 0.55 * dark) * margin
    _fill(canvas, look, "forewing_band", layers[state] * keep)
    if look.has("band_edge"):
        canvas.keep("band_edge", np.abs(layers["straight"] - layers["toothed"]) * margin)


def _apical_spots(look: Look) -> list[Numbers]:
    random = look.specimen.random("apical spots")
    places = [(0.775, -0.565, 0.050, 0.026), (0.855, -0.475, 0.040, 0.026)]
    places += [(0.815, -0.375, 0.034, 0.024)]
    return [
        ellipse(
            np.add((x, y), random.normal(0, 0.006, 2)), a * random.uniform(0.85, 1.15),
            b * random.uniform(0.85, 1.15), random.normal(-0.5, 0.15),
        )
        for x, y, a, b in places
    ]  # fmt: skip


def _cell_patch(look: Look, shape: WingShape) -> Numbers:
    random = look.specimen.random("cell patch")
    centre = shape.cell.mean(axis=0) + np.array([0.115, -0.085])
    centre += random.normal(0, 0.006, 2)
    return ellipse(
        centre, 0.072 * random.uniform(0.9, 1.1), 0.050 * random.uniform(0.9, 1.1), -0.75
    )


def _spot(look: Look, centre: tuple[float, float], radius: float, purpose: str) -> Numbers:
    random = look.specimen.random(purpose)
    along, across = radius * random.uniform(0.85, 1.15, 2)
    return ellipse(np.add(centre, random.normal(0, 0.006, 2)), along, across, random.uniform(0, 3))


def _border(canvas: Canvas, look: Look, form: Picture, hindwing: bool) -> None:
    """Darken a form's outer margin, broadest at the tip; nothing towards the body."""
    random = look.specimen.random("border")
    distance = canvas.distance_to(1 - form)
    x, y = canvas.coordinates()
    if hindwing:
        outward = np.clip((np.hypot(x - 0.05, y - 0.05) - 0.30) / 0.12, 0, 1)
        width = 0.085 * outward * (y > -0.05)
    else:
        outward = np.clip((x - 0.38) / 0.45, 0, 1)
        width = (0.03 + 0.11 * outward) * (x > 0.16)
    width = width * random.uniform(0.9, 1.1)
    coverage = canvas.fray((distance < width).astype(np.float32) * canvas.coverage, 0.007)
    _fill(canvas, look, "border", coverage)
    for name in ("forewing_band", "band_edge"):  # what it covers cannot be seen
        if look.shows("border") and name in canvas.layers:
            canvas.layers[name] *= 1 - coverage


def _hindwing_base(canvas: Canvas, look: Look) -> None:
    random = look.specimen.random("hindwing base")
    centre = np.array([0.125, 0.185]) + random.normal(0, 0.005, 2)
    outline = ellipse(centre, 0.185 * random.uniform(0.95, 1.05), 0.062, np.pi / 2)
    _fill(canvas, look, "hindwing_base", canvas.fray(canvas.polygon(outline), 0.012))


def _bar(canvas: Canvas, look: Look, shape: WingShape) -> None:
    random = look.specimen.random("bar")
    corners = [(0.205, 0.110), (0.33, 0.105), (0.50, 0.105), (0.625, 0.13), (0.60, 0.175)]
    corners += [(0.45, 0.195), (0.30, 0.185), (0.21, 0.150)]
    outline = smooth(np.array(corners) + random.normal(0, 0.006, (len(corners), 2)))
    dark = canvas.fray(canvas.lines(shape.veins, 0.008), 0.003)
    bar = canvas.fray(canvas.polygon(outline), 0.006)
    _fill(canvas, look, "hindwing_bar", bar * (1 - 0.5 * dark))


def _rays(canvas: Canvas, look: Look, shape: WingShape) -> None:
    """Paint a tapering ray between every two veins, and what its outer end looks like."""
    random = look.specimen.random("rays")
    tip_from = 0.60
    for space in shape.spaces[1:6]:
        start, end = random.uniform(-0.02, 0.06), random.uniform(0.84, 0.90)
        ray = [space.point(start, 0.0), space.point(0.3, 0.42), space.point(0.7, 0.36)]
        ray += [space.point(end, 0.0), space.point(0.7, -0.36), space.point(0.3, -0.42)]
        whole = canvas.fray(canvas.polygon(smooth(ray, 60)), 0.004)
        beyond = [space.point(tip_from, -1.2), space.point(1.1, -1.2)]
        beyond += [space.point(1.1, 1.2), space.point(tip_from, 1.2)]
        tip = whole * canvas.polygon(np.array(beyond))
        _fill(canvas, look, "hindwing_rays", whole)
        if look.has("ray_tips"):
            if look.shows("hindwing_rays"):
                canvas.paint(tip, _scaled(canvas, look.colour("ray_tips")))
            canvas.keep("ray_tips", tip)


def _eyespots(canvas: Canvas, look: Look, shape: WingShape) -> None:
    """Paint two ringed eyespots; their pupils are an attribute of their own."""
    random = look.specimen.random("eyespots")
    for space in (shape.spaces[2], shape.spaces[4]):
        centre = space.point(0.60) + random.normal(0, 0.005, 2)
        radius = 0.088 * random.uniform(0.92, 1.08)
        halo = canvas.fray(canvas.polygon(ellipse(centre, radius, radius)), 0.004)
        disc = canvas.fray(canvas.polygon(ellipse(centre, 0.74 * radius, 0.74 * radius)), 0.004)
        _fill(canvas, look, "eyespots", halo)
        if look.shows("eyespots"):
            canvas.paint(disc, _scaled(canvas, look.vary((26, 20, 22), "eyespot disc")))
        if look.has("eyespot_pupils"):
            pupil = ellipse(centre, 0.36 * radius, 0.36 * radius)
            _mark(canvas, look, "eyespot_pupils", pupil, 0.003)


def _marginal_dots(canvas: Canvas, look: Look, shape: WingShape) -> None:
    random = look.specimen.random("marginal dots")
    for space in shape.spaces[1:7]:
        direction = (space.end - space.start) / np.linalg.norm(space.end - space.start)
        for across in (-0.42, 0.42):
            centre = space.end - 0.048 * direction + random.normal(0, 0.003, 2)
            centre = centre + across * space.far * np.array([-direction[1], direction[0]])
            size = 0.0205 * random.uniform(0.88, 1.12)
            _mark(canvas, look, "marginal_dots", ellipse(centre, size, size), 0.003)


def _fill(canvas: Canvas, look: Look, part: str, coverage: Picture) -> None:
    """Paint a part of the pattern where it is shown, and remember its place."""
    if look.shows(part):
        canvas.paint(coverage, _scaled(canvas, look.colour(part)))
    canvas.keep(part, coverage)


def _veins(canvas: Canvas, look: Look, shape: WingShape) -> None:
    strength = look.specimen.ring.veins
    veins = canvas.lines([*shape.veins, _closed(shape.cell)], 0.007)
    canvas.paint(0.75 * strength * veins, (26, 20, 20))
    # The very margin carries a dark line and short scales.
    rim = np.clip(1 - canvas.distance_inside() / 0.010, 0, 1) * canvas.coverage
    canvas.paint(0.45 * rim, (30, 24, 24))
    # Scales: fine streaks of light and dark.
    canvas.colour *= (1 + 0.028 * canvas.grain)[..., None]


def _keep_wing_tip(canvas: Canvas, look: Look, hooked: bool) -> None:
    """Remember where the two forms of the wing tip differ, on the wing or beside it."""
    other = forewing_shape(look.specimen, not hooked).outline
    differs = np.abs(canvas.polygon(other) - canvas.coverage)
    canvas.layers["wing_tip"] = differs


def _closed(curve: Numbers) -> Numbers:
    return np.vstack([curve, curve[:1]])
