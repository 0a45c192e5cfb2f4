"""Each notebook in a real JupyterLab: run from top to bottom, no error, every widget visible, no stranger asked."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from k8sviz.course import server_command
from tests.browser.chrome import NEEDS, ROOT, Tab, chromium

pytestmark = [*NEEDS, pytest.mark.xdist_group("lab")]
pytest.importorskip("playwright.sync_api")

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# all cells are in the page, and not only those on the screen
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
}
# what runs is not awaited here: it is watched by what it shows
RUN_ALL = """async () => {
  const panel = window.jupyterapp.shell.currentWidget;
  await panel.context.ready;
  await panel.sessionContext.ready;
  await window.jupyterapp.commands.execute("notebook:clear-all-cell-outputs");
  window.jupyterapp.commands.execute("notebook:run-all-cells");
}"""
RAN = r"""n => {
  const prompts = [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")];
  return prompts.filter(e => /\[\d+\]/.test(e.textContent)).length >= n;
}"""
SHOWN = """n => {
  const shown = [...document.querySelectorAll(".jp-OutputArea-output.lm-Panel")]; // where a widget is put
  return shown.length >= n && shown.every(e => e.getBoundingClientRect().height > 40);
}"""
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The course as `k8sviz course` serves it, from a copy; yields its address."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", home / "notebooks", ignore=shutil.ignore_patterns(".*"))
    settings = home / "config" / "labconfig" / "default_setting_overrides.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(SETTINGS))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = server_command(home / "notebooks", "127.0.0.1", port, browser=False)
    command += ["--IdentityProvider.token=", "--LabApp.expose_app_in_browser=True"]
    places = {name: home / name for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "IPYTHONDIR")}
    places["JUPYTER_CONFIG_PATH"] = home / "config"
    environment = {**os.environ, **{name: str(place) for name, place in places.items()}}
    with (home / "log").open("w") as log:
        running = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, running, home / "log")
        yield address
    finally:
        running.terminate()
        running.wait(20)


def _wait(address: str, running: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(120):
        assert running.poll() is None, log.read_text()[-2000:]
        try:
            urllib.request.urlopen(f"{address}/api", timeout=2).close()
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise AssertionError(f"JupyterLab does not answer: {log.read_text()[-2000:]}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


def expected(notebook: Path) -> tuple[int, int]:
    """How many code cells there are, and how many of their stored outputs are widgets."""
    cells = [cell for cell in json.loads(notebook.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    widgets = sum(WIDGET in output.get("data", {}) for cell in cells for output in cell["outputs"])
    return sum(bool("".join(cell["source"]).strip()) for cell in cells), widgets


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_it_runs_and_everything_shows(notebook: Path, server: str, browser: Any) -> None:
    cells, widgets = expected(notebook)
    tab = Tab(browser)
    page = tab.page
    page.goto(f"{server}/lab/tree/{notebook.name}?reset")
    page.wait_for_function("n => document.querySelectorAll('.jp-CodeCell').length >= n", arg=cells, timeout=90_000)
    page.evaluate(RUN_ALL)
    page.wait_for_function(RAN, arg=cells, timeout=180_000)
    page.wait_for_function(SHOWN, arg=widgets, timeout=30_000)  # else one is missing, or blank
    tab.shot(f"lab-{notebook.stem}")
    wrong = ", ".join(f"[data-mime-type='application/vnd.jupyter.{word}']" for word in ("error", "stderr"))
    assert page.locator(wrong).all_inner_texts() == []
    assert tab.strangers == []
    tab.context.close()
