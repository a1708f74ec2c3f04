"""A process that has imported everything and forks a child for each command: starts cost nothing.

Reads one JSON object a line (``words``, ``folder``, ``log`` and what the child is to suffer),
forks, answers with the child's process id, and with its exit status when it has ended.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

NOBODY = 65534
"""User and group without any rights of their own."""


def warm_up() -> None:
    """Import what the commands of the tests need; nothing may start a thread."""
    import torch

    torch.set_num_threads(1)
    import intr_discover.annotations
    import intr_discover.cli
    import intr_discover.edits
    import intr_discover.explain.batch
    import intr_discover.explain.importing
    import intr_discover.studies.accuracy
    import intr_discover.studies.one_edit
    import intr_discover.training.loop
    import intr_discover.training.record  # noqa: F401


def rate(database: str, rater: str, count: str) -> None:
    """Write answers one after the other, and print each when it was acknowledged."""
    from intr_discover.annotations import open_database

    opened = open_database(database)
    for number in range(int(count)):
        opened.names.add(rater, "a" * 64, f"class {number}", 0, f"name {number}")
        print(number, flush=True)


def be_child(order: dict[str, Any]) -> None:
    """Run one command; never returns."""
    status = 1
    try:
        log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.chdir(order["folder"])
        if order.get("as_nobody") and os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        if order.get("more_memory"):
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            most = pages * resource.getpagesize() + order["more_memory"]
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
        words = order["words"]
        sys.argv = ["intr-discover", *words]
        if words[0] == "rate":
            rate(*words[1:])
            status = 0
        else:
            from intr_discover.cli import main

            main()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def serve() -> None:
    """Answer until the input ends."""
    warm_up()
    print("ready", flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            be_child(order)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    serve()
