"""Parts of the speed benchmark: many questions about one photograph; an edit's answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.speed_clock import alternate, ratio, summary
from benchmarks.speed_inference import TINY
from benchmarks.speed_options import Options
from benchmarks.speed_profile import profiled
from benchmarks.speed_works import Case, explainer_of, fresh_model
from intr_discover.edits.operation import Edit
from intr_discover.explain.explainer import Explainer

PRECISIONS = ("fp32", "bf16")


def photograph(case: Case) -> NDArray[np.uint8]:
    """Return a smooth random photograph ``[H, W, 3]`` that a seed decides."""
    coarse = np.random.default_rng(3).integers(0, 256, (12, 16, 3)).astype(np.uint8)
    made = cv2.resize(coarse, (case.width, case.height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(made, dtype=np.uint8)


def questions_part(options: Options) -> dict[str, Any]:
    """Ask 16 questions of one photograph: five contexts, three classes, eight knock-outs."""
    case = TINY if options.quick else Case(800, 1066, 200)
    picture = photograph(case)
    found: dict[str, Any] = {"case": case.as_dict(), "works": {}, "ratios": {}, "profiles": {}}
    for precision in PRECISIONS:
        explainer = explainer_of(fresh_model(case), precision)
        works: dict[str, Callable[[], object]] = {
            f"one plain explanation, {precision}": partial(explainer.explain, picture),
            f"16 questions, {precision}": partial(sixteen, explainer, picture),
        }
        seconds = alternate(works, options.repeats)
        plain, many = seconds.values()
        found["works"] |= {name: {"seconds": summary(took)} for name, took in seconds.items()}
        found["ratios"][precision] = {"than": "one plain explanation", **ratio(many, plain)}
        found["profiles"][f"16 questions, {precision}"] = profiled(list(works.values())[1])
    return found


def sixteen(explainer: Explainer, picture: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
    """Encode a photograph once and ask 16 questions; return the answers' maps."""
    names = explainer.classes
    model: Any = explainer.model
    size = min(10, len(names) // 5)
    state = explainer.encode(picture)
    contexts = [names[size * number : size * (number + 1)] for number in range(5)]
    layer = model.config.decoder_layers - 1
    answers = [explainer.explain(state, context=context) for context in contexts]
    answers += [explainer.explain(state, [name]) for name in names[:3]]
    answers += [explainer.explain(state, knockout=[(layer, head)]) for head in range(8)]
    return [answer.maps for answer in answers]


def edit_part(options: Options) -> dict[str, Any]:
    """Erase a region of a photograph and ask the model again."""
    case = TINY if options.quick else Case(800, 1066, 200)
    picture = photograph(case)
    mask = np.zeros((case.height, case.width), dtype=np.uint8)
    centre, radii = (case.width // 2, case.height // 2), (case.width // 12, case.height // 12)
    cv2.ellipse(mask, centre, radii, 0, 0, 360, 255, -1)
    erase = Edit("erase")
    edited = erase.apply(picture, mask)
    works: dict[str, Callable[[], object]] = {"the edit alone": partial(erase.apply, picture, mask)}
    for precision in PRECISIONS:
        explainer = explainer_of(fresh_model(case), precision)
        works[f"edit to answer, {precision}"] = partial(_answer, explainer, erase, picture, mask)
        works[f"the answer alone, {precision}"] = partial(explainer.logits, [edited])
    seconds = alternate(works, options.repeats)
    return {
        "case": case.as_dict(),
        "edit": {"operation": "erase", "fill": erase.fill, "pixels": int((mask > 0).sum())},
        "works": {name: {"seconds": summary(took)} for name, took in seconds.items()},
    }


def _answer(
    explainer: Explainer, edit: Edit, picture: NDArray[np.uint8], mask: NDArray[np.uint8]
) -> NDArray[np.float32]:
    return explainer.logits([edit.apply(picture, mask)])
