"""`k8sviz course`: what it would run, and that it never replaces a learner's work."""

import importlib.util
import os
import shutil
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.sign import NotebookNotary

from k8sviz import course
from k8sviz.errors import K8svizError


def notebook(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text)]), path)
    return path


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package folder as a wheel installs it, and a working folder elsewhere."""
    source = tmp_path / "site" / "k8sviz" / "_notebooks"
    notebook(source / "00-start.ipynb", "1")
    notebook(source / "06-volumes.ipynb", "6")
    monkeypatch.setattr(course, "__file__", str(source.parent / "course.py"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    return source


def test_from_a_wheel_it_copies_trusts_and_serves(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(course, "_serve", lambda command: ran.append(command) or 0)
    assert course.main(["--no-browser", "--port", "9999"]) == 0
    mine = Path("k8sviz-course")
    assert {path.name for path in mine.iterdir()} == {"00-start.ipynb", "06-volumes.ipynb"}
    assert all(NotebookNotary().check_signature(nbformat.read(path, as_version=4)) for path in mine.iterdir())
    assert ran[0][:3] == [sys.executable, "-m", "jupyterlab"]
    assert "--LabApp.default_url=/lab/tree/00-start.ipynb" in ran[0]
    assert {"--no-browser", "--ServerApp.port=9999", "--LabApp.news_url=None"} <= set(ran[0])


def test_a_learners_files_stay(wheel: Path) -> None:
    mine = Path("k8sviz-course")
    changed = notebook(mine / "06-volumes.ipynb", "my answer").read_bytes()
    assert course.copy_missing(wheel, mine) == [mine / "00-start.ipynb"]
    assert (mine / "06-volumes.ipynb").read_bytes() == changed
    assert course.copy_missing(wheel, mine) == []


def test_without_jupyterlab_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(K8svizError, match=r'pip install "k8sviz\[course\]"'):
        course.main([])


def test_without_notebooks_it_says_where_it_looked(wheel: Path) -> None:
    shutil.rmtree(wheel)
    with pytest.raises(K8svizError, match="no notebooks beside"):
        course.bundled()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="there is no root here")
@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1000, False)])
def test_root_needs_leave(user: int, allowed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    command = course.server_command(tmp_path, "localhost", 8888, browser=True)
    assert ("--allow-root" in command) is allowed
    assert "--LabApp.default_url=/lab" in command
    assert "--no-browser" not in command
