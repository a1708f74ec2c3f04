"""Published weights by name: where they lie, by what they are checked, what is done with them."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from intr_discover.downloads import NoConnectionError, download, offered
from intr_discover.errors import UserError
from intr_discover.files import sha256, write_text

HUB = "https://huggingface.co"
HUB_VARIABLE = "HF_ENDPOINT"
"""What Hugging Face's own programs read, too: the address of a mirror."""

CHECKSUMS = "checksums"
"""Kept beside the fetched files in the form that ``sha256sum -c`` reads; comments say whence."""

_DETR = "https://dl.fbaipublicfiles.com/detr/detr-r50-e632da11.pth"
_INTR = "imageomics/INTR/resolve/673e2d48f7e283ce305e6b8c9b508293f22cd32d"
# SHA-256 and bytes, as the hub's own pages of these files give them.
_OFFICIAL = (
    ("cub", "CUB-200-2011, 200 birds",
     "6970e7cca515193ff715e45f09ec17419e272436a736b7bb2b8eb9640fc066fa", 495_742_628),
    ("bird", "Birds-525, 525 birds",
     "10c00a8005adf7276a9a379cbe927b7249709eb88fa25a9254013f308cefc6b2", 496_741_345),
    ("butterfly", "Cambridge butterflies, 65 forms",
     "ccba7de1a8c27ae6f41be24bc76251937650a0549399f3a7b5d48952c0be7bd2", 495_328_225),
)  # fmt: skip
_SHA256_DIGITS = 64
_TIMM_FILES = ("model.safetensors", "config.json")


@dataclass(frozen=True)
class PublishedFile:
    """A file on the web, and what its publisher says of it.

    Attributes
    ----------
    address
        Where it lies.
    sha256
        Its checksum, or the digits that its name begins or ends with; None where none is known.
    size
        Its bytes; None where they are not known.
    """

    address: str
    sha256: str | None = None
    size: int | None = None

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.address.rpartition("/")[2]


@dataclass(frozen=True)
class Published:
    """Weights that anybody can fetch.

    Attributes
    ----------
    name
        What they are called here.
    title
        What they are.
    files
        What is fetched.
    licence
        As the publisher gives it.
    use
        A command that takes them; ``{folder}`` stands for where they are.
    """

    name: str
    title: str
    files: tuple[PublishedFile, ...]
    licence: str
    use: str


@dataclass(frozen=True)
class Fetched:
    """A file that is here now.

    Attributes
    ----------
    path
        The file.
    checked
        By what, in words.
    """

    path: Path
    checked: str


def catalogue() -> dict[str, Published]:
    """Return the weights that are known by a name of their own; timm's models come on top."""
    known = [
        Published(
            "detr-r50",
            "DETR with ResNet-50, trained on COCO: what the paper's models begin with",
            (PublishedFile(_DETR, _digits_in_name(_DETR)),),
            "Apache-2.0",
            "intr-discover train DATA --out RUN --preset paper --set pretrained=false "
            "--init {folder}/detr-r50-e632da11.pth",
        )
    ]
    for name, title, digest, size in _OFFICIAL:
        file = f"intr_checkpoint_{name}_detr_r50.pth"
        known.append(
            Published(
                f"intr-{name}",
                f"official INTR of Paul et al., {title}",
                (PublishedFile(f"{_hub()}/{_INTR}/{file}", digest, size),),
                "Apache-2.0",
                f"intr-discover import {{folder}}/{file} --classes NAMES.txt --out RUN",
            )
        )
    return {each.name: each for each in known}


def fetch(
    name: str,
    folder: Path,
    *,
    progress: Callable[[int, int], None] | None = None,
    known: dict[str, Published] | None = None,
) -> tuple[Published, list[Fetched]]:
    """Fetch published weights into a folder, check them, and write down their checksums.

    Parameters
    ----------
    name
        A name of the catalogue, or of a timm model (``resnet50.a1_in1k``, ``timm/resnet50``).
    folder
        Where to. What is there already and agrees with its checksum is not fetched again.
    progress
        See ``downloads.download``.
    known
        The catalogue; default ``catalogue()``.

    Returns
    -------
    Published
        What was fetched.
    list of Fetched
        Its files.

    Raises
    ------
    UserError
        There are no such weights, the folder holds others, or a download fails.
    """
    recorded = _read_checksums(folder)
    try:
        published = (catalogue() if known is None else known).get(name)
        if published is None:
            published = _of_timm(name, recorded)
        return published, [_fetch(file, folder, recorded, progress) for file in published.files]
    except NoConnectionError as error:
        raise NoConnectionError(
            f"{error}. If this machine has no network, run 'intr-discover models fetch {name} --to "
            f"{folder.name}' on one that has, and copy the folder {folder.name} to {folder}"
        ) from error


