"""The app as a server: temporary files, health, log-in, start and end."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import fastapi
import gradio as gr
import uvicorn

from apps.passwords import checker
from apps.service import Service
from apps.shell import build_page, page_options
from intr_discover import __version__
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer

_PREFIX = "intr-discover-app-"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Hosts that only this machine reaches."""

_FIRST_PORT, _LAST_PORT = 7860, 7960


@dataclass(frozen=True)
class Settings:
    """How the app is served.

    Attributes
    ----------
    host, port
        Where it listens; port None takes the first free one from 7860 on.
    auth
        File of names and hashed passwords; None lets everybody in who can reach the port.
    read_only
        Nothing on the server may be changed.
    database
        Address of the database of annotations; None for the usual file.
    run, data
        What the user called the model and the photographs.
    """

    host: str = "127.0.0.1"
    port: int | None = None
    auth: Path | None = None
    read_only: bool = False
    database: str | None = None
    run: str = "demo"
    data: str = "demo"


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give the app a folder of its own, which is gone afterwards; Gradio's files lie there too.

    The process works in an empty folder inside: Gradio serves files of the working folder.
    """
    _remove_leftovers(Path(tempfile.gettempdir()))
    before, gradio_before = Path.cwd(), os.environ.get("GRADIO_TEMP_DIR")
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    try:
        (folder / "empty").mkdir()
        os.environ["GRADIO_TEMP_DIR"] = str(folder / "gradio")
        os.chdir(folder / "empty")
        yield folder
    finally:
        os.chdir(before)
        if gradio_before is None:
            os.environ.pop("GRADIO_TEMP_DIR", None)
        else:
            os.environ["GRADIO_TEMP_DIR"] = gradio_before
        shutil.rmtree(folder, ignore_errors=True)


def build_server(service: Service, settings: Settings) -> fastapi.FastAPI:
    """Return the whole server: the page, its endpoints, and ``/healthz``."""
    server = fastapi.FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @server.get("/healthz")
    def health() -> dict[str, str]:
        return {"status": "ok", "version": __version__}

    return gr.mount_gradio_app(
        server,
        build_page(service),
        path="/",
        server_name=settings.host,
        server_port=settings.port or _FIRST_PORT,
        auth=None if settings.auth is None else checker(settings.auth),
        auth_message="Please log in.",
        **page_options(),
    )


def serve(
    explainer: Explainer,
    specimens: Specimens,
    settings: Settings,
    say: Callable[[str], object] = print,
) -> None:
    """Serve until the process is told to end.

    Raises
    ------
    UserError
        If the port is taken, or the file of passwords is none.
    """
    with temporary_folder() as folder, listening(settings) as listener:
        service = _service(explainer, specimens, folder, settings)
        server = build_server(service, settings)
        host, port = listener.getsockname()[:2]
        shown = "localhost" if host in ("0.0.0.0", "::") else host  # nosec B104
        say(f"open http://{shown}:{port}  (end with Ctrl-C)")
        if settings.auth is None and host not in LOOPBACK:
            say("anybody who reaches this machine can use it: --auth FILE asks for a password")
        # uvicorn ends in good order and then raises the signal again: let it end the `with`, too.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        with contextlib.suppress(KeyboardInterrupt), frozen():
            uvicorn.Server(_config(server)).run(sockets=[listener])


@contextlib.contextmanager
def frozen() -> Iterator[None]:
    """Collect garbage, but do not look through what stands by now: it stays until the end."""
    gc.freeze()
    gc.enable()
    try:
        yield
    finally:
        gc.unfreeze()  # libraries want to find their own things when the process ends


@contextlib.contextmanager
def running(
    explainer: Explainer, specimens: Specimens, settings: Settings | None = None
) -> Iterator[tuple[str, Service]]:
    """Serve in a thread of this process; yield the address and the service. For tests."""
    settings = settings or Settings()
    with temporary_folder() as folder, listening(settings) as listener:
        service = _service(explainer, specimens, folder, settings)
        server = uvicorn.Server(_config(build_server(service, settings)))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("the server ended before it had begun")
            time.sleep(0.02)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", service
        finally:
            server.should_exit = True
            thread.join(timeout=15)


@contextlib.contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """Yield a socket on the wanted port, or on the first free one.

    Raises
    ------
    UserError
        If the host is none of this machine's, or the port is taken.
    """
    ports = range(_FIRST_PORT, _LAST_PORT) if settings.port is None else [settings.port]
    reason: OSError | None = None
    for port in ports:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, port))
            listener.listen(128)
        except OSError as error:
            listener.close()
            reason = error
            continue
        with listener:
            yield listener
        return
    where = f"port {settings.port}" if settings.port is not None else "ports 7860 to 7959"
    assert reason is not None
    raise UserError(
        f"cannot listen on {settings.host}, {where}: {reason.strerror or reason}; name others with "
        "--host and --port"
    )


def _service(
    explainer: Explainer, specimens: Specimens, folder: Path, settings: Settings
) -> Service:
    return Service(
        explainer, specimens, folder, run=settings.run, data=settings.data,
        read_only=settings.read_only, database=settings.database,
        local=settings.host in LOOPBACK and settings.auth is None,
    )  # fmt: skip


def _config(server: fastapi.FastAPI) -> uvicorn.Config:
    return uvicorn.Config(
        server, log_level="warning", timeout_graceful_shutdown=3, ws_max_size=2**20, lifespan="on"
    )


def _remove_leftovers(place: Path) -> None:
    """Remove what killed processes of this user left behind."""
    for folder in place.glob(f"{_PREFIX}*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not _is_alive(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
