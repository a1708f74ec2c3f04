"""What the page says, as HTML. Every name that comes from outside is escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from intr_discover.studies.wording import percent

_SHOWN = 5


def heading(words: str, level: int = 3) -> str:
    """Return a heading."""
    return f"<h{level}>{escape(words)}</h{level}>"


def paragraph(words: str, kind: str = "") -> str:
    """Return a paragraph of plain text; ``kind`` is a class of the style sheet."""
    return f'<p class="{escape(kind)}">{escape(words)}</p>' if kind else f"<p>{escape(words)}</p>"


def paragraphs(sentences: Sequence[str], kind: str = "") -> str:
    """Return each sentence as a paragraph."""
    return "".join(paragraph(sentence, kind) for sentence in sentences)


def bars(
    names: Sequence[str],
    series: Sequence[tuple[str, Sequence[float]]],
    *,
    marked: Sequence[str] = (),
    shown: int = _SHOWN,
) -> str:
    """Return probabilities as a bar chart: a table that a screen reader can read too.

    Parameters
    ----------
    names
        Of the classes.
    series
        One or two (title, probabilities in [0, 1] in the order of the names).
    marked
        Names that are always shown, in bold.
    shown
        How many of the most probable there are beside these.
    """
    most = [max(values[place] for _, values in series) for place in range(len(names))]
    order = sorted(range(len(names)), key=lambda place: -most[place])
    kept = [place for rank, place in enumerate(order) if rank < shown or names[place] in marked]
    head = "".join(
        f'<th scope="col" class="series-{number}">{escape(title)}</th>'
        for number, (title, _) in enumerate(series)
    )
    rows = []
    for place in kept:
        name = escape(names[place])
        cells = "".join(
            f'<td><span class="bar series-{number}" style="width:{_width(values[place])}"></span>'
            f'<span class="number">{percent(values[place])}</span></td>'
            for number, (_, values) in enumerate(series)
        )
        bold = ' class="marked"' if names[place] in marked else ""
        rows.append(f'<tr{bold}><th scope="row">{name}</th>{cells}</tr>')
    return (
        '<table class="bars"><caption>Probability of each class, among those that competed'
        f'</caption><thead><tr><th scope="col">class</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _width(share: float) -> str:
    # Two thirds of the cell: the number needs the rest.
    return f"{max(0.0, min(1.0, share)) * 60:.1f}%"
