"""The browser app. No science in it: it calls explain, edits, studies and figures.

Gradio, and what it brings along, read these switches when they are imported; so they are set here,
before any file of this package can import Gradio. Nothing leaves the machine.
"""

from __future__ import annotations

import os

OFFLINE = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_RUN_HISTORY": "False",
    "GRADIO_SHARE": "False",
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
"""No statistics of use, no record of runs in the browser, no tunnel, no hub."""

os.environ.update(OFFLINE)
