"""Small archives of the published structure of each data set of the paper, drawn from scratch."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import scipy.io
from PIL import Image

WIDTH, HEIGHT = 40, 50


def picture(seed: int = 0, mode: str = "RGB", form: str = "JPEG") -> bytes:
    """Return the bytes of a noisy picture of 40 x 50 pixels."""
    channels = {"RGB": (3,), "CMYK": (4,), "L": (), "P": ()}[mode]
    pixels = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, *channels), np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels, None if mode == "P" else mode).convert(mode).save(file, form)
    return file.getvalue()


def grey(values: np.ndarray) -> bytes:
    """Return the bytes of a PNG in 8-bit grey."""
    file = io.BytesIO()
    Image.fromarray(values.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def mat(**variables: object) -> bytes:
    """Return the bytes of a MATLAB file (version 5, compressed, as the published ones are)."""
    file = io.BytesIO()
    scipy.io.savemat(file, variables, do_compression=True)
    return file.getvalue()


def write_tar(path: Path, files: Mapping[str, bytes], mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def write_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def write_folder(path: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def lines(*rows: str) -> bytes:
    return ("\n".join(rows) + "\n").encode()


Files = dict[str, bytes]


def cub() -> dict[str, Files]:
    """Two species; image 3 (test) hides part 2; attribute lines with columns too many."""
    root = "CUB_200_2011"
    images = [
        "001.Black_footed_Albatross/Black_Footed_Albatross_0001_796111.jpg",
        "001.Black_footed_Albatross/Black_Footed_Albatross_0002_55.jpg",
        "002.Laysan_Albatross/Laysan_Albatross_0001_545.jpg",
        "002.Laysan_Albatross/Laysan_Albatross_0002_1027.jpg",
    ]
    numbered = [f"{place} {image}" for place, image in enumerate(images, start=1)]
    part_rows = [f"{image} {part} {10.0 * part} 20.0 1" for image in (1, 2, 4) for part in (1, 2)]
    files = {
        "attributes.txt": lines("1 has_bill_shape::dagger", "2 has_wing_color::grey"),
        f"{root}/README": b"published",
        f"{root}/images.txt": lines(*numbered),
        f"{root}/classes.txt": lines("1 001.Black_footed_Albatross", "2 002.Laysan_Albatross"),
        f"{root}/image_class_labels.txt": lines("1 1", "2 1", "3 2", "4 2"),
        f"{root}/train_test_split.txt": lines("1 1", "2 0", "3 0", "4 1"),
        f"{root}/bounding_boxes.txt": lines(*(f"{n} 5.0 6.0 20.0 30.0" for n in (1, 2, 3, 4))),
        f"{root}/parts/parts.txt": lines("1 back", "2 left wing"),
        f"{root}/parts/part_locs.txt": lines(*part_rows, "3 1 11.5 12.5 1", "3 2 0.0 0.0 0"),
        f"{root}/attributes/image_attribute_labels.txt": lines(
            "1 1 1 4 4.5",
            "1 2 0 1 2.0",
            "2 1 1 2 0 0 3.9",  # columns too many
            "2 2 1 0 1.0",  # no legal certainty
            "3 2 1 3 9.1",
            "4",  # cut short
        ),
    }
    files |= {f"{root}/images/{name}": picture(place) for place, name in enumerate(images)}
    files[f"{root}/images/001.Black_footed_Albatross/copy_rgb.jpg"] = picture(9)  # in no list
    mask = np.zeros((HEIGHT, WIDTH))
    mask[6:36, 5:25] = 204
    mask[40:] = 102
    masks = {f"segmentations/{Path(n).with_suffix('.png').as_posix()}": grey(mask) for n in images}
    return {"CUB_200_2011.tgz": files, "segmentations.tgz": masks}


def birds() -> dict[str, Files]:
    """Two species, one of them spelt in three ways."""
    folders = {
        "train": ("ABBOTTS BABBLER", "PARAKETT  AUKLET"),
        "valid": ("ABBOTTS BABBLER", "PARAKETT AUKLET"),
        "test": ("ABBOTTS BABBLER ", "PARAKETT  AUKLET"),
    }
    files: Files = {}
    rows = ["class id,filepaths,labels,data set,scientific name"]
    for split, names in folders.items():
        for name in names:
            for number in range(5 if split == "train" else 1):
                files[f"{split}/{name}/{number + 1:03d}.jpg"] = picture(len(files))
                spelt = name.strip().replace("PARAKETT AUKLET", "PARAKETT  AUKLET")
                spelt = spelt.replace("AUKLET", "AKULET")
                latin = "AETHIA PSITTACULA" if "PARAKETT" in name else "MALACOCINCLA ABBOTTI"
                rows.append(f"0,{split}/{spelt}/{number + 1:03d}.jpg,{spelt},{split},{latin}")
    files["birds.csv"] = lines(*rows)
    files["EfficientNetB0-525-(224 X 224)- 98.97.h5"] = b"weights of somebody"
    return {"archive.zip": files}


def dogs() -> dict[str, Files]:
    """Two breeds; one picture with two dogs, one without a box."""
    names = {
        "train": ["n02085620-Chihuahua/n02085620_1.jpg", "n02115913-dhole/n02115913_7.jpg"],
        "test": ["n02085620-Chihuahua/n02085620_2.jpg", "n02115913-dhole/n02115913_8.jpg"],
    }
    every = [name for own in names.values() for name in own]

    def box(*sides: int) -> str:
        tags = zip(("xmin", "ymin", "xmax", "ymax"), sides, strict=True)
        inner = "".join(f"<{tag}>{value}</{tag}>" for tag, value in tags)
        return f"<object><name>Chihuahua</name><bndbox>{inner}</bndbox></object>"

    annotation = {
        f"Annotation/{name[:-4]}": f"<annotation><folder>a</folder>{boxes}</annotation>".encode()
        for name, boxes in zip(
            every,
            (box(1, 2, 30, 40), box(2, 3, 9, 9) + box(5, 1, 20, 8), box(1, 1, 9, 9)),
            strict=False,
        )
    }
    cells = {
        f"{split}_list.mat": mat(
            file_list=np.array([[name] for name in own], dtype=object),
            annotation_list=np.array([[name[:-4]] for name in own], dtype=object),
            labels=np.array([[1], [2]], dtype=np.uint8),
        )
        for split, own in names.items()
    }
    return {
        "images.tar": {f"Images/{name}": picture(place) for place, name in enumerate(every)},
        "lists.tar": {**cells, "file_list.mat": b"not needed"},
        "annotation.tar": annotation,
    }


def pets() -> dict[str, Files]:
    """Two breeds; a GIF, a PNG and a CMYK JPEG among the pictures, all called .jpg."""
    names = ["Abyssinian_1", "Abyssinian_34", "great_pyrenees_2", "great_pyrenees_10"]
    pictures = [
        picture(0),
        picture(1, "P", "GIF"),
        picture(2, "CMYK"),
        picture(3, "RGB", "PNG"),
    ]
    trimap = np.full((HEIGHT, WIDTH), 2)
    trimap[9:31, 9:31] = 3
    trimap[10:30, 10:30] = 1
    box = "<annotation><object><bndbox>{}</bndbox></object></annotation>".format(
        "<xmin>3</xmin><ymin>4</ymin><xmax>13</xmax><ymax>14</ymax>"
    )
    annotations = {
        "annotations/README": b"published",
        "annotations/list.txt": lines("#Image CLASS-ID SPECIES BREED ID"),
        "annotations/trainval.txt": lines("Abyssinian_1 1 1 1", "great_pyrenees_2 16 2 11"),
        "annotations/test.txt": lines("Abyssinian_34 1 1 1", "great_pyrenees_10 16 2 11"),
        "annotations/xmls/Abyssinian_1.xml": box.encode(),
        "annotations/trimaps/._Abyssinian_1.png": b"added by macOS",
        **{f"annotations/trimaps/{name}.png": grey(trimap) for name in names},
    }
    images = {f"images/{name}.jpg": data for name, data in zip(names, pictures, strict=True)}
    images["images/Abyssinian_100.mat"] = b"a stray file of the published archive"
    return {"images.tar.gz": images, "annotations.tar.gz": annotations}


CAR_NAMES = ["AM General Hummer SUV 2000", "Ram C/V Cargo Van Minivan 2012"]


def _cars(rows: list[tuple[object, ...]], *names: str) -> np.ndarray:
    return np.array([rows], dtype=[(name, object) for name in names])


def cars() -> dict[str, Files]:
    """Two models in the first form: a devkit, two folders of pictures."""
    sides = ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2")
    train = _cars(
        [(1, 2, 30, 40, 1, "00001.jpg"), (3, 4, 31, 41, 2, "00002.jpg")], *sides, "class", "fname"
    )
    test = _cars(
        [(5, 6, 32, 42, 2, "00001.jpg"), (7, 8, 33, 43, 1, "00002.jpg")], *sides, "class", "fname"
    )
    unlabelled = _cars([(5, 6, 32, 42, "00001.jpg")], *sides, "fname")
    names = np.array([CAR_NAMES], dtype=object)
    pictures = {f"0000{n}.jpg": picture(n) for n in (1, 2)}
    return {
        "cars_train.tgz": {f"cars_train/{name}": data for name, data in pictures.items()},
        "cars_test.tgz": {f"cars_test/{name}": data for name, data in pictures.items()},
        "car_devkit.tgz": {
            "devkit/cars_meta.mat": mat(class_names=names),
            "devkit/cars_train_annos.mat": mat(annotations=train),
            "devkit/cars_test_annos.mat": mat(annotations=unlabelled),
        },
        "cars_test_annos_withlabels.mat": {"": mat(annotations=test)},
    }


def cars_in_one() -> dict[str, Files]:
    """The same photographs in the later form: one folder of pictures, one list."""
    rows = [
        ("car_ims/000001.jpg", 1, 2, 30, 40, 1, 0),
        ("car_ims/000002.jpg", 3, 4, 31, 41, 2, 0),
        ("car_ims/000003.jpg", 5, 6, 32, 42, 2, 1),
        ("car_ims/000004.jpg", 7, 8, 33, 43, 1, 1),
    ]
    sides = ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2")
    table = _cars(rows, "relative_im_path", *sides, "class", "test")
    content = mat(annotations=table, class_names=np.array([CAR_NAMES], dtype=object))
    return {
        "car_ims.tgz": {row[0]: picture(place) for place, row in enumerate(rows)},
        "cars_annos.mat": {"": content},
    }


def aircraft() -> dict[str, Files]:
    """Two variants of one family and one maker."""
    root = "fgvc-aircraft-2013b/data"
    split = {"train": ("0000001", "0000002"), "val": ("0000003",), "test": ("0000004", "0000005")}
    variant = {"0000001": "737-200", "0000003": "737-200", "0000004": "737-200"}
    levels = {
        "variant": lambda number: variant.get(number, "DHC-8-300 X"),
        "family": lambda number: "Boeing 737" if number in variant else "Dash 8",
        "manufacturer": lambda number: "Boeing" if number in variant else "de Havilland",
    }
    files = {
        f"{root}/images_{level}_{name}.txt": lines(*(f"{n} {word(n)}" for n in numbers))
        for level, word in levels.items()
        for name, numbers in split.items()
    }
    numbers = [number for own in split.values() for number in own]
    files |= {f"{root}/images/{number}.jpg": picture(int(number)) for number in numbers}
    files[f"{root}/images_box.txt"] = lines(*(f"{number} 1 2 30 28" for number in numbers))
    return {"fgvc-aircraft-2013b.tar.gz": files}


def fish(train: str = "train") -> dict[str, Files]:
    """Two fishes, a frog of their phylum, and a fish-like name in another class."""
    kinds = [
        (2, "Animalia_Chordata_Actinopterygii_Perciformes_Percidae_Perca_flavescens", "Perca"),
        (5, "Animalia_Chordata_Amphibia_Anura_Hylidae_Hyla_arborea", "Hyla"),
        (7, "Animalia_Chordata_Actinopterygii_Esociformes_Esocidae_Esox_lucius", "Esox"),
    ]

    def annotations(split: str) -> tuple[bytes, Files]:
        content = {"info": {"year": 2021}, "images": [], "categories": [], "annotations": []}
        pictures: Files = {}
        for kind, folder, genus in kinds:
            kingdom, phylum, order_class, order, family, _, epithet = folder.split("_")
            content["categories"].append(
                {
                    "id": kind,
                    "name": f"{genus} {epithet}",
                    "common_name": f"common {genus}",
                    "supercategory": "Ray-finned Fishes",
                    "kingdom": kingdom,
                    "phylum": phylum,
                    "class": order_class,
                    "order": order,
                    "family": family,
                    "genus": genus,
                    "specific_epithet": epithet,
                    "image_dir_name": f"{kind:05d}_{folder}",
                }
            )
            for number in range(2):
                image = 10 * kind + number
                name = f"{split}/{kind:05d}_{folder}/{image}-uuid.jpg"
                content["images"].append(
                    {
                        "id": image,
                        "width": WIDTH,
                        "height": HEIGHT,
                        "file_name": name,
                        "license": 1,
                        "rights_holder": "Ünnamed, Person",
                        "date": "2015-07-05 20:15:39+00:00",
                        "latitude": float("nan") if number else 51.5,
                        "longitude": float("nan") if number else -0.1,
                        "location_uncertainty": None,
                    }
                )
                content["annotations"].append({"id": image, "image_id": image, "category_id": kind})
                pictures[name] = picture(image)
        return json.dumps(content).encode(), pictures

    train_list, train_pictures = annotations(train)
    val_list, val_pictures = annotations("val")
    return {
        f"{train}.json.tar.gz": {f"{train}.json": train_list},
        f"{train}.tar.gz": train_pictures,
        "val.json.tar.gz": {"val.json": val_list},
        "val.tar.gz": val_pictures,
    }


def as_downloaded(archives: dict[str, Files], folder: Path) -> Path:
    """Write the archives, each under its name; a lone file has the empty name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, files in archives.items():
        if "" in files:
            (folder / name).write_bytes(files[""])
        elif name.endswith(".zip"):
            write_zip(folder / name, files)
        else:
            write_tar(folder / name, files, "w" if name.endswith(".tar") else "w:gz")
    return folder


def as_unpacked(archives: dict[str, Files], folder: Path) -> Path:
    """Write what is in the archives, all into one folder, without what macOS added."""
    for name, files in archives.items():
        kept = {place or name: data for place, data in files.items() if "/._" not in place}
        write_folder(folder, kept)
    return folder
