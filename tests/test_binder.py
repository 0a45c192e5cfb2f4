"""Binder: its packages are the project's, and all notebooks run in an environment made from binder/ alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import binder, links

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def test_its_packages_are_those_of_the_lock() -> None:
    assert binder.TARGET.read_text(encoding="utf-8") == binder.requirements(), "run: make binder"


def test_only_what_is_asked_for_comes_and_what_was_left_out_does_not() -> None:
    names = {line.split("==")[0] for line in binder.requirements().splitlines() if not line.startswith("#")}
    assert {"anywidget", "matplotlib", "numpy", "pygraphviz", "ipykernel", "jupyterlab-widgets"} <= names
    assert names.isdisjoint({*binder.LEFT_OUT, "pytest", "sphinx", "ruff", "oauthlib"})


def test_all_links_are_made_from_the_one_address() -> None:
    where = links.home()
    stale = [path.name for path in links.files() if links.fill(text := path.read_text("utf-8"), where) != text]
    assert stale == [], "run: make links"


def test_links_follow_the_address() -> None:
    where = links.Home("https://github.com/Someone/Else", "trunk")
    text = links.fill("x https://mybinder.org/v2/gh/OWNER/k8sviz/main?urlpath=lab/tree/notebooks/a.ipynb y", where)
    assert text == "x https://mybinder.org/v2/gh/Someone/Else/trunk?urlpath=lab/tree/notebooks/a.ipynb y"
    assert where.site == "https://someone.github.io/Else/"
    table = links.fill("<!-- chapters -->\nold\n<!-- /chapters -->", where)
    assert all(where.binder(path.name) in table for path in NOTEBOOKS)
    assert "old" not in table


def run(*command: str | Path, **more: object) -> None:
    done = subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload]
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A new environment as repo2docker makes it, offered to Jupyter as a kernel of its own."""
    home = tmp_path_factory.mktemp("binder")
    run(sys.executable, "-m", "venv", home / "venv")
    python = home / "venv" / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(*pip, "--requirement", "binder/requirements.txt")
    # what postBuild does; not as an editable, so that this checkout's own environment is left alone
    run(*pip, "--no-deps", ".")
    spec = home / "jupyter" / "kernels" / "binder"
    spec.mkdir(parents=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "binder", "language": "python"}))
    return {**os.environ, "JUPYTER_PATH": str(home / "jupyter"), "JUPYTER_DATA_DIR": str(home / "jupyter")}


@pytest.mark.ci
@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Binder runs Linux")
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_a_notebook_runs_there(notebook: Path, kernel: dict[str, str], tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "jupyter",
        "nbconvert",
        "--to",
        "notebook",
        "--execute",
        "--ExecutePreprocessor.kernel_name=binder",
    ]
    run(*command, "--output-dir", tmp_path, notebook, env=kernel)
    assert (tmp_path / notebook.name).is_file()
