"""The tables of ``docs/performance.md``, made from the results of the speed benchmark."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.speed_memory import growth
from intr_discover.files import write_text

Record = Mapping[str, Any]

OURS, OURS_BF16, OFFICIAL = "ours, fp32", "ours, bf16", "official, fp32"


def write_page(record: Record, page: Path) -> None:
    """Put the tables of all parts into a page, between the markers ``<!-- speed: part -->``."""
    text = page.read_text(encoding="utf-8")
    for name, content in tables(record).items():
        begin, end = f"<!-- speed: {name} -->\n", f"<!-- end of {name} -->"
        assert text.count(begin) == text.count(end) == 1, f"{page} has no place for {name}"
        before, _, rest = text.partition(begin)
        text = f"{before}{begin}{content}\n{end}{rest.partition(end)[2]}"
    write_text(page, text)


def tables(record: Record) -> dict[str, str]:
    """Return what belongs between the markers, by part."""
    parts = record["parts"]
    found = {"targets": table(("what", "target", "measured", "met"), targets(parts))}
    for name, drawn in _DRAWN.items():
        if name not in parts:
            found[name] = "Not measured yet."
        elif "skipped" in parts[name]:
            found[name] = f"Not measured: {parts[name]['skipped']}."
        else:
            found[name] = "\n".join([*drawn(parts[name]), "", _origin(parts[name])])
    return found


def _origin(part: Record) -> str:
    machine = part["machine"]
    return (
        f"`{part['command']}` ({part['measured']}, {part['seconds']:.0f} s; "
        f"{machine['processor']}, {machine['instructions']}, {machine['threads']} threads, "
        f"load {part['load_average_at_start']:.1f} at the start; "
        f"torch {part['versions']['torch']})"
    )


# What was aimed at. Each line says how it is read off the results, and whether it is met.


def targets(parts: Record) -> list[tuple[str, str, str, str]]:
    """Return a row of each target: what, target, measured, met."""
    rows = []
    for what, wanted, part, measure in _TARGETS:
        if part not in parts or "skipped" in parts[part]:
            rows.append((what, wanted, "not measured", "–"))
            continue
        try:
            said, met = measure(parts[part])
        except KeyError:  # measured without the other program
            said, met = "not measured", None
        rows.append((what, wanted, said, "–" if met is None else "yes" if met else "**no**"))
    return rows


Read = Callable[[Record], tuple[str, bool | None]]


def _faster(whose: str, least: float) -> Read:
    def read(part: Record) -> tuple[str, bool]:
        found = part["ratios"][whose]
        return times(found), found["median"] >= least

    return read


def _over_roofline(part: Record) -> tuple[str, bool]:
    over = part["works"][OURS]["roofline"]["over_roofline"]
    return times(over), over["median"] <= 1.7


def _largest(part: Record) -> Record:
    largest: Record = part["rows"][-1]
    return largest


def _classes_faster(part: Record) -> tuple[str, bool]:
    found = _largest(part)["ratios"][OURS]
    return times(found), found["median"] >= 6


def _classes_memory(part: Record) -> tuple[str, bool]:
    works = _largest(part)["works"]
    ours, theirs = (works[who]["memory"] for who in (OURS, OFFICIAL))
    share, rise = ours["peak"] / theirs["peak"], ours["rise"] / theirs["rise"]
    return f"{share:.2f} of the peak, {rise:.2f} of the rise", share <= 0.25


def _growth_of(part: Record, who: str) -> float | None:
    """Return the exponent of the memory that an answer takes, see ``growth``."""
    rows = [row for row in part["rows"] if "memory" in row["works"].get(who, {})]
    return growth(
        [row["case"]["classes"] for row in rows],
        [row["works"][who]["memory"]["rise"] for row in rows],
    )


def _classes_linear(part: Record) -> tuple[str, bool | None]:
    found = _growth_of(part, OURS)
    if found is None:
        return "too small to see", None
    return f"∝ C^{found:.2f}", found <= 1.1


def _classes_roofline(part: Record) -> tuple[str, bool]:
    found = [
        (row["works"][OURS]["roofline"]["over_roofline"]["median"], row["case"]["classes"])
        for row in part["rows"]
    ]
    worst, at = max(found)
    return f"at most {worst:.2f} × (C = {at:,})", worst <= 2.5


def _less_memory(part: Record) -> tuple[str, bool]:
    works = part["works"]
    ours, theirs = (works[who]["memory"]["peak"] for who in (OURS, OFFICIAL))
    return f"{ours:,.0f} MB of {theirs:,.0f} MB", ours < theirs


def _same_answers(part: Record) -> tuple[str, bool]:
    found = part["sets"]["together"]
    same = found["same_top1"]
    words = f"{percent(same['value'])} % ({percent(same['low'])} to {percent(same['high'])})"
    return f"{words}, n = {found['n']}", same["value"] >= 0.995


def _same_maps(part: Record) -> tuple[str, bool]:
    found = part["sets"]["together"]
    words = (
        f"mean {found['correlation_mean']:.4f}, 1 % of the images below "
        f"{found['correlation_1_percent']:.4f}"
    )
    return words, found["correlation_mean"] >= 0.99


def _questions(part: Record) -> tuple[str, bool]:
    found = part["ratios"]["fp32"]
    return times(found), found["median"] <= 1.5


def _seconds_within(name: str, most: float) -> Read:
    def read(part: Record) -> tuple[str, bool]:
        took = part["works"][name]["seconds"]
        return seconds(took), took["median"] <= most

    return read


_TARGETS: tuple[tuple[str, str, str, Read], ...] = (
    ("one image, 800 × 1066, C = 200, fp32, beside the official code", "≥ 1.8 × as fast",
     "explain", _faster(OURS, 1.8)),
    ("the same, over the roofline time", "≤ 1.7 ×", "explain", _over_roofline),
    ("the same in bf16, beside the official code in fp32", "≥ 5 × as fast", "explain",
     _faster(OURS_BF16, 5)),
    ("bf16 and fp32 give one answer", "≥ 99.5 % of 500 images", "agreement", _same_answers),
    ("bf16 and fp32 make one map", "correlation ≥ 0.99", "agreement", _same_maps),
    ("C = 10,000 at 480 × 640, fp32", "≥ 6 × as fast", "classes", _classes_faster),
    ("the same, memory", "≤ 1/4", "classes", _classes_memory),
    ("memory where the classes decide it", "linear in C", "classes", _classes_linear),
    ("every C, over its roofline time", "≤ 2.5 ×", "classes", _classes_roofline),
    ("training step, batch 4, 480 × 640, C = 200, fp32", "≥ 1.5 × as fast", "training",
     _faster(OURS, 1.5)),
    ("the same, memory", "less", "training", _less_memory),
    ("RISE map, N = 1000, fp32, beside the authors' code", "≥ 2 × as fast", "rise",
     _faster("ours, fp32, masks within", 2)),
    ("the same, their masks made beforehand", "≥ 2 × as fast", "rise",
     _faster("ours, fp32, masks made beforehand", 2)),
    ("the same in bf16", "≥ 2 × as fast", "rise", _faster("ours, bf16, masks within", 2)),
    ("the same in bf16, their masks made beforehand", "≥ 2 × as fast", "rise",
     _faster("ours, bf16, masks made beforehand", 2)),
    ("five contexts, three classes, eight knock-outs of one image",
     "≤ 1.5 × one plain explanation", "questions", _questions),
    ("`import intr_discover`", "≤ 0.3 s", "start", _seconds_within("import intr_discover", 0.3)),
    ("the app's page, after the start", "≤ 6 s", "start", _seconds_within("the app's page", 6)),
)  # fmt: skip


# The tables of the parts.


def _explained(part: Record) -> list[str]:
    return [
        *works_table(part),
        *agreement_lines(part),
        *profile_lines(part.get("profiles", {})),
    ]


def works_table(part: Record) -> list[str]:
    """Return the table of works with roofline and memory."""
    rows = []
    for who, work in part["works"].items():
        roof, memory = work["roofline"], work.get("memory")
        faster = part["ratios"].get(who)
        rows.append(
            (
                who,
                seconds(work["seconds"]),
                f"{work['images_a_second']:.2f}",
                "" if faster is None else times(faster),
                f"{roof['gigaflop']:,.0f}",
                seconds_words(roof["roofline_seconds"]),
                times(roof["over_roofline"]),
                "–" if memory is None else f"{memory['peak']:,.0f} ({memory['rise']:,.0f})",
            )
        )
    head = ("", "time", "images/s", "official code took", "GFLOP", "roofline time",
            "over roofline", "peak memory (rise), MB")  # fmt: skip
    return [table(head, rows)]


def _classes(part: Record) -> list[str]:
    rows = []
    for row in part["rows"]:
        for who, work in row["works"].items():
            roof, memory = work["roofline"], work.get("memory")
            faster = row["ratios"].get(who)
            rows.append(
                (
                    f"{row['case']['classes']:,}", who, seconds(work["seconds"]),
                    "" if faster is None else times(faster), f"{roof['gigaflop']:,.0f}",
                    seconds_words(roof["roofline_seconds"]), times(roof["over_roofline"]),
                    "–" if memory is None else f"{memory['peak']:,.0f} ({memory['rise']:,.0f})",
                )
            )  # fmt: skip
    head = ("C", "", "time", "official code took", "GFLOP", "roofline time", "over roofline",
            "peak memory (rise), MB")  # fmt: skip
    lines = [table(head, rows)]
    powers = {who: _growth_of(part, who) for who in part["rows"][0]["works"]}
    grows = [f"{who} C^{power:.2f}" for who, power in powers.items() if power is not None]
    if grows:
        lines += [
            "",
            f"Where the classes decide it, memory grows as: {'; '.join(grows)} (the rise, from the "
            "first C on whose rise is 1.2 times that of the backbone alone).",
        ]
    return [*lines, *agreement_lines(_largest(part)), *profile_lines(_largest(part)["profiles"])]


def _training(part: Record) -> list[str]:
    lines = works_table(part)
    for pair, found in part.get("agreement", {}).items():
        lines += [
            "",
            f"{pair}, without dropout: the losses of the first step differ by "
            f"{found['first_loss']:.1e}, those of the third by {found['third_loss']:.1e}.",
        ]
    return [*lines, *profile_lines(part["profiles"])]


def _plain(part: Record) -> list[str]:
    rows = []
    for name, work in part["works"].items():
        memory = work.get("memory")
        rows.append(
            (name, seconds(work["seconds"]), "" if not memory else f"{memory['rise']:,.0f}")
        )
    wide = any(cell for *_, cell in rows)
    head = ("", "time", "memory (rise), MB") if wide else ("", "time")
    lines = [table(head, rows if wide else [row[:2] for row in rows])]
    ratios = [
        f"{found['than']} over {name}: {times(found)}"
        if found["than"] != name
        else f"{name} over ours: {times(found)}"
        for name, found in part.get("ratios", {}).items()
    ]
    if ratios:
        lines += ["", f"Ratios of the rounds: {'; '.join(ratios)}."]
    if "agreement" in part:
        apart = [
            f"{name} {found['largest_difference']:.1e} ({found['over_range']:.1e} of the range)"
            for name, found in part["agreement"].items()
        ]
        lines += ["", f"Largest differences: {'; '.join(apart)}."]
    return [*lines, *profile_lines(part.get("profiles", {}))]


def _questions_table(part: Record) -> list[str]:
    rows = [(name, seconds(work["seconds"])) for name, work in part["works"].items()]
    ratios = [f"{precision} {times(found)}" for precision, found in part["ratios"].items()]
    return [
        table(("", "time"), rows),
        "",
        f"16 questions over one plain explanation, round by round: {'; '.join(ratios)}.",
        *profile_lines(part["profiles"]),
    ]


def _start(part: Record) -> list[str]:
    return [*_plain(part), "", f"The app's process then holds {part['app_megabytes']:,.0f} MB."]


def _agreement(part: Record) -> list[str]:
    rows = []
    for name, found in part["sets"].items():
        same = found["same_top1"]
        rows.append(
            (
                name, found["n"],
                f"{percent(same['value'])} % ({percent(same['low'])} to {percent(same['high'])})",
                *(f"{found[f'correlation_{key}']:.4f}"
                  for key in ("median", "mean", "1_percent", "least", "of_a_head_least")),
            )
        )  # fmt: skip
    head = ("images", "n", "same top-1", "map correlation: median", "mean", "1 % below",
            "least image", "least head")  # fmt: skip
    return [table(head, rows)]


def _gpu(part: Record) -> list[str]:
    lines = [f"{part['card']}; fp32 products: `{part['float32_products']}`.", ""]
    rows = []
    for row in part["rows"]:
        for who, work in row["works"].items():
            faster, memory = row["ratios"].get(who), row["memory"].get(who)
            rows.append(
                (
                    row["kind"], row["case"]["backbone"], who, f"{work['images_a_second']:.1f}",
                    "" if faster is None else times(faster),
                    f"{percent(work['roofline']['share_of_peak'])} %",
                    "–" if memory is None else f"{memory:,.0f}",
                )
            )  # fmt: skip
    head = ("", "backbone", "", "images/s", "official code took", "share of the card's peak",
            "memory, MB")  # fmt: skip
    lines.append(table(head, rows))
    for row in part["rows"]:
        named = {
            f"{row['kind']}, {row['case']['backbone']}, {who}": operators
            for who, operators in row["profiles"].items()
        }
        lines += profile_lines(named)
    return lines


def agreement_lines(part: Record) -> list[str]:
    """Return a sentence on how far the answers are apart."""
    said = []
    for pair, found in part.get("agreement", {}).items():
        words = (
            f"{pair}: logits {found['logits']:.1e} (the largest is {found['largest_logit']:.2f}), "
            f"the same answer for {percent(found['same_top1'])} %"
        )
        if found["map_correlation"] is not None:
            words += (
                f", maps {found['maps']:.1e}, correlation of two maps at least "
                f"{found['map_correlation']:.4f}"
            )
        said.append(words)
    return ["", f"Largest differences: {'; '.join(said)}."] if said else []


def profile_lines(profiles: Mapping[str, Sequence[Record]]) -> list[str]:
    """Return where the time goes: the operators of each work with their share."""
    if not profiles:
        return []
    lines = ["", "Where the time goes:", ""]
    for who, rows in profiles.items():
        shown = [row for row in rows if row["share"] >= 0.02][:6]
        words = ", ".join(
            f"`{row['operator']}` {percent(row['share'])} %"
            if not row["operator"].endswith("others")
            else f"{row['operator']} {percent(row['share'])} %"
            for row in shown
        )
        lines.append(f"- {who}: {words}")
    return lines


_DRAWN: dict[str, Callable[[Record], list[str]]] = {
    "explain": _explained,
    "batch": _explained,
    "questions": _questions_table,
    "edit": _plain,
    "training": _training,
    "classes": _classes,
    "agreement": _agreement,
    "deletion": _plain,
    "rise": _plain,
    "start": _start,
    "gpu": _gpu,
}


# Numbers as they are printed.


def seconds(found: Record) -> str:
    """Return a median with its range and n."""
    low, high = (seconds_words(found[end]) for end in ("low", "high"))
    return f"{seconds_words(found['median'])} ({low} to {high}, n = {found['n']})"


def seconds_words(value: float) -> str:
    """Return seconds with three figures, in milliseconds below a tenth."""
    if value < 0.1:
        return f"{1000 * value:.{1 if value < 0.01 else 0}f} ms"
    return f"{value:.{2 if value < 10 else 1}f} s"


def times(found: Record) -> str:
    """Return a ratio with its range."""
    return f"{found['median']:.2f} × ({found['low']:.2f} to {found['high']:.2f})"


def percent(share: float) -> str:
    """Return a share in per cent, one decimal, 100 without."""
    return f"{100 * share:.1f}".removesuffix(".0")


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
