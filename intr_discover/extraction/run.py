"""A whole collection through the model, by one process or many, now or in several goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.extraction.layout import Layout
from intr_discover.extraction.manifest import finish, read_manifest
from intr_discover.extraction.plan import Plan, begin, read_description
from intr_discover.extraction.processes import Processes
from intr_discover.extraction.settings import ExtractionSettings
from intr_discover.extraction.shards import extract_shard, is_whole
from intr_discover.files import is_temporary
from intr_discover.model.intr import INTR
from intr_discover.provenance import machine, origin, versions

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class _Work:
    """What the main process tells the others: where photographs lie, and which shards are left."""

    root: Path
    left: list[int]


def extract(
    explainer: Explainer,
    specimens: Specimens | Callable[[], Specimens],
    out: Path,
    settings: ExtractionSettings,
    *,
    processes: Processes | None = None,
    workers: int = 2,
    verify: bool = False,
    command: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write maps, head descriptors and logits of photographs to a Parquet data set.

    Parameters
    ----------
    explainer
        The model, on the device of this process.
    specimens
        The photographs, or a function that reads them, which the main process alone calls.
    out
        The folder; see ``layout.Layout``. One that was begun goes on.
    settings
        What is kept.
    processes
        Who works together; by default this process alone.
    workers
        Threads of each process that read photographs.
    verify
        Compare every byte of finished shards with their checksums, and make damaged ones again.
    command
        The command line, word by word, for the record.
    progress
        Called with (photographs done, photographs to do) of this process.

    Returns
    -------
    dict
        The manifest: ``images``, ``rows``, ``defects``, ``bytes``, ``files``.

    Raises
    ------
    UserError
        If the folder holds another extraction or another process writes to it, the collection or
        the model does not permit what is wanted, or the disk of the photographs is gone.
    OSError
        If the system refuses to write.

    Notes
    -----
    Every photograph ends in exactly one row of ``rows`` or of ``defects.csv``, whenever and however
    often the processes are killed. The data set is the same for any number of processes.
    """
    settings = replace(settings, precision=explainer.precision)
    _require_heads(explainer, settings)
    group = processes or Processes()
    layout = Layout(Path(out))
    lock: FileLock | None = None

    def plan_work() -> _Work:
        nonlocal lock
        collection = specimens if isinstance(specimens, Specimens) else specimens()
        if settings.maps == "true":
            collection.label_ids(explainer.classes)
        _require_free(layout)
        lock = _locked(layout)
        record = {
            **origin(command, layout.folder),
            "versions": versions(),
            "machine": machine(explainer.device_name, explainer.precision),
        }
        plan = begin(layout, explainer, collection, settings, record)
        left = [
            shard for shard in range(plan.shards) if not is_whole(layout, shard, checksum=verify)
        ]
        if left:
            layout.manifest.unlink(missing_ok=True)
        return _Work(collection.root, left)

    try:
        work = group.from_main(plan_work)
        plan = Plan(layout, read_description(layout))
        _work_off(plan, work, explainer, group, workers, progress)
        group.wait()
        return group.from_main(
            lambda: read_manifest(layout) if layout.manifest.exists() else finish(plan)
        )
    finally:
        if lock is not None:
            layout.lock.unlink(missing_ok=True)
            lock.release()


def _work_off(
    plan: Plan,
    work: _Work,
    explainer: Explainer,
    group: Processes,
    workers: int,
    progress: Progress | None,
) -> None:
    """Extract the shards that fall to this process."""
    own = work.left[group.index :: group.count]
    total, done = sum(map(plan.size, own)), 0

    def count(images: int) -> None:
        nonlocal done
        done += images
        if progress is not None:
            progress(done, total)

    for shard in own:
        extract_shard(plan, shard, work.root, explainer, workers=workers, progress=count)


def _require_heads(explainer: Explainer, settings: ExtractionSettings) -> None:
    if settings.maps != "none" and not isinstance(explainer.model, INTR):
        raise UserError(
            f"{explainer.source or 'this model'} is a plain classifier without class queries, so "
            "there are no maps; extract its logits with --maps none"
        )


def _require_free(layout: Layout) -> None:
    folder = layout.folder
    if folder.is_file():
        raise UserError(f"{folder} is a file; name a folder for the extraction")
    if layout.description.exists() or not folder.is_dir():
        return
    own = {layout.lock.name, layout.images.name}
    if any(path.name not in own and not is_temporary(path) for path in folder.iterdir()):
        raise UserError(f"the folder {folder} holds other files; name another one")


def _locked(layout: Layout) -> FileLock:
    layout.folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(layout.lock)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(
            f"another process is extracting into {layout.folder}; wait for it, or stop it first"
        ) from None
    return lock
