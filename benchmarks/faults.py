"""Kill, fill the disk, forbid, and give bad input: what the commands say, and what they leave.

Writes ``results/faults.json`` and the tables of ``docs/robustness.md``. The faults are those of
``tests/faults``, made for real; a fault that this machine cannot make is listed with the reason.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.common import RESULTS, machine
from intr_discover.files import write_json, write_text
from intr_discover.provenance import versions
from tests.faults.bad_inputs import BAD_INPUTS
from tests.faults.good_inputs import GOOD_INPUTS
from tests.faults.kill_cases import KILL_CASES
from tests.faults.killing import WarmServer, serving
from tests.faults.troubles import (
    OF_EACH_KIND,
    WRITINGS,
    UnavailableError,
    add_sources,
    commands,
    full_disk,
    no_permission,
    read_only_disk,
)
from tests.faults.world import World, fill_in, listing, run_here

PAGE = Path(__file__).resolve().parents[1] / "docs" / "robustness.md"
KILLS = 20
PARTS = ("kills", "troubles", "bad_inputs")

TROUBLES: dict[str, tuple[Callable[..., str | None], bool]] = {
    "disk full": (full_disk, True),
    "disk full after 40 kB": (lambda *given: full_disk(*given, leave=40_000), False),
    "disk read-only": (read_only_disk, False),
    "no permission": (no_permission, False),
}
"""What makes each, and whether every command goes through it or one of each kind."""


def main() -> None:
    """Make all faults, write, print."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=KILLS, help="of each kind of work")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--all-commands", action="store_true", help="every fault with every one")
    parser.add_argument(
        "--only", nargs="+", choices=PARTS, default=PARTS, help="the others stay as they were"
    )
    parser.add_argument("--page", type=Path, default=PAGE, help="the page with the tables")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="faults-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # some commands are run by a user without rights
        os.environ["INTR_DISCOVER_CACHE"] = str(folder / "cache")
        world = World.make(folder)
        add_sources(world)
        (folder / "server").mkdir()
        found: dict[str, Any] = {}
        with contextmanager(serving)(folder / "server") as server:
            if "kills" in options.only:
                found["kills"] = list(kill(server, world, folder, options.kills, options.seed))
            if "troubles" in options.only:
                found["troubles"] = list(trouble(server, world, options.all_commands))
        if "bad_inputs" in options.only:
            found["bad_inputs"] = list(tell(world, folder))
    path = RESULTS / "faults.json"
    earlier = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    record: dict[str, Any] = {
        "command": "python -m benchmarks.faults",
        "machine": machine(),
        "versions": versions(),
        **{part: found.get(part, earlier.get(part, [])) for part in PARTS},
        "good_inputs": [{"kind": each.kind, "outcome": each.outcome} for each in GOOD_INPUTS],
    }
    write_json(path, record)
    write_page(record, options.page)


def kill(
    server: WarmServer, world: World, folder: Path, kills: int, seed: int
) -> Iterable[dict[str, Any]]:
    """Kill each kind of work; yield how often, and how often it was in the middle of writing."""
    for number, (what, case) in enumerate(KILL_CASES.items()):
        if what == "extraction" and "extract" not in commands():
            continue
        place = folder / f"kills-{number}"
        place.mkdir()
        done = case(server, world, place, kills, seed)
        row = {"what": what, "seed": seed, "kills": done.killed, "finished": done.finished,
               "unfinished": done.unfinished, "promise": str(case.__doc__)}  # fmt: skip
        print(row, flush=True)
        yield row


def trouble(server: WarmServer, world: World, everything: bool) -> Iterable[dict[str, Any]]:
    """Make what the system refuses; yield what is said."""
    for fault, (make, always) in TROUBLES.items():
        for writing in WRITINGS:
            if not (always or everything or writing.name in OF_EACH_KIND):
                continue
            if writing.name.split()[0] not in commands():
                continue
            try:
                message = make(server, world, writing)
            except UnavailableError as reason:
                message = f"not made: {reason}"
            if message is not None:
                print(fault, writing.name, message, flush=True)
                yield {"fault": fault, "command": writing.name, "message": message}


def tell(world: World, folder: Path) -> Iterable[dict[str, Any]]:
    """Make every mistake of the list; yield what is said."""
    for number, case in enumerate(BAD_INPUTS):
        place = folder / f"mistake-{number}"
        place.mkdir()
        case.make(place)
        before = listing(place)
        done = run_here(fill_in(case.words, world.places), place)
        assert done.status == 2 and "Traceback" not in done.err, f"{case.label}: {done.err}"
        assert all(word in done.message for word in case.names), f"{case.label}: {done.message}"
        assert listing(place) == before, f"{case.label}: something was left behind"
        message = done.message.replace(f"{place}/", "").replace(f"{folder}/", "")
        yield {"group": case.group, "kind": case.kind, "message": message}


def write_page(record: dict[str, Any], page: Path) -> None:
    """Put the tables into the page, between its markers."""
    kills = [(row["what"], row["kills"], row["unfinished"], row["promise"])
             for row in record["kills"]]  # fmt: skip
    troubles = [(row["fault"], f"`{row['command']}`", row["message"]) for row in record["troubles"]]
    wrong = [(row["group"], row["kind"], row["message"]) for row in record["bad_inputs"]]
    right = [(row["kind"], row["outcome"]) for row in record["good_inputs"]]
    parts = {
        "kills": table(("killed during", "kills", "in the middle of writing", "afterwards"), kills),
        "troubles": table(("the system", "command", "what is said"), troubles),
        "count": f"{len(wrong)} kinds of bad input:",
        "bad": table(("what", "kind", "what is said"), wrong),
        "good": table(("kind", "what is done with it"), right),
    }
    text = page.read_text(encoding="utf-8")
    for name, content in parts.items():
        pattern = rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)"
        text, found = re.subn(
            pattern, lambda m, new=content: f"{m[1]}{new}\n{m[2]}", text, flags=re.DOTALL
        )
        assert found == 1, f"{page} has no place for {name}"
    write_text(page, text)


def table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    """Return a Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join("| " + " | ".join(map(plain, line)) + " |" for line in lines)


def plain(cell: object) -> str:
    """Return a cell whose signs Markdown leaves alone."""
    text = str(cell)
    if len(text) > 300:
        text = f"{text[:200]} … {text[-60:]}"
    text = re.sub(r"([\\|*_<>\[\]$#&~])", r"\\\1", text) if not text.startswith("`") else text
    return " ".join(text.split())


if __name__ == "__main__":
    main()
