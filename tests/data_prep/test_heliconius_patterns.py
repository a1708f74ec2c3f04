"""The Heliconius forewing patterns: a drawn archive, and the real one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from data_prep import command, heliconius_patterns
from data_prep.heliconius import BOX, read_photographs
from data_prep.heliconius_patterns import split_specimens
from intr_discover.data.images import read_image
from intr_discover.data.specimens import Specimens

# The photograph of specimen 13715 is called 13715_H_m_meriana, and its pattern bears that name.
PHOTOGRAPHS = [
    ("erato_amalfreda", "p1", "test", "images/p1_d.jpg"),
    ("erato_amalfreda", "p2", "train", "images/p2_d.jpg"),
    ("melpomene_meriana", "13715", "test", "images/13715_H_m_meriana.jpg"),
    ("erato_demophoon_mutant", "q1", "mutant", "images/q1.jpg"),
]
PATTERNS = {
    "erato_amalfreda": ["p1", "p2", *(f"free{n}" for n in range(8))],
    "melpomene_meriana": ["13715_H_m_meriana", "x1", "x2", "x3"],
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return the folder of the patterns, with the folder of the photographs beside it."""
    photographs, root = tmp_path / "heliconius", tmp_path / "heliconius_patterns"
    photographs.mkdir()
    table = pd.DataFrame(PHOTOGRAPHS, columns=["race", "specimen_id", "split", "source"])
    table["image"] = "images/" + table["specimen_id"] + ".jpg"
    table[["image", "split"]].to_csv(photographs / "split.csv", index=False)
    table["species"] = table["race"].str.split("_").str[0]
    table["is_mutant"] = (table["split"] == "mutant").astype(int)
    table = table.assign(setup="museum_spread", sha256="0", specimen_area_fraction=0.5)
    table = table.assign(**dict.fromkeys(BOX, 1)).drop(columns="split")
    table.to_csv(photographs / "specimens.csv", index=False)
    (photographs / "mimicry_pairs.csv").write_text(
        "kind,erato_race,melpomene_race\ncomimic_pair,erato_amalfreda,melpomene_meriana\n"
        "mutant,erato_demophoon,melpomene_rosina\n"
    )
    rows = []
    for race, specimens in PATTERNS.items():
        (root / race).mkdir(parents=True)
        for specimen in specimens:
            image = f"{race}/{specimen}.png"
            Image.fromarray(np.full((17, 31), 255, np.uint8)).save(root / image)
            rows.append([image, race, specimen, "0.1686"])
    columns = ["image", "race", "specimen_id", "pattern_fraction"]
    pd.DataFrame(rows, columns=columns).to_csv(root / "aligned.csv", index=False)
    return root


def test_table_pairs_and_split(source, tmp_path):
    heliconius_patterns.prepare(source, tmp_path / "out")
    specimens = Specimens.read(tmp_path / "out")
    table = specimens.table.set_index("specimen_id")
    assert len(table) == 14
    assert table.loc["p1", "image"] == "../heliconius_patterns/erato_amalfreda/p1.png"
    assert read_image(specimens.paths[0]).shape == (17, 31, 3)
    # Photographed specimens keep their split, also under the other name.
    assert table.loc[["p1", "p2", "13715"], "split"].tolist() == ["test", "train", "test"]
    assert table.loc["13715", "published_id"] == "13715_H_m_meriana"
    assert table.loc[["p1", "13715", "x1"], "photographed"].tolist() == ["yes", "yes", "no"]
    # 0.3 of 10 is 3 in test, p1 one of them; 0.3 of 4 rounds to 1, which 13715 already is.
    counts = specimens.summary().set_index(["label", "split"])["images"]
    assert counts["erato_amalfreda", "test"] == 3
    assert counts["melpomene_meriana", "test"] == 1
    assert table.loc[["x1", "x2", "x3"], "split"].tolist() == ["train"] * 3
    assert list(table["pattern_fraction"]) == [0.1686] * 14
    pairs = specimens.pairs
    assert list(zip(pairs["label_a"], pairs["label_b"], strict=True)) == [
        ("erato_amalfreda", "melpomene_meriana")
    ]


