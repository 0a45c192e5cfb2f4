"""Opens the course in JupyterLab: the one way in, which works without make and without a network.

JupyterLab hides the stored pictures of a notebook that it does not trust, so the course's own notebooks are
trusted first.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from k8sviz.errors import K8svizError

__all__ = ["bundled", "copy_missing", "main", "server_command", "trust"]

_START = "00-start.ipynb"
_COPY = "k8sviz-course"
# without this JupyterLab asks in a corner of the page whether it may fetch its news
_SETTINGS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


def main(argv: Sequence[str] | None = None) -> int:
    """Open the course; returns JupyterLab's exit code.

    Raises K8svizError when JupyterLab or the notebooks are missing.
    """
    options = _parser().parse_args(argv)
    if importlib.util.find_spec("jupyterlab") is None:
        raise K8svizError('JupyterLab is not installed; run: python -m pip install "k8sviz[course]"')
    source = bundled()
    folder = source
    if source.name == "_notebooks":
        folder = Path(_COPY)
        copy_missing(source, folder)
    trust(folder / path.name for path in sorted(source.glob("*.ipynb")))
    print(f"Opening {folder.resolve()} in JupyterLab. Its address follows; Ctrl-C ends it.", flush=True)
    return _serve(server_command(folder, options.ip, options.port, browser=not options.no_browser))


def bundled() -> Path:
    """The folder of the course's notebooks: the checkout's, or the wheel's. Raises K8svizError when there is none."""
    package = Path(__file__).resolve().parent
    for place in (package / "_notebooks", package.parent / "notebooks"):
        if any(place.glob("*.ipynb")):
            return place
    raise K8svizError(f"no notebooks beside {package}; reinstall k8sviz, or run this in a checkout")


def copy_missing(source: Path, target: Path) -> list[Path]:
    """Copy the files that the target does not have, and return the new ones: a learner's own work is never replaced."""
    copied = []
    for path in sorted(source.rglob("*")):
        new = target / path.relative_to(source)
        if path.is_file() and not new.exists():
            new.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, new)
            copied.append(new)
    return copied


def trust(notebooks: Iterable[Path]) -> None:
    """Sign the notebooks for this user, as `jupyter trust` does, so that JupyterLab shows their stored pictures."""
    import nbformat
    from nbformat.sign import NotebookNotary

    notary = NotebookNotary()
    for path in notebooks:
        notary.sign(nbformat.read(path, as_version=4))


def server_command(folder: Path, ip: str, port: int, *, browser: bool) -> list[str]:
    """The command that serves the folder; nothing in it asks the network for news, updates or extensions."""
    start = f"/lab/tree/{_START}" if (folder / _START).is_file() else "/lab"
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={folder.resolve()}",
        f"--LabApp.default_url={start}",
        f"--ServerApp.ip={ip}",
        f"--ServerApp.port={port}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
    ]
    if not browser:
        command.append("--no-browser")
    # a container's only user is often root, whom JupyterLab turns away otherwise
    if getattr(os, "geteuid", lambda: 1)() == 0:
        command.append("--allow-root")
    return command


def _serve(command: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="k8sviz-") as folder:
        return _wait(subprocess.Popen(command, env=_environment(Path(folder))))  # noqa: S603 - our own interpreter


def _wait(server: subprocess.Popen[bytes]) -> int:
    while True:
        try:
            return server.wait()
        except KeyboardInterrupt:
            continue  # JupyterLab got it too, and asks whether to stop


def _environment(folder: Path) -> dict[str, str]:
    """This process's environment, and in it one more place where JupyterLab looks for default settings."""
    settings = folder / "labconfig" / "default_setting_overrides.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(_SETTINGS), encoding="utf-8")
    places = [str(folder), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    return {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, places))}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="k8sviz course", description="Open the course in JupyterLab.")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.add_argument("--port", type=int, default=8888, help="the first port to try (default: 8888)")
    parser.add_argument("--ip", default="localhost", help="the address to listen on (default: localhost)")
    return parser
