"""Sentences and table rows of the documentation that quote a result: page, file, words.

In the words, ``{place|form}`` is a number of the file. ``place`` is a way through its JSON:
``table.top1.value``, ``settings[0].seconds``, ``methods[method=rise].n``, and ``models[a/b].n``
where a name has other signs. ``form`` is ``p1`` for
per cent with one decimal (``p1t``: without a ``.0``), ``f2`` for two decimals, ``n`` for a whole
number; ``+`` before it shows the sign of positive numbers too. When a result changes, its words
here stand no longer in the page, and the page must follow.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Quote:
    """Words of a page with the numbers of a file of ``benchmarks/results`` or ``demo_heads``.

    A table is read as ``rows``: ``rows[label=Ember vera,head=2].importance``.
    """

    page: str
    file: str
    words: str


README, BENCHMARKS = "README.md", "benchmarks/README.md"
LEEDS_TRAITS, SMALL = "docs/leeds-traits.md", "docs/small-collections.md"


def share(place: str, form: str = "p1", end: str = "value", percent: bool = True) -> str:
    """Return the words of a number with its interval, below ``place``."""
    sign = " %" if percent else ""
    return f"{{{place}.{end}|{form}}}{sign} ({{{place}.low|{form}}} to {{{place}.high|{form}}})"


def spread(place: str, form: str = "p1", sign: str = " %") -> str:
    """Return the same where the ends are called ``place_low`` and ``place_high``."""
    return f"{{{place}|{form}}}{sign} ({{{place}_low|{form}}} to {{{place}_high|{form}}})"


def quotes() -> list[Quote]:
    """Return all of them."""
    return [
        *discovery(), *edits(), *traits(), *leeds(), *faithfulness(), *leeds_heads(),
        *leeds_traits(), *heliconius(), *app(), *doubtful_labels(), *demo_heads(), *extraction(),
        *preparing(), *neighbours(),
    ]  # fmt: skip


def extraction() -> Iterator[Quote]:
    page, file, at = "docs/extraction.md", "extraction.json", "numbers"
    sizes = {
        "`--maps none`": "none",
        "`--maps predicted`": "predicted, float16",
        "`--maps predicted --maps-type float32`": "predicted, float32",
        "`--maps all`": "all 16 classes, float16",
    }
    for words, key in sizes.items():
        yield Quote(page, file, f"| {words} | {{{at}.bytes_an_image[{key}]|n}} |")
    yield Quote(page, file, f"| one process | {{{at}.one_process.images_a_second|f1}} |")
    yield Quote(page, file, f"| two processes | {{{at}.two_processes.images_a_second|f1}} |")
    memory = f"{at}.peak_memory_megabytes"
    yield Quote(page, file, f"{{{memory}.208|f0}} MB for 208 photographs")
    yield Quote(page, file, f"{{{memory}.2000|f0}} MB for 2,000")
    yield Quote(page, file, f"all {{{at}.killed.rows|n}} rows are those of one process")


def neighbours() -> Iterator[Quote]:
    """Return the rows of the tables of methods; one map alone has no consistency."""
    several = {
        "intr": "INTR", "intr_fc": "INTR-FC", "protopnet": "ProtoPNet", "prototree": "ProtoTree",
        "protopformer": "ProtoPFormer", "concept_transformer": "Concept Transformer",
    }  # fmt: skip
    one = {"cam": "plain + CAM", "gradcam": "plain + Grad-CAM", "rise": "plain + RISE",
           "random": "plain + random map"}  # fmt: skip
    for method, title in {**several, **one}.items():
        at = f"methods.{method}"
        consistency = f"{{{at}.unit_consistency.value|f2}}" if method in several else "NA"
        begins = f"| {title} | {share(f'{at}.accuracy')} | {{{at}.training_seconds.value|f0}} | "
        ends = (
            f"{consistency} | {{{at}.insertion.value|f2}} | {{{at}.deletion.value|f2}} | "
            f"{{{at}.flip_4.value|p0}} % | {{{at}.off_specimen.value|p0}} % |"
        )
        hit = f"{share(f'{at}.attribute_hit', 'p0')}, {{{at}.attribute_chance.value|p0}} % | "
        yield Quote("docs/neighbours.md", "neighbours_rings.json", f"{begins}{hit}{ends}")
        if method != "concept_transformer":  # nobody has marked attributes there
            yield Quote("docs/neighbours.md", "neighbours_leeds.json", f"{begins}{ends}")
    yield Quote(
        "docs/neighbours.md",
        "neighbours_rings.json",
        "takes {methods.rise.explanation_seconds.value|f1} s a photograph where INTR takes "
        "{methods.intr.explanation_seconds.value|f3} s "
        "({methods.rise.explanation_seconds.n|n} photographs)",
    )
    for collection, of in (("rings", "of 96 × 96 pixels "), ("leeds", "")):
        sizes = (
            f"{{photographs.train|n}} photographs {of}to train, {{photographs.val|n}} to validate, "
            "{photographs.measured|n} to measure"
        )
        yield Quote("docs/neighbours.md", f"neighbours_{collection}.json", sizes)


def preparing() -> Iterator[Quote]:
    page, file = "docs/preparing.md", "foreground.json"
    for words, key in (
        ("in nature, 60 drawn at random", "drawn"),
        ("whose border is plain", "plain"),
    ):
        at = f"leeds.{key}"
        yield Quote(
            page,
            file,
            f"| Leeds butterflies {words} | {share(f'{at}.overlap', 'f2', percent=False)} | "
            f"{{{at}.good.hits|n}} of {{{at}.n|n}} |",
        )
    yield Quote(
        page,
        file,
        "would have {leeds.drawn.whole_picture|f2} and {leeds.plain.whole_picture|f2}",
    )
    ruler, card, spread_out = (
        f"heliconius.{setup}"
        for setup in ("cut_wings_blue_ruler", "cut_wings_colorchecker", "museum_spread")
    )
    yield Quote(
        page,
        file,
        f"{{{ruler}.overlap.value|f2}} (n = {{{ruler}.n|n}}) for cut wings on blue with a ruler, "
        f"{{{card}.overlap.value|f2}} (n = {{{card}.n|n}}) beside a colour card, and "
        f"{{{spread_out}.overlap.value|f2}} (n = {{{spread_out}.n|n}}) for spread butterflies",
    )
    file = "colour_card.json"
    yield Quote(
        page,
        file,
        "all of {drawn.found.hits|n} drawn cards are found, at every angle, in five lights, as are "
        "{photographs.found.hits|n} of {photographs.found.n|n} real ones, and none is seen in "
        "{photographs.wrongly_found.n|n} photographs without one. Drawn cards go from "
        "{drawn.before.value|f1} to {drawn.left_out.value|f2} (left out). The eight real "
        "photographs had been calibrated by their authors: {photographs.before.value|f1} before, "
        "{photographs.left_out.value|f1} left out, and {photographs.corrected|n} of them were "
        "changed.",
    )
    file = "duplicates.json"
    for words, key in (
        ("1 % cut off each edge", "crop_1_percent"),
        ("3 % cut off each edge", "crop_3_percent"),
        ("10 % cut off each edge", "crop_10_percent"),
        ("in a white frame of 5 %", "frame_5_percent"),
    ):
        yield Quote(page, file, f"| {words} | {{altered.{key}.hits|n}} of {{altered.{key}.n|n}} |")
    at = "leeds.confirmed"
    yield Quote(
        page,
        file,
        "Of the {leeds.true_pairs|n} true pairs among the {leeds.n|n} Leeds photographs (matched "
        "by local features and by eye, `data_prep/leeds_duplicates.py`) it finds "
        f"{{{at}.recall.hits|n}}, and nothing else",
    )
    yield Quote(page, file, "{rings.hash_alone|n} pairs of the demo's {rings.n|n}")
    yield Quote(page, file, "{search.n|n} photographs takes {search.seconds|f0} s on one thread")


def discovery() -> Iterator[Quote]:
    rows = {
        "| top-1": "table.top1",
        "hit by a peak of the three top heads (chance 43.5 %)": "table.hit_top3",
        "(best head of a class, mean over classes; chance 25.6 %)": "table.same_head",
        "re-drawn with the mate's attribute: taken for the mate": "table.swap_to_mate",
        "attribute erased by inpainting: taken for the mate (presence)": "table.erase_to_mate",
        "same shape erased elsewhere: answer changed": "table.control_changed",
        "| a plain ResNet-18 (six epochs), top-1": "baselines.plain",
        "| the nearest neighbour on pixels, top-1": "baselines.nearest_neighbour",
    }
    for words, place in rows.items():
        yield Quote(README, "discovery.json", f"{words} | {share(place)} | {{{place}.n|n}} |")
    yield Quote(
        README,
        "discovery.json",
        "importance and its attribute's effect | "
        + share("table.spearman", "f2", percent=False)
        + " | {table.spearman.n|n} | ≥ {table.spearman.target|f1} |",
    )
    yield Quote(
        BENCHMARKS,
        "discovery.json",
        "a top head hits the attribute in {table.hit_top3.value|p1} % of {table.hit_top3.n|n}\n"
        "specimens (target {table.hit_top3.target|p0} %), the best head of a class in "
        "{table.same_head.value|p1} % ({table.same_head.target|p0} %), and the rank correlation of "
        "importance and effect is {table.spearman.value|f2} ({table.spearman.target|f1}).",
    )


def edits() -> Iterator[Quote]:
    file, at = "edits.json", "numbers"
    yield Quote(
        README,
        file,
        "`python -m benchmarks.edits`, n = {numbers.erase_to_mate.n|n} each): the attribute erased",
    )
    yield Quote(
        README,
        file,
        "{numbers.erase_to_mate.value|p0} % ({numbers.erase_to_mate.low|p1t} to "
        "{numbers.erase_to_mate.high|p1t}), control regions never",
    )
    yield Quote(
        README,
        file,
        f"changes the answer in {share(f'{at}.guided_intr_causal_4')}, Grad-CAM's 4 % in none",
    )
    yield Quote(
        BENCHMARKS,
        file,
        f"species that bear one | {share(f'{at}.erase_to_mate', 'p1t')} | control regions: 0 of "
        "{numbers.erase_control_flip.n|n} change the answer; median p "
        "{numbers.erase_median_p.value|f3} |",
    )
    yield Quote(
        BENCHMARKS,
        file,
        f"the look-alike's colour | {share(f'{at}.recolour_to_mate')} | with the colours of a "
        "photograph of the look-alike: {numbers.recolour_by_donor_to_mate.value|p1t} % |",
    )
    for start, size in (("the answer changes in ", 4), ("| the same with 8 % | ", 8)):
        others = ", ".join(
            f"{name} {{{at}.guided_{key}_{size}.value|{form}}} %"
            for name, key, form in (
                ("best head", "intr_best", "p1"),
                ("mean of heads", "intr_mean", "p1"),
                ("Grad-CAM of INTR", "gradcam_intr", "p1" if size == 8 else "p1t"),
                ("random", "random", "p1t"),
            )
        )
        yield Quote(
            BENCHMARKS, file, f"{start}{share(f'{at}.guided_intr_causal_{size}')} | {others} |"
        )
    yield Quote(
        BENCHMARKS,
        file,
        "One edit with its 20 controls takes {numbers.seconds_an_edit.value|f2} s on one thread.",
    )


def traits() -> Iterator[Quote]:
    rows = {
        "landmarks": "landmarks",
        "masks of the specimens": "mask",
        "guessed masks": "guessed mask",
    }
    for words, key in rows.items():
        at = f"ways.{key}"
        low = "p2" if key == "landmarks" else "p1"  # two figures of each number
        yield Quote(
            BENCHMARKS,
            "traits.json",
            f"| {words} | {{{at}.distance|p1}} % ({{{at}.distance_low|{low}}} to "
            f"{{{at}.distance_high|p1}}) | {spread(f'{at}.overlap', 'f2', '')} |",
        )
    yield Quote(BENCHMARKS, "traits.json", "n = {ways.landmarks.n|n}), as [`intr-discover trait`]")


def leeds() -> Iterator[Quote]:
    file = "leeds.json"
    yield Quote(
        README,
        file,
        "| INTR, mean top-1 | {summary.intr_top1.mean|p1} % (95 % interval "
        "{summary.intr_top1.low|p1} to {summary.intr_top1.high|p1}) | `python -m benchmarks.leeds",
    )
    yield Quote(
        README,
        file,
        "| {summary.intr_minus_plain.difference|+p1} points (95 % interval "
        "{summary.intr_minus_plain.low|p1} to {summary.intr_minus_plain.high|p1}) |",
    )
    yield Quote(README, file, "best head | {summary.mass_over_share.mean|f2} |")
    yield Quote(
        README,
        file,
        "| peak of the best head on the butterfly | {summary.peak_on_butterfly.mean|p1} % of",
    )
    yield Quote(README, file, "On the {data.n_test|n} test photographs of the [Leeds butterflies]")
    yield Quote(BENCHMARKS, file, "A training on two threads took {runs[0].training_seconds|f0} s.")


def faithfulness() -> Iterator[Quote]:
    file, first = "faithfulness.json", "settings[0]"
    rows = {
        "INTR, mean of heads": "intr_mean",
        "INTR, heads that matter": "intr_causal",
        "Grad-CAM of INTR": "gradcam_intr",
        "Grad-CAM of the judge": "gradcam_plain",
        "RISE of the judge": "rise",
        "a random map": "random",
    }
    for words, method in rows.items():
        at = f"{first}.methods[method={method}]"
        yield Quote(
            BENCHMARKS,
            file,
            f"| {words} | {spread(f'{at}.insertion', 'f2', '')} | "
            f"{spread(f'{at}.deletion', 'f2', '')} | {{{at}.pointing|p0}} % | {{{at}.n|n}} |",
        )

    def numbers(measure: str, method: str) -> str:
        return f"{{{first}.methods[method={method}].{measure}|f2}}"

    yield Quote(
        README,
        file,
        f"(insertion {numbers('insertion', 'intr_mean')} against "
        f"{numbers('insertion', 'gradcam_intr')}, deletion {numbers('deletion', 'intr_mean')} "
        f"against {numbers('deletion', 'gradcam_intr')}) and as good as Grad-CAM of the judge "
        f"itself ({numbers('insertion', 'gradcam_plain')}, {numbers('deletion', 'gradcam_plain')})",
    )

    def difference(measure: str, method: str, form: str, sign: str = "+") -> str:
        at = f"{first}.differences[measure={measure},first=intr_mean,second={method}]"
        return f"{{{at}.difference|{sign}{form}}} ({{{at}.low|{form}}} to {{{at}.high|{form}}})"

    yield Quote(
        BENCHMARKS,
        file,
        f"insertion {difference('insertion', 'gradcam_intr', 'f2')}, deletion "
        f"{difference('deletion', 'gradcam_intr', 'f2')}, both p < 0.001",
    )
    yield Quote(
        BENCHMARKS,
        file,
        f"there is no difference: {difference('insertion', 'gradcam_plain', 'f3')} and "
        f"{difference('deletion', 'gradcam_plain', 'f3')}.",
    )
    own = "settings[2].methods[method={}].deletion"
    yield Quote(
        BENCHMARKS,
        file,
        f"its heads that matter delete best: {spread(own.format('intr_causal'), 'f2', '')} beside "
        f"{spread(own.format('gradcam_plain'), 'f2', '')} of the plain model's Grad-CAM",
    )


def leeds_traits() -> Iterator[Quote]:
    rows = {
        "*H. erato*, red patch": ("heliconius_erato", "p < 0.001", "p < 0.001"),
        "*J. coenia*, eyespots": ("junonia_coenia", "p = {|f3}", "p = {|f2}"),
        "*V. atalanta*, orange-red bars": ("vanessa_atalanta", "p < 0.001", "p < 0.001"),
        "*N. antiopa*, pale margin": ("nymphalis_antiopa", "p = {|f2}", "p = {|f2}"),
    }
    for words, (label, *chances) in rows.items():
        at = [f"results[label={label},operation={each}]" for each in ("erase", "recolour")]
        effects = [
            f"{spread(f'{place}.excess', 'f2', '')}, "
            + chance.replace("{|", f"{{{place}.excess_p|")
            for place, chance in zip(at, chances, strict=True)
        ]
        yield Quote(
            LEEDS_TRAITS,
            "leeds_traits.json",
            f"| {words} | {{{at[0]}.flip|of15}} and {{{at[1]}.flip|of15}} of 15 | "
            f"{effects[0]} | {effects[1]} | {spread(f'{at[0]}.attention', 'f1', '')} |",
        )


def leeds_heads() -> Iterator[Quote]:
    file, page = "leeds_heads.json", "docs/leeds-heads.md"
    yield Quote(page, file, "{right|n} of {summary.photographs|n} test photographs named rightly")
    yield Quote(
        page,
        file,
        "Of {summary.heads|n} heads, {summary.consistent|n} are consistent but only "
        "{summary.distinct|n} distinct",
    )
    bars = "traits[label=vanessa_atalanta,head=4]"
    yield Quote(
        README,
        file,
        f"in {{{bars}.count|n}} of {{{bars}.n|n}} photographs (chance {{{bars}.chance|p0}} %",
    )
    for words, label, head in (
        ("*H. erato*, red forewing patch | head 1", "heliconius_erato", 1),
        ("*J. coenia*, eyespots | head 4", "junonia_coenia", 4),
        ("*J. coenia*, eyespots | head 0 (named eyespots)", "junonia_coenia", 0),
        ("*V. atalanta*, orange-red bars | head 4", "vanessa_atalanta", 4),
        ("*N. antiopa*, pale wing margin | head 0", "nymphalis_antiopa", 0),
    ):
        at = f"traits[label={label},head={head}]"
        yield Quote(
            page,
            file,
            f"| {words} | {{{at}.count|n}}: {{{at}.on_trait|p0}} % ({{{at}.on_trait_low|p0}} to "
            f"{{{at}.on_trait_high|p0}}) | {{{at}.chance|p0}} % | "
            f"{spread(f'{at}.attention', 'f1', '')} |",
        )


def heliconius() -> Iterator[Quote]:
    file, at = "heliconius_patterns.json", "summary"
    for words, key in (
        ("top-1 among 28 races (chance 3.6 %)", "top1"),
        ("right of the two co-mimics (chance 50 %)", "pairwise"),
    ):
        gap = f"{at}.{key}_difference"
        yield Quote(
            BENCHMARKS,
            file,
            f"| {words} | {spread(f'{at}.intr_{key}')} | {spread(f'{at}.regression_{key}')} | "
            f"{{{gap}.difference|p1}} points ({{{gap}.low|p1}} to {{{gap}.high|p1}}), p < 0.001 |",
        )
    for words, key in (
        ("wrong answers that are the co-mimic", "is_mate"),
        ("wrong answers that are another race of the own species", "in_species"),
    ):
        cells = [
            f"{spread(f'{at}.{model}_wrong_{key}')}, n = {{{at}.{model}_wrong|n}}"
            for model in ("intr", "regression")
        ]
        yield Quote(BENCHMARKS, file, f"| {words} | {cells[0]} | {cells[1]} | |")
    for place in range(14):
        pair = f"pairs[{place}]"
        yield Quote(
            BENCHMARKS,
            file,
            f"| {{{pair}.label_a|words}} / {{{pair}.label_b|words}} | {{{pair}.n_a|n}} + "
            f"{{{pair}.n_b|n}} | {spread(f'{pair}.intr_pairwise')} | "
            f"{spread(f'{pair}.regression_pairwise')} | {{{pair}.difference|+p0}} "
            f"({{{pair}.difference_low|+p0}} to {{{pair}.difference_high|+p0}}) |",
        )
        yield Quote(
            BENCHMARKS,
            file,
            f"| {{{pair}.confusability|+f2}} ({{{pair}.confusability_low|+f2}} to "
            f"{{{pair}.confusability_high|+f2}}) | {{{pair}.rank|n}} | "
            f"{{{pair}.significant_cells|n}} |",
        )
    yield Quote(
        BENCHMARKS,
        file,
        "their median rank is {summary.intr_median_rank|n} for INTR and "
        "{summary.regression_median_rank|n} for the regression",
    )
    yield Quote(
        BENCHMARKS,
        file,
        f"the regression reaches {spread(f'{at}.regression_with_validation_top1')}.",
    )
    yield Quote(
        BENCHMARKS,
        file,
        "In {summary.pairs_that_differ|n} of {summary.n_tested_pairs|n} pairs the maps",
    )
    two = "heliconius_patterns_two_layers.json"
    yield Quote(BENCHMARKS, two, f"right of the two {spread(f'{at}.intr_pairwise')} among all")
    yield Quote(
        BENCHMARKS,
        two,
        f"{spread(f'{at}.intr_pairwise_subset')} with *subset*, "
        f"{spread(f'{at}.intr_pairwise_zero')} with *zero*; top-1 {spread(f'{at}.intr_top1')}.",
    )


def app() -> Iterator[Quote]:
    yield Quote(
        BENCHMARKS,
        "app.json",
        "n = {numbers.answers|n} | median {numbers.answer_seconds_median|f2} s, 95 % within "
        "{numbers.answer_seconds_95|f2} s, worst {numbers.answer_seconds_worst|f2} s "
        "(target 1 s: all {numbers.answer_within_target|n}) |",
    )
    yield Quote(
        BENCHMARKS,
        "app.json",
        "| to the pictures before and after | median {numbers.pictures_seconds_median|f2} s |",
    )
    yield Quote(
        BENCHMARKS,
        "app.json",
        "answers | {numbers.questions|n}; of another's photograph or otherwise wrong: "
        "{numbers.wrong_answers|n}; errors: {numbers.errors|n} |",
    )
    yield Quote(
        BENCHMARKS, "app.json", "middle third | {numbers.memory_last_to_middle_third|f2} (2.4 GB"
    )


def doubtful_labels() -> Iterator[Quote]:
    for model, first, second in (
        ("demo", "the demo's ({at.right|p1} % right): any species", "the demo's: the look-alike"),
        (
            "build/demo-model/plain",
            "a plain ResNet-18 ({at.right|p1} % right): any species",
            "a plain ResNet-18: the look-alike",
        ),
    ):
        for words, swap in ((first, "any species"), (second, "the look-alike")):
            at = f"models[{model}]"
            own = f"{at}.{swap}"
            found = f"{{{own}.found|n}} of {{{own}.listed|n}}"
            form = "p1t" if model == "demo" else "p1"
            between = [f"{{{own}.precision_interval[{end}]|{form}}}" for end in (0, 1)]
            precision = (
                f"{found} ({between[0]} to {between[1]} %)"
                if model == "demo"
                else f"{found}, {{{own}.precision|p1}} % ({between[0]} to {between[1]})"
            )
            recall = [f"{{{own}.recall_interval[{end}]|p1}}" for end in (0, 1)]
            yield Quote(
                SMALL,
                "doubtful_labels.json",
                f"| {words.replace('{at', '{' + at)} | {precision} | {{{own}.recall|p1}} % "
                f"({recall[0]} to {recall[1]}) | {{{own}.leading|p1}} % |",
            )


def demo_heads() -> Iterator[Quote]:
    """Quote ``intr-discover study heads demo demo``; ``test_demo_heads.py`` makes it anew."""
    page, file = "docs/heads.md", "demo_heads/summary.json"
    yield Quote(
        page,
        file,
        "| consistent heads | {consistent_head_share|p1t} % ({consistent_head_share_low|p1} to "
        "{consistent_head_share_high|p1t}) | {n_heads|n} heads | |",
    )
    yield Quote(
        page, file, f"and have a place | {spread('all_head_share')} | {{n_heads|n}} heads | |"
    )
    for ending, words in (
        ("", "a consistent head hits its usual part (mean share of photographs)"),
        ("_concentrated", "the same, heads that have a place"),
    ):
        yield Quote(
            page,
            file,
            f"| {words} | {spread(f'same_part_share{ending}')} | "
            f"{{n_same_part_heads{ending}|n}} heads | {{same_part_chance_point{ending}|p1}} % |",
        )
    for ending, words in (
        ("", "consistent heads that hit one part in at least 90 % of photographs"),
        ("_concentrated", "the same, heads that have a place"),
    ):
        yield Quote(
            page,
            file,
            f"| {words} | {spread(f'same_part_90{ending}')} | "
            f"{{n_same_part_heads{ending}|n}} heads | |",
        )
    yield Quote(
        page,
        file,
        "({part_consistency|p1} % of the heads pass, and with heads shuffled the mean share is "
        "{part_consistency_chance|p1} %)",
    )
    for head, part in (
        (2, "`basal_spots`, 10 of 10"),
        (1, "`forewing_band`, 10 of 10"),
        (5, "`hindwing_cell_end`, 10 of 10"),
        (4, "`forewing_band`, 10 of 10"),
        (3, "beside the specimen, 7 of 10"),
    ):
        at = f"rows[label=Ember similis,head={head}]"
        yield Quote(
            page,
            "demo_heads/heads.csv",
            f"| {head} | {spread(f'{at}.consistency', 'f2', '')} | {{{at}.distinctness|f2}} | "
            f"{{{at}.effective_area|p0}} % | {spread(f'{at}.importance', 'f2', '')} | {part} |",
        )
    similis = "rows[label=Nivea similis,head={}].{}"
    yield Quote(
        page,
        "demo_heads/heads.csv",
        f"({{{similis.format(1, 'distinctness')}|f2}} and "
        f"{{{similis.format(2, 'distinctness')}|f2}}). Head 1 loses "
        f"{{{similis.format(1, 'importance')}|f1}} logits when it is switched off, head 2 only "
        f"{{{similis.format(2, 'importance')}|f2}}",
    )