def _fetch(
    file: PublishedFile,
    folder: Path,
    recorded: dict[str, tuple[str, str]],
    progress: Callable[[int, int], None] | None,
) -> Fetched:
    path = folder / file.name
    address, before = recorded.get(file.name, (file.address, None))
    if address != file.address:
        raise UserError(f"{folder} holds {file.name} of {address}: name another folder")
    whole = file.sha256 is not None and len(file.sha256) == _SHA256_DIGITS
    known = file.sha256 if whole else before or file.sha256
    download(file.address, path, sha256=known, size=file.size, progress=progress)
    found = sha256(path)
    if before is None:
        recorded[file.name] = (file.address, found)
        _write_checksums(folder, recorded)
    if whole:
        checked = "SHA-256 as published"
    elif before is not None:
        checked = "SHA-256 as when it was first fetched"
    elif file.sha256 is not None:
        checked = f"SHA-256 begins as its name says, {file.sha256}"
    else:
        checked = f"no checksum is published; that of this download is in {folder / CHECKSUMS}"
    return Fetched(path, checked)


def _of_timm(name: str, recorded: dict[str, tuple[str, str]]) -> Published:
    """Return where the hub holds a timm model's weights, in the state that was fetched before."""
    # Not at the top: the list of the catalogue answers without waiting for torch.
    import timm

    name = name.removeprefix("timm/")
    architecture = name.partition(".")[0]
    if not timm.is_model(architecture):
        near = get_close_matches(name, [*catalogue(), *timm.list_pretrained()], n=3)
        meant = f"; did you mean {', '.join(near)}?" if near else ""
        raise UserError(f"there are no weights '{name}': see intr-discover models list{meant}")
    try:
        found = timm.models.get_pretrained_cfg(name, allow_unregistered=False)
    except RuntimeError:  # the model is known, its tag is not
        found = None
    if found is None or not found.has_weights:
        tags = timm.list_pretrained(f"{architecture}.*")
        there = f"; there are {', '.join(tags)}" if tags else ""
        raise UserError(f"timm has no pretrained weights '{name}'{there}")
    use = f"intr-discover train DATA --out RUN --backbone {name} --set backbone_weights={{folder}}"
    licence = found.license or "as timm's page of the model says"
    if not found.hf_hub_id:
        address = str(found.url)
        file = PublishedFile(address, _digits_in_name(address))
        return Published(name, name, (file,), licence, f"{use}/{file.name}")
    held = str(found.hf_hub_id)
    held = f"{held}{found.architecture}.{found.tag}" if held.endswith("/") else held
    start = f"{_hub()}/{held}/resolve/"
    weights, config = _TIMM_FILES
    before, digest = recorded.get(weights, ("", None))
    if before.startswith(start):
        folder, size = before.removesuffix(weights), None
    else:
        offer = offered(f"{start}main/{weights}")
        folder, digest, size = f"{start}{offer.revision or 'main'}/", offer.sha256, offer.size
    files = (PublishedFile(f"{folder}{weights}", digest, size), PublishedFile(f"{folder}{config}"))
    return Published(name, f"timm's {held}", files, licence, use)


def _hub() -> str:
    return (os.environ.get(HUB_VARIABLE) or HUB).rstrip("/")


def _digits_in_name(address: str) -> str | None:
    """Return the first digits of the SHA-256 that torch's hub writes into names: x-0a1b2c3d.pth."""
    found = re.search(r"-([0-9a-f]{8,64})\.\w+$", address)
    return found[1] if found else None


def _read_checksums(folder: Path) -> dict[str, tuple[str, str]]:
    """Return address and SHA-256 of what was fetched into a folder before, by file."""
    try:
        lines = (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{folder / CHECKSUMS} cannot be read: {error}") from error
    recorded, address = {}, ""
    for line in lines:
        entry = re.fullmatch(r"([0-9a-f]{64})  (\S+)", line)
        if line.startswith("# "):
            address = line[2:].strip()
        elif entry and address:
            recorded[entry[2]] = (address, entry[1])
        elif line:
            raise UserError(
                f"{folder / CHECKSUMS} is damaged at '{line[:40]}': remove it to fetch again"
            )
    return recorded


def _write_checksums(folder: Path, recorded: dict[str, tuple[str, str]]) -> None:
    lines = [f"# {address}\n{digest}  {name}\n" for name, (address, digest) in recorded.items()]
    write_text(folder / CHECKSUMS, "".join(lines))
