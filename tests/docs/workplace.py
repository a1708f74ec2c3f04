"""A folder in which the documentation's code can be run: small photographs, small models.

Everything has the names that the pages give it, so that commands and code are run as they stand.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
from PIL import Image

from intr_discover.data.rings import write_collection
from intr_discover.data.specimens import Specimens
from intr_discover.training.config import TrainingConfig, change
from intr_discover.training.loop import train

HERE = Path(__file__).parent

# Two drawn look-alikes under the names of the pages.
SPECIES = {"Ember vera": "Heliconius erato", "Ember similis": "Heliconius melpomene"}
SMALL = TrainingConfig(
    width=32, heads=4, feed_forward=32, image_size=64, epochs=2, batch_size=8, warmup_epochs=0.5,
    learning_rate=1e-3,
)  # fmt: skip


def furnish(folder: Path) -> Path:
    """Make the folder.

    ``photographs``: 20 JPEGs of two species with splits, masks, landmarks, attributes and pairs.
    ``runs/mine``, ``runs/a`` to ``runs/c`` and ``runs/plain``: trainings of two epochs on them.
    ``new``: photographs to name; ``moth.png`` with ``spot.png``, ``photograph.png`` with
    ``mask.png``, ``patch.png``: a photograph and a region of it. ``rings``: drawn specimens.
    ``drawer`` and ``museum.xlsx``: photographs with numbers, and the table that knows them.
    ``wings.tps``: three landmarks of two of the photographs.
    """
    rings = write_collection(folder / "rings", 10, ring_count=1)
    photographs = as_photographs(rings, folder / "photographs")
    specimens = Specimens.read(photographs)
    runs = folder / "runs"
    for name, changes in (
        ("mine", {}), ("b", {"seed": 1}), ("c", {"seed": 2}), ("plain", {"model": "plain"}),
    ):  # fmt: skip
        train(specimens, change(SMALL, changes), runs / name, device="cpu", say=quiet)
    shutil.copytree(runs / "mine", runs / "a")
    (folder / "new").mkdir()
    for number, path in enumerate(specimens.paths[:2]):
        shutil.copy(path, folder / "new" / f"IMG_{900 + number:04d}.jpg")
    bearer = rings / "images" / "ember-similis-0-000001.png"
    region = rings / "masks" / "ember-similis-0-000001-basal_spots.png"
    for photograph, mask in (("moth", "spot"), ("photograph", "mask")):
        shutil.copy(bearer, folder / f"{photograph}.png")
        shutil.copy(region, folder / f"{mask}.png")
    shutil.copy(folder / "photographs" / "patch.png", folder / "patch.png")
    (folder / "mine.csv").write_text(
        "label_a,label_b\nHeliconius erato,Heliconius melpomene\n", encoding="utf-8"
    )
    (folder / "wings.tps").write_text(
        "".join(
            f"LM=3\n{x} 60\n20 50\n40 10\nIMAGE=erato/IMG_{number:04d}.jpg\nID={number}\n"
            for number, x in enumerate((30, 31), 1)
        )
    )
    (folder / "drawer").mkdir()
    for number, path in enumerate(specimens.paths[:4], 1):
        shutil.copy(path, folder / "drawer" / f"AB{number:04d}_dorsal.jpg")
    museum = {"accession": [f"AB{number:04d}" for number in range(1, 6)], "year": range(1948, 1953),
              "species": ["Ember vera"] * 5, "sex": ["f", "m", "f", "f", "f"]}  # fmt: skip
    pd.DataFrame(museum).to_excel(folder / "museum.xlsx", index=False)
    # The head report card of all of the demo, by the command in its provenance.json.
    shutil.copytree(HERE / "demo_heads", folder / "heads_of_the_demo")
    return folder


def as_photographs(rings: Path, out: Path) -> Path:
    """Copy a drawn collection as JPEGs in a folder a species, with its tables."""
    tables = {name: pd.read_csv(rings / f"{name}.csv") for name in
              ("specimens", "keypoints", "attributes", "pairs")}  # fmt: skip
    names: dict[str, str] = {}
    for label, own in tables["specimens"].groupby("label"):
        species = SPECIES[str(label)].split()[1]
        (out / species).mkdir(parents=True)
        for number, image in enumerate(own["image"], 1):
            names[image] = f"{species}/IMG_{number:04d}.jpg"
            Image.open(rings / image).convert("RGB").save(out / names[image], quality=95)
        shutil.copy(out / species / "IMG_0001.jpg", out / species / "a.jpg")
    shutil.copytree(rings / "masks", out / "masks")
    first = next(image for image, name in names.items() if name == "erato/IMG_0001.jpg")
    regions = tables["attributes"][tables["attributes"]["image"] == first]
    (mask,) = regions.loc[regions["attribute"] == "forewing_band", "mask"]
    shutil.copy(out / mask, out / "patch.png")
    for name, table in tables.items():
        table = table.replace({"image": names}).replace(SPECIES)
        table.to_csv(out / f"{name}.csv", index=False)
    return out


def quiet(line: str) -> None:
    pass
