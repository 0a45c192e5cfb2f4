"""What learners wait for, measured: a player, each notebook from first to last cell, the course from nothing."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

__all__ = ["PLAYER", "notebook_seconds", "seconds_to_the_course"]

ROOT = Path(__file__).resolve().parents[1]
_ADDRESS = re.compile(r"http://(?:localhost|127\.0\.0\.1):\d+/\S*")

# a Deployment of 40 Pods, and a thousand changes of them
PLAYER = """
    import json, random, time
    from k8sviz.history import About, History
    from k8sviz.show import told
    from k8sviz.views.frames import film
    from k8sviz.views.page import film_page

    rng = random.Random(7)
    history = History(About("bench", "40 Pods", "demo", "2026-01-01T00:00:00Z"))

    def made(kind, name, version, owner=None, **parts):
        meta = {"name": name, "namespace": "demo", "uid": kind + name, "resourceVersion": str(version)}
        if owner:
            meta["ownerReferences"] = [{"kind": owner, "name": "web", "uid": owner + "web", "controller": True}]
        return {"apiVersion": "v1" if kind == "Pod" else "apps/v1", "kind": kind, "metadata": meta, **parts}

    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "main", "image": "web:1"}]}}
    spec = {"replicas": 40, "selector": {"matchLabels": {"app": "web"}}, "template": template}
    history.append(0.0, "ADDED", made("Deployment", "web", 1, spec=spec, status={"replicas": 40}))
    history.append(0.0, "ADDED", made("ReplicaSet", "web", 1, "Deployment", spec=spec, status={"replicas": 40}))
    states = [{"waiting": {"reason": "ContainerCreating"}}, {"running": {}}, {"waiting": {"reason": "ErrImagePull"}}]
    for i in range(1000):
        ready = rng.random() < 0.7
        status = {"phase": "Running", "conditions": [{"type": "Ready", "status": str(ready)}], "containerStatuses": [
            {"name": "main", "ready": ready, "restartCount": i // 40, "state": rng.choice(states)}]}
        kind = "ADDED" if i < 40 else "MODIFIED"
        pod = made("Pod", f"web-{i % 40}", i, "ReplicaSet", spec=template["spec"], status=status)
        history.append(i * 0.1, kind, pod)
    begin = time.perf_counter()
    page = film_page(film(history, told("rollout", history)))
    print(json.dumps({"seconds": time.perf_counter() - begin, "bytes": len(page.encode())}))
"""


def notebook_seconds() -> Iterator[tuple[str, float]]:
    """Each notebook of the course, executed in a kernel of its own."""
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
            begin = time.perf_counter()
            done = subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "jupyter",
                    "nbconvert",
                    "--to",
                    "notebook",
                    "--execute",
                    str(path),
                    "--output-dir",
                    folder,
                ],
                capture_output=True,
                text=True,
                cwd=ROOT,
            )
            if done.returncode == 0:
                yield path.stem, time.perf_counter() - begin
            else:
                print(f"{path.name} failed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)


def seconds_to_the_course(deadline: float = 600.0) -> float | None:
    """`make course` in a fresh copy with empty caches, until JupyterLab answers; None when it never does."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "course"
        copy.mkdir()
        archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
        subprocess.run(["tar", "-x", "-C", copy], input=archive, check=True)
        caches = {"PIP_CACHE_DIR": f"{folder}/pip", "UV_CACHE_DIR": f"{folder}/uv", "BROWSER": "true"}
        with (Path(folder) / "said").open("wb") as said:
            begin = time.perf_counter()
            started = subprocess.Popen(
                ["make", "course", f"PYTHON={sys.executable}"],
                cwd=copy,
                stdout=said,
                stderr=said,
                env={**os.environ, **caches},
                start_new_session=True,
            )
            try:
                return _until_page(Path(folder) / "said", started, begin, deadline)
            finally:
                os.killpg(started.pid, signal.SIGTERM)
                started.wait(timeout=30)


def _until_page(said: Path, started: subprocess.Popen[bytes], begin: float, deadline: float) -> float | None:
    while time.perf_counter() - begin < deadline and started.poll() is None:
        found = _ADDRESS.search(said.read_text(errors="replace"))
        if found:
            try:
                with urllib.request.urlopen(found[0], timeout=5) as answer:  # noqa: S310 - our own server
                    if b"jupyter" in answer.read().lower():
                        return time.perf_counter() - begin
            except OSError:
                pass
        time.sleep(0.2)
    print(said.read_text(errors="replace")[-600:], file=sys.stderr)
    return None
