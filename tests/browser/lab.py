"""A real JupyterLab as `k8sviz course` serves it, and notebooks in it that run from top to bottom."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from k8sviz.course import server_command
from tests.browser.chrome import ROOT, Tab

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
WIDGET = "application/vnd.jupyter.widget-view+json"
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
RUN_SOME = """async (words) => {
  const { content, context, sessionContext } = window.jupyterapp.shell.currentWidget;
  await context.ready;
  await sessionContext.ready;
  for (const [i, cell] of content.widgets.entries()) {
    if (!words.includes(cell.model.sharedModel.getSource().trim())) continue;
    content.deselectAll();
    content.activeCellIndex = i;
    await window.jupyterapp.commands.execute("notebook:run-cell");
  }
}"""
RAN = r"""([n, wrong]) => {
  if (document.querySelector(wrong)) return true; // nothing after it runs
  const prompts = [...document.querySelectorAll(".jp-CodeCell .jp-InputPrompt")];
  return prompts.filter(e => /\[\d+\]/.test(e.textContent)).length >= n;
}"""
SHOWN = """n => {
  const shown = [...document.querySelectorAll(".jp-OutputArea-output.lm-Panel")]; // where a widget is put
  return shown.length >= n && shown.every(e => e.getBoundingClientRect().height > 40);
}"""
WRONG = ", ".join(f"[data-mime-type='application/vnd.jupyter.{word}']" for word in ("error", "stderr"))
# what people read and use: the cells' texts and outputs, not JupyterLab itself around them
CELLS = [[".jp-OutputArea-output"], [".jp-RenderedMarkdown"]]


# what anywidget complains of when a busy machine takes two seconds for a script; that all widgets show is asked apart
HURRIED = "[anywidget] Failed to initialize model."


def notebook_of(*sources: str) -> str:
    """A notebook of these code cells."""
    rows = [
        {"cell_type": "code", "id": f"c{i}", "metadata": {}, "execution_count": None, "outputs": [], "source": source}
        for i, source in enumerate(sources)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": rows})


@contextmanager
def jupyterlab(home: Path, **files: str) -> Iterator[str]:
    """The course from a copy in a folder, with more files beside the notebooks; yields its address."""
    shutil.copytree(ROOT / "notebooks", home / "notebooks", ignore=shutil.ignore_patterns(".*"))
    for name, text in files.items():
        (home / "notebooks" / name).write_text(text, encoding="utf-8")
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
    places["K8SVIZ_PROGRESS"] = home / "progress.json"
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


class Cells(NamedTuple):
    """How many code cells a notebook has, and how many of their stored outputs are widgets."""

    code: int
    widgets: int


def cells(notebook: Path) -> Cells:
    """What is to be seen when a notebook has run."""
    found = [cell for cell in json.loads(notebook.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]
    widgets = sum(WIDGET in output.get("data", {}) for cell in found for output in cell["outputs"])
    return Cells(sum(bool("".join(cell["source"]).strip()) for cell in found), widgets)


class Notebook(Tab):
    """A notebook that is open in JupyterLab."""

    def __init__(self, browser: Any, server: str, name: str, code: int) -> None:
        super().__init__(browser)
        self.name = name
        self.page.goto(f"{server}/lab/tree/{name}.ipynb?reset")
        self.page.wait_for_function(
            "n => document.querySelectorAll('.jp-CodeCell').length >= n", arg=code, timeout=90_000
        )

    def run_all(self, code: int, widgets: int) -> None:
        """Run it from top to bottom, until each widget shows."""
        self.page.evaluate(RUN_ALL)
        self.page.wait_for_function(RAN, arg=[code, WRONG], timeout=180_000)
        assert self.wrong() == [], self.name
        self.page.wait_for_function(SHOWN, arg=widgets, timeout=30_000)  # else one is missing, or blank

    def run(self, *sources: str) -> None:
        """Run the cells that hold just this, and wait for them."""
        self.page.evaluate(RUN_SOME, sources)

    def wrong(self) -> list[str]:
        """What cells put on stderr, and their errors."""
        texts: list[str] = self.page.locator(WRONG).evaluate_all("all => all.map(e => e.textContent || e.outerHTML)")
        return texts

    def wear(self, width: int, theme: str) -> None:
        """Another width, in JupyterLab's light or dark theme, without the list of files beside it."""
        super().wear(width, theme)
        self.page.evaluate(
            """async (theme) => {
              const { commands, shell } = window.jupyterapp;
              shell.collapseLeft();
              await commands.execute("apputils:change-theme", { theme });
            }""",
            f"JupyterLab {theme.title()}",
        )
        light = "true" if theme == "light" else "false"
        self.page.wait_for_selector(f"body[data-jp-theme-light={light}]", state="attached")  # it has no height itself
        self.page.wait_for_timeout(300)  # what scrolls at this width is found
