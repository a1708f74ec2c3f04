"""Where the time of a work goes: its operators by the time spent in each, not in what it calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

MOST = 10


def profiled(work: Callable[[], object], device: str = "cpu") -> list[dict[str, Any]]:
    """Return the operators that take most time.

    Parameters
    ----------
    work
        Run once to warm up and once to be measured.
    device
        ``cpu``, or ``cuda`` for the time of the card's kernels.

    Returns
    -------
    list of dict
        ``operator``, ``share`` of the time of all operators in [0, 1], ``calls``; the largest
        share first, the last one for all others together.
    """
    work()
    activities = [ProfilerActivity.CPU]
    if device != "cpu":
        activities.append(ProfilerActivity.CUDA)
        torch.cuda.synchronize()
    with profile(activities=activities) as record:
        work()
    times = [
        (event.key, event.self_cpu_time_total if device == "cpu" else event.self_device_time_total,
         event.count)
        for event in record.key_averages()
    ]  # fmt: skip
    times = sorted((row for row in times if row[1] > 0), key=lambda row: -row[1])
    total = sum(took for _, took, _ in times)
    rows = [
        {"operator": name, "share": took / total, "calls": count}
        for name, took, count in times[:MOST]
    ]
    if times[MOST:]:
        rest = times[MOST:]
        rows.append(
            {
                "operator": f"{len(rest)} others",
                "share": sum(took for _, took, _ in rest) / total,
                "calls": sum(count for _, _, count in rest),
            }
        )
    return rows
