"""What makes it fast, counted: no heavy module at start, no work that grows faster than what it works on.

Times are measured by `make bench`; a count is the same on every machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from k8sviz.diagrams.kit.model import Diagram, Edge, Group, Node
from k8sviz.diagrams.stories.storage import storage
from k8sviz.history import About, History, Step
from k8sviz.render.layout import layout
from k8sviz.render.picture import render
from k8sviz.sources import recording
from tools.many import cluster, write_yaml

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {
    "IPython",
    "anywidget",
    "graphviz",
    "ipywidgets",
    "jupyterlab",
    "kubernetes",
    "matplotlib",
    "msgspec",
    "nbformat",
    "numpy",
    "pygraphviz",
    "resvg_py",
    "traitlets",
    "yaml",
}


def modules_after(code: str) -> set[str]:
    """The top-level modules that a fresh process has after some code."""
    code += "; import sys, json; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(json.loads(done.stdout.splitlines()[-1]))


def calls(work: Callable[[], Any]) -> int:
    """How many functions were called, Python's and C's, while some work was done."""
    count = 0

    def note(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


# -- starting ------------------------------------------------------------------------------------


def test_import_k8sviz_loads_nothing_heavy() -> None:
    loaded = modules_after("import k8sviz")
    assert "k8sviz" in loaded
    assert not loaded & HEAVY


@pytest.mark.parametrize(
    ("code", "may"),
    [
        ("from k8sviz.cli import main; main(['labs'])", {"yaml", "msgspec"}),
        (
            "import k8sviz; k8sviz.draw('storage', 'ch06-dynamic')",
            {"yaml", "msgspec", "graphviz", "pygraphviz", "resvg_py"},
        ),
        (
            "import k8sviz; print(k8sviz.draw('storage', 'ch06-dynamic'))",
            {"yaml", "msgspec", "graphviz", "pygraphviz", "resvg_py"},
        ),
        ("import k8sviz; k8sviz.Lab('ch06-dynamic').do_until('list-classes')", {"yaml", "msgspec"}),
        ("import k8sviz; str(k8sviz.why('pvc/lost-pvc', 'ch06-dynamic', at='pending'))", {"yaml", "msgspec"}),
    ],
)
def test_each_use_loads_only_what_it_needs(code: str, may: set[str]) -> None:
    assert modules_after(code) & HEAVY <= may, "kubernetes costs a second, matplotlib half of one"


def test_drawing_manifests_loads_only_what_reads_and_draws(tmp_path: Path) -> None:
    write_yaml(cluster(50), tmp_path / "50.yaml")
    arguments = ["draw", "overview", "-f", str(tmp_path / "50.yaml"), "-o", str(tmp_path / "50.svg")]
    loaded = modules_after(f"from k8sviz.cli import main; main({arguments!r})")
    assert loaded & HEAVY <= {"yaml", "graphviz", "pygraphviz"}


# -- histories -----------------------------------------------------------------------------------


def pod(name: str, version: int = 0) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "demo", "uid": name},
        "spec": {"n": version},
    }


def long_history(events: int, objects: int = 100) -> History:
    history = History()
    for i in range(events):
        history.append(i / 100, "ADDED" if i < objects else "MODIFIED", pod(f"p-{i % objects}", i))
    return history


def test_a_question_about_a_moment_costs_the_same_in_a_long_history() -> None:
    def ask(history: History) -> Callable[[], Any]:
        history.at(9.5).objects("Pod")  # what is sorted once is sorted now
        return lambda: (
            history.at(9.5).objects("Pod"),
            history.at(9.5).get("Pod", "p-7"),
            history.at(9.5).by_uid("p-7"),
        )

    assert calls(ask(long_history(20_000))) <= 1.1 * calls(ask(long_history(2_000)))


def test_appending_costs_the_same_however_long_the_history_is() -> None:
    short, long = long_history(1_000), long_history(20_000)
    assert calls(lambda: long.append(999, "MODIFIED", pod("p-1"))) == calls(
        lambda: short.append(999, "MODIFIED", pod("p-1"))
    )
    with_steps = History()
    for i in range(2_000):
        with_steps.begin_step(Step(float(i), str(i), "true"))
    one = History()
    assert calls(lambda: with_steps.begin_step(Step(9e9, "x", "true"))) <= 20 + calls(
        lambda: one.begin_step(Step(9e9, "x", "true"))
    )


def test_reading_parses_no_object_until_somebody_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.jsonl"
    recording.write(long_history(500), path)
    parsed: list[int] = []
    decode = recording._decode_object
    monkeypatch.setattr(recording, "_decode_object", lambda line: (parsed.append(1), decode(line))[1])
    history = recording.read(path)
    snapshot = history.at(3.0)
    assert not parsed, "opening and choosing a time cost nothing"
    assert snapshot.get("Pod", "p-7") is not None
    assert len(parsed) == 1, "one object was asked for, one is parsed"
    snapshot.objects()
    assert len(parsed) == 100
    snapshot.objects()
    history.at(3.0).objects()
    assert len(parsed) == 100, "what was parsed stays parsed"
    history.at(3.05).objects()
    assert len(parsed) <= 105, "the next moment parses only what changed"


def test_parsed_objects_do_not_pile_up_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("k8sviz.history._MOST_DECODED", 100)
    path = tmp_path / "x.jsonl"
    recording.write(long_history(1_000), path)
    history = recording.read(path)
    assert len(list(history)) == 1_000
    assert len(history._decoded) <= 100
    assert [e.object["spec"]["n"] for e in history] == list(range(1_000)), "what was dropped is parsed again"


# -- stories and pictures --------------------------------------------------------------------------


def crowd(count: int) -> History:
    """So many Pods of one StatefulSet, each with its claim and its volume."""
    owner = [{"kind": "StatefulSet", "name": "kubia", "uid": "set", "controller": True}]
    objects: list[dict[str, Any]] = []
    for i in range(count):
        one = pod(f"kubia-{i}")
        one["metadata"]["ownerReferences"] = owner
        uses = {"name": "data", "persistentVolumeClaim": {"claimName": f"data-kubia-{i}"}}
        container = {"name": "main", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
        one["spec"] = {"containers": [container], "volumes": [uses]}
        meta = {"name": f"data-kubia-{i}", "namespace": "demo", "uid": f"c{i}"}
        objects += [
            one,
            {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": {"volumeName": f"pv-{i}"}},
            {
                "apiVersion": "v1",
                "kind": "PersistentVolume",
                "metadata": {"name": f"pv-{i}"},
                "spec": {"claimRef": {"namespace": "demo", "name": f"data-kubia-{i}"}},
            },
        ]
    return History.of(objects, About(namespace="demo"))


def test_a_story_grows_no_faster_than_its_cluster() -> None:
    small, large = crowd(100).at(), crowd(400).at()
    for snapshot in (small, large):
        snapshot.objects()
        assert len(storage(snapshot).nodes) < 10
    assert calls(lambda: storage(large)) < 4.6 * calls(lambda: storage(small)), (
        "four times the Pods, four times the work"
    )


def large_diagram(size: int) -> Diagram:
    nodes = tuple(Node(f"n{i}", "Pod", f"pod-{i}", ("fact",), group=f"g{i // 2}") for i in range(size))
    edges = tuple(Edge(f"n{i}", f"n{i // 3}", "x", "words on it") for i in range(1, size))
    return Diagram("s", "t", nodes, edges, tuple(Group(f"g{i}", "Node", f"node-{i}") for i in range(size // 2)))


@pytest.mark.parametrize("form", ["svg", "text", "mermaid", "dot"])
def test_a_form_grows_no_faster_than_its_diagram(form: str) -> None:
    def draw(diagram: Diagram) -> Callable[[], Any]:
        def work() -> None:
            layout.cache_clear()
            render(diagram, form)

        return work

    small, large = large_diagram(600), large_diagram(2400)  # both too large for Graphviz
    render(small, form)
    assert calls(draw(large)) < 4.6 * calls(draw(small))


def test_a_picture_that_was_laid_out_is_not_laid_out_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from k8sviz.render import layout as layouts

    laid: list[str] = []
    graphviz = layouts._graphviz
    monkeypatch.setattr(layouts, "_graphviz", lambda source: (laid.append(source), graphviz(source))[1])
    layout.cache_clear()
    diagram = large_diagram(20)
    for theme in ("light", "dark"):
        for form in ("svg", "png", "text"):
            render(diagram, form, theme=theme)
    assert len(laid) == 1


# -- the bench itself ------------------------------------------------------------------------------


def test_the_bench_measures_and_says_what_it_measured() -> None:
    command = [sys.executable, "tools/bench.py", "--only", "history", "--events", "1500"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.returncode in (0, 1), done.stderr
    assert done.stderr == ""
    assert "1,500 events of" in done.stdout
    assert done.stdout.count("✓") + done.stdout.count("✗") == 6
    assert "promises kept" in done.stdout