def test_without_their_table_the_photographs_give_pairs_only(source, tmp_path):
    (tmp_path / "heliconius" / "specimens.csv").unlink()
    heliconius_patterns.prepare(source, tmp_path / "out")
    table = Specimens.read(tmp_path / "out").table
    assert set(table["photographed"]) == {"no"}
    assert "13715_H_m_meriana" in set(table["specimen_id"])


def test_copies_are_byte_for_byte(source, tmp_path):
    options = heliconius_patterns.Options(copy=True)
    heliconius_patterns.prepare(source, tmp_path / "out", options)
    new = tmp_path / "out" / "images" / "erato_amalfreda" / "p1.png"
    assert new.read_bytes() == (source / "erato_amalfreda" / "p1.png").read_bytes()
    assert Specimens.read(tmp_path / "out").paths[0] == new


@given(
    sizes=st.lists(st.integers(2, 15), min_size=1, max_size=4),
    share=st.floats(0.05, 0.5),
    seed=st.integers(0, 99),
)
def test_split_is_stratified_and_does_not_depend_on_the_order(sizes, share, seed):
    labels = {f"{race}-{n}": f"race{race}" for race, size in enumerate(sizes) for n in range(size)}
    splits = dict(zip(labels, split_specimens(labels, {}, share, seed), strict=True))
    for race, size in enumerate(sizes):
        tested = sum(splits[f"{race}-{n}"] == "test" for n in range(size))
        assert tested == max(1, round(share * size))
    turned = dict(reversed(labels.items()))
    again = dict(zip(turned, split_specimens(turned, {}, share, seed), strict=True))
    assert again == splits


def test_split_keeps_what_is_known_and_differs_between_seeds():
    labels = {f"s{n}": "race" for n in range(20)}
    known = {"s0": "test", "s1": "train", "s2": "test"}
    drawn = [split_specimens(labels, known, 0.3, seed) for seed in range(5)]
    for splits in drawn:
        assert splits[:3] == ["test", "train", "test"]
        assert splits.count("test") == 6
    assert len({tuple(splits) for splits in drawn}) > 1
    # More known in test than wanted: nothing is added.
    known = {f"s{n}": "test" for n in range(9)}
    assert split_specimens(labels, known, 0.3, 0).count("test") == 9


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--photographs", "{root}"], "has no mimicry_pairs.csv"),
        (["--test-share", "0.9"], "--test-share is 0.9"),
        (["--seed", "one"], "invalid int value"),
    ],
)
def test_mistakes_are_one_line(source, tmp_path, capsys, arguments, words):
    arguments = [argument.format(root=tmp_path) for argument in arguments]
    status = command.run(heliconius_patterns.main, [str(source), str(tmp_path / "out"), *arguments])
    error = capsys.readouterr().err
    assert status == 2
    assert words in error
    assert error.count("\n") == 1


def test_output_may_not_lie_in_the_photographs(source, tmp_path, capsys):
    out = tmp_path / "heliconius" / "patterns"
    assert command.run(heliconius_patterns.main, [str(source), str(out)]) == 2
    assert "lies inside" in capsys.readouterr().err
    assert not out.exists()


def test_real_patterns(shared, tmp_path):
    out = tmp_path / "out"
    report = heliconius_patterns.prepare(shared / "data" / "heliconius_patterns", out)
    assert not [line for line in report.warnings if "README says" in line]
    specimens = Specimens.read(out)
    assert (len(specimens), len(specimens.classes), len(specimens.pairs)) == (281, 28, 14)
    assert set(specimens.pairs["label_a"]) | set(specimens.pairs["label_b"]) == set(
        specimens.classes
    )
    table = specimens.table
    assert table["split"].value_counts().to_dict() == {"train": 195, "test": 86}
    assert table.groupby("specimen_id")["split"].nunique().max() == 1
    both = table.merge(
        read_photographs(shared / "data" / "heliconius"), on="specimen_id", suffixes=("", "_photo")
    )
    assert len(both) == 85
    assert (both["split"] == both["split_photo"]).all()
    assert (both["label"] == both["race"]).all()
