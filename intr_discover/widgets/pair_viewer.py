"""Two look-alikes side by side: where the model looks for each, among all and among two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import ipywidgets
from ipywidgets import Layout
from matplotlib.figure import Figure

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import EncodedImage, Explainer
from intr_discover.explain.maps import Explanation
from intr_discover.figures import style
from intr_discover.figures.strips import Panel as MapPanel
from intr_discover.figures.strips import Strip, strips_figure
from intr_discover.model.intr import INTR, ContextMode
from intr_discover.studies.looking import reduced
from intr_discover.studies.pair_on_photograph import AskedTwice, ask_twice, require_two
from intr_discover.studies.wording import percent
from intr_discover.widgets.panel import Panel
from intr_discover.widgets.photographs import Chooser
from intr_discover.widgets.pictures import paragraphs

MEAN, STRONGEST = "mean of all heads", "strongest head"
_WORDS = {"description_width": "110px"}
_LONG = Layout(width="420px")


class PairViewer(Panel):
    """Look at a specimen of each of two look-alikes, asked about itself and about the other.

    Parameters
    ----------
    explainer
        With an INTR.
    specimens
        The collection; where it names pairs, they stand first.
    pair
        The two species to begin with.

    Attributes
    ----------
    value
        ``{species: (own, other)}``: for the photograph of each, what was found with its own query
        and with the look-alike's, each an :class:`AskedTwice`.
    first, second
        The two species.
    head
        ``mean of all heads``, ``strongest head`` (of each query), or a number.
    context_mode
        How the others are kept out when the two alone compete.

    Raises
    ------
    UserError
        If the model is a plain classifier, there are fewer than two species, or one of the pair
        is unknown to the model or has no photograph.
    """

    purpose: ClassVar[str] = "Pair viewer"

    def __init__(
        self,
        explainer: Explainer,
        specimens: Specimens,
        pair: Sequence[str] | None = None,
    ) -> None:
        if not isinstance(explainer.model, INTR):
            raise UserError(
                f"{explainer.source or 'this model'} is a plain classifier: it cannot be asked "
                "where it looks. Use a run trained with --model intr"
            )
        specimens.label_ids(explainer.classes)
        if len(specimens.classes) < 2:
            raise UserError(f"{specimens.source.name} has one species: a pair needs two")
        self.explainer, self.specimens = explainer, specimens
        self._encoded: dict[str, EncodedImage] = {}
        known = _pairs_of(specimens)
        if pair is None:
            pair = known[0] if known else specimens.classes[:2]
        if len(pair) != 2:
            raise UserError(f"a pair needs two species, not {len(pair)}: {', '.join(pair)}")
        require_two(*pair)
        specimens.select(labels=list(pair))
        self.known = ipywidgets.Dropdown(
            options=[("choose below", None)] + [(" and ".join(each), each) for each in known],
            value=tuple(pair) if tuple(pair) in known else None,
            description="look-alikes", style=_WORDS, layout=_LONG,
        )  # fmt: skip
        self.first, self.second = (
            ipywidgets.Dropdown(options=specimens.classes, value=label, description=words,
                                style=_WORDS, layout=_LONG)
            for label, words in zip(pair, ("species 1", "species 2"), strict=True)
        )  # fmt: skip
        heads = explainer.model.config.heads
        self.head = ipywidgets.Dropdown(
            options=[MEAN, STRONGEST, *((f"head {number}", number) for number in range(heads))],
            description="show", style=_WORDS, layout=_LONG,
        )  # fmt: skip
        self.context_mode = ipywidgets.Dropdown(
            options=[("the others' queries are zero", "zero"), ("they are left out", "subset")],
            description="the others", style=_WORDS, layout=_LONG,
        )  # fmt: skip
        self.another = [ipywidgets.Button(description=f"another specimen of species {number}",
                                          layout=_LONG) for number in (1, 2)]  # fmt: skip
        self._choosers: list[Chooser] = []
        self._said = ipywidgets.HTML()
        super().__init__([
            ipywidgets.HBox([
                ipywidgets.VBox([self.known, self.first, self.second, self.head,
                                 self.context_mode]),
                ipywidgets.VBox([*self.another, self._said]),
            ], layout=Layout(flex_flow="row wrap")),
        ])  # fmt: skip
        self.known.observe(lambda change: self._take_pair(change.new), "value")
        for control in (self.first, self.second):
            control.observe(lambda _: self.attempt(self._begin), "value")
        for control in (self.head, self.context_mode):
            control.observe(lambda _: self.attempt(self._ask), "value")
        for place, button in enumerate(self.another):
            button.on_click(lambda _, place=place: self._next(place))
        self._begin()

    @property
    def pair(self) -> tuple[str, str]:
        """Return the two species."""
        return self.first.value, self.second.value

    def figure(self) -> Figure:
        """Draw a row for each specimen: photograph, and maps of both queries, on one scale."""
        diagnostic = self._diagnostic()
        strips = []
        for label in self.pair:
            own, other = self.value[label]
            two = own.among_two
            answer = "" if two.predicted == label else f", but taken for {two.predicted}"
            shown = reduced(two.photograph)
            panels = [MapPanel(shown, "photograph")]
            for words, each in (
                ("own query, all compete", own.among_all),
                ("own query, these two", own.among_two),
                ("other's query, these two", other.among_two),
            ):
                panels.append(self._map_panel(shown, words, each))
            among = f"p = {two.probability:.2f} of these two"
            strips.append(Strip(f"{label}{answer} ({among})", panels,
                                style.VERMILLION if answer else "black"))  # fmt: skip
        known = f" Known to separate them: {diagnostic}." if diagnostic else ""
        legend = (
            f"{self.head.label.capitalize()}. Each row is one specimen, asked about its own "
            f"species and about the other.{known} White line: half of the map's own maximum."
        )
        return strips_figure(strips, uniform=own.uniform, legend=legend)

    def _map_panel(self, shown: Any, words: str, explanation: Explanation) -> MapPanel:
        head = self.head.value
        if head == STRONGEST:
            head = explanation.ranked_heads()[0]
            words = f"{words}: head {head}"
        cells = explanation.maps[0].mean(axis=0) if head == MEAN else explanation.maps[0, head]
        heatmap = explanation.heatmap(
            head="mean" if head == MEAN else head, shape=(shown.shape[0], shown.shape[1])
        )
        return MapPanel(shown, words, heatmap, float(cells.max()))

    def _take_pair(self, pair: tuple[str, str] | None) -> None:
        if pair is None or pair == self.pair:
            return
        with self.hold_trait_notifications():
            # Both at once: between the two a species would stand beside itself.
            self.first.unobserve_all("value")
            self.second.unobserve_all("value")
            self.first.value, self.second.value = pair
        for control in (self.first, self.second):
            control.observe(lambda _: self.attempt(self._begin), "value")
        self.attempt(self._begin)

    def _begin(self) -> None:
        require_two(*self.pair)
        if self.known.value is not None and self.known.value != self.pair:
            self.known.value = None
        self._choosers = [
            Chooser(self.specimens.select(labels=[label]), description=label) for label in self.pair
        ]
        self._ask()

    def _next(self, place: int) -> None:
        def turn() -> None:
            require_two(*self.pair)
            self._choosers[place].on.click()
            self._ask()

        self.attempt(turn)

    def _ask(self) -> None:
        require_two(*self.pair)
        mode: ContextMode = self.context_mode.value
        found: dict[str, tuple[AskedTwice, AskedTwice]] = {}
        kept: dict[str, EncodedImage] = {}
        for place, label in enumerate(self.pair):
            path = str(self._choosers[place].source)
            kept[path] = state = self._encoded.get(path) or self.explainer.encode(path)
            own, other = (ask_twice(self.explainer, state, asked, self.pair, mode)
                          for asked in (label, self.pair[1 - place]))  # fmt: skip
            found[label] = (own, other)
        self._encoded = kept
        self.value = found
        self._say()

    def _say(self) -> None:
        lines = []
        for place, label in enumerate(self.pair):
            own, _ = self.value[label]
            two = own.among_two
            chance = float(two.probabilities[two.competing.index(label)])
            lines.append(
                f"{self._choosers[place].name} is {label}. Among all classes the model says "
                f"{own.among_all.predicted} ({percent(own.among_all.probability)}); among these "
                f"two {label} has {percent(chance)}."
            )
        if max(float(each.moved.max()) for pair in self.value.values() for each in pair) < 1e-6:
            lines.append(
                "The maps are the same among all and among two: with one decoder layer the "
                "queries exchange nothing."
            )
        self._said.value = paragraphs(lines)

    def _diagnostic(self) -> str | None:
        """Return the attribute that is known to separate the two."""
        pairs = self.specimens.pairs
        if pairs is None or "diagnostic" not in pairs:
            return None
        for first, second, name in zip(
            pairs["label_a"], pairs["label_b"], pairs["diagnostic"], strict=True
        ):
            if {first, second} == set(self.pair) and isinstance(name, str):
                return name.replace("_", " ")
        return None


def _pairs_of(specimens: Specimens) -> list[tuple[str, str]]:
    """Return the pairs that the collection names and has photographs of."""
    if specimens.pairs is None:
        return []
    present = set(specimens.classes)
    listed = zip(specimens.pairs["label_a"], specimens.pairs["label_b"], strict=True)
    return [(str(first), str(second)) for first, second in listed if {first, second} <= present]
