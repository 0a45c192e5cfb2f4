"""The course, on a cluster: every notebook runs through with source=live, and says what this cluster cannot do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.cluster import Local

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
MOST = 900  # seconds; a command that waits for what this cluster lacks waits to its own end


def has_source(notebook: Path) -> bool:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return any("parameters" in c.get("metadata", {}).get("tags", []) for c in cells)


@pytest.mark.parametrize("notebook", [n for n in NOTEBOOKS if has_source(n)], ids=lambda n: n.stem)
def test_the_notebook_runs_through_live(notebook: Path, local: Local, tmp_path: Path) -> None:
    env = {
        **os.environ,
        "KUBECONFIG": str(local.kubeconfig),
        "K8SVIZ_CONTEXT": local.context,
        "K8SVIZ_KUBECTL": str(local.assets / "kubectl"),
    }
    out = tmp_path / notebook.name
    command = [sys.executable, "-m", "papermill", str(notebook), str(out), "-p", "source", "live"]
    done = subprocess.run(command, env=env, cwd=notebook.parent, capture_output=True, text=True, timeout=MOST)
    assert done.returncode == 0, done.stderr[-3000:]
    local.kubectl("delete", "namespace", "demo", "--ignore-not-found")
