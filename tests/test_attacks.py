"""Small hostile inputs, and variations of each kind, through all commands: a right result or one line, soon."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from k8sviz.cli import main
from k8sviz.stories import STORIES

FILES = sorted(path for path in (Path(__file__).parent / "attacks").iterdir() if path.suffix != ".md")
SECRET = "hunter2"
STEERING = set("\x1b\x07\x00\r\x9b\u202e\u2066\u200b\ufeff")
NAMES = [
    *("a b", "a\nb", "a\tb", "\x1b[2J", "\u202eevil", "a\u200bb", "😀" * 9, "a\x00b", "\ud800", "中" * 300),
    *("-", "..", "/", '"', "{x}"),
]
MANY = range(40)


def pod(pod_name: str = "p", **container: Any) -> dict[str, Any]:
    spec = {"containers": [{"name": "m", "image": "x", **container}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod_name, "namespace": "demo"}, "spec": spec}


def config_map(keys: int, name: str = "c") -> dict[str, Any]:
    data = {f"k{i}": "v" for i in range(keys)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "demo"}, "data": data}


def nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = {"a": [value]}
    return value


def tripled(count: int) -> list[dict[str, str]]:
    rest = [{"name": f"E{i}", "value": f"$(E{i - 1})$(E{i - 1})$(E{i - 1})"} for i in range(1, count)]
    return [{"name": "E0", "value": "x" * 100}, *rest]


def workload(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "m", "image": "x"}]}}
    full = {"selector": {"matchLabels": {"app": "x"}}, "template": template, "serviceName": name, **spec}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": "demo"}, "spec": full}


VARIATIONS: dict[str, list[Any]] = {
    "variables that triple": [pod(env=tripled(200))],
    "arguments that multiply": [pod(env=[{"name": "A", "value": "x" * 100_000}], args=["$(A)$(A)"] * 2000)],
    "a subPathExpr that multiplies": [
        pod(
            env=tripled(40),
            volumeMounts=[{"name": "v", "mountPath": f"/{i}", "subPathExpr": "$(E39)"} for i in range(40)],
        )
    ],
    "prefixes": [
        config_map(300),
        pod(envFrom=[{"prefix": f"P{i}_", "configMapRef": {"name": "c"}} for i in range(40)]),
    ],
    "ten thousand keys": [config_map(10_000), pod(envFrom=[{"configMapRef": {"name": "c"}}])],
    "many keys by name": [
        config_map(2000),
        pod(
            env=[
                {"name": f"V{i}", "valueFrom": {"configMapKeyRef": {"name": "c", "key": f"k{i}"}}} for i in range(2000)
            ]
        ),
    ],
    "many containers": [{**pod(), "spec": {"containers": [{"name": f"m{i}", "image": "x"} for i in range(5000)]}}],
    "many Pods with many containers": [
        config_map(30),
        *(
            {
                **pod(f"p{n}"),
                "spec": {
                    "containers": [{"name": f"m{i}", "envFrom": [{"configMapRef": {"name": "c"}}]} for i in range(10)]
                },
            }
            for n in range(60)
        ),
    ],
    "long annotations": [
        {**pod(), "metadata": {"name": "p", "annotations": {f"a{i}": "x" * 1000 for i in range(1000)}}}
    ],
    "deep nesting": [{**pod(), "spec": {**pod()["spec"], "affinity": nested(60)}}],
    "too deep nesting": [{**pod(), "spec": nested(5000)}],
    "lists in lists": [{**pod(), "spec": {"containers": [[[[{"name": "m"}]]]], "volumes": [[1], None, {"name": [1]}]}}],
    "huge numbers": [workload("Deployment", "d", replicas=10**18), workload("StatefulSet", "s", replicas=2**62)],
    "numbers that are none": [workload("Deployment", "d", replicas=1e308), workload("StatefulSet", "s", replicas=-5)],
    "gigantic times": [{**pod(), "metadata": {"name": "p", "creationTimestamp": "999999999-99-99T99:99:99Z"}}],
    **{
        f"name {ascii(name)[:20]}": [
            pod(name),
            pod("q", name=name, env=[{"name": name, "value": name}], args=[name]),
            workload("StatefulSet", name),
            workload("Deployment", name),
            {**config_map(1, name), "data": {name: name}},
        ]
        for name in NAMES
    },
}
COMMANDS = (
    ["check"],
    ["why"],
    ["why", "pod/p"],
    ["inspect", "pod/p"],
    ["inspect", "pod/p", "--json"],
    ["users", "configmap/c"],
    ["predict", "env"],
    ["predict", "files"],
    ["predict", "env", "--json"],
    ["predict", "binding"],
    ["predict", "rollout"],
    ["predict", "stateful"],
    *(["draw", story] for story in STORIES),
)


def written(objects: list[Any]) -> str:
    """The objects as JSON, also those that Python's own writer cannot nest so deeply."""
    try:
        return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    except RecursionError:
        deep = '{"a":[' * 5000 + "1" + "]}" * 5000
        return json.dumps({"apiVersion": "v1", "kind": "List", "items": [{**objects[0], "spec": "HERE"}]}).replace(
            '"HERE"', deep
        )


def run(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """One command: it ends soon, well, and shows nothing that it must not."""
    begun = time.process_time()
    try:
        code: object = main(words)
    except SystemExit as stop:
        code = stop.code
    took = time.process_time() - begun
    out, err = capsys.readouterr()
    shown = " ".join(words)[-120:]
    assert code in (0, 1, 2), (shown, err)
    assert code != 2 or err.count("\n") == 1, (shown, err)
    assert "Traceback" not in err, (shown, err)
    assert not STEERING & set(out + err), shown
    # a picture shows keys and types, whatever they are called; nothing else may be told of what a Secret holds
    assert (SECRET if words[0] != "draw" else "aHVudGVy") not in out + err, shown
    assert took < 4, f"{shown} took {took:.1f} s"  # two seconds on a machine of its own


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_attack_ends_well_in_every_command(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if file.suffix == ".jsonl":
        run(["play", str(file), "-o", str(tmp_path / "x.html")], capsys)
        run(["redact", str(file), "-o", str(tmp_path / "x.jsonl")], capsys)
        for words in (["why"], ["why", "pod/good"], *(["draw", story] for story in STORIES)):
            run([*words, str(file)], capsys)
    else:
        for words in COMMANDS:
            run([*words, "-f", str(file)], capsys)


@pytest.mark.slow
@pytest.mark.parametrize("kind", VARIATIONS)
def test_each_variation_ends_well_in_every_command(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.json"
    file.write_text(written(VARIATIONS[kind]))
    for words in COMMANDS:
        run([*words, "-f", str(file)], capsys)


WRONG: tuple[Any, ...] = (None, 5, -1, 1e300, "x", [], {}, [None], {"a": 1}, True, "\x1b[2J", 10**30)


@pytest.mark.parametrize("wrong", WRONG, ids=ascii)
def test_a_recording_with_a_wrong_type_in_any_field_ends_well(
    wrong: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows: list[dict[str, Any]] = [
        {
            "format": "k8sviz.recording/v1",
            "name": "x",
            "title": "x",
            "namespace": "demo",
            "server": {"gitVersion": "v1"},
        },
        {
            "t": 0,
            "type": "ADDED",
            "object": {**pod(), "status": {"phase": "Running", "conditions": [{"type": "Ready"}]}},
        },
        {"t": 1, "type": "STEP", "id": "s", "command": "kubectl get pod", "files": {"a": "b"}, "about": "x"},
        {"t": 2, "type": "RESULT", "id": "s", "exitCode": 1, "stdout": "a", "stderr": "b"},
        {"t": 3, "type": "END"},
    ]
    file = tmp_path / "x.jsonl"
    for number, row in enumerate(rows):
        for path in paths(row):
            broken = json.loads(json.dumps(rows))
            inside = broken[number]
            for part in path[:-1]:
                inside = inside[part]
            inside[path[-1]] = wrong
            file.write_text("".join(json.dumps(each) + "\n" for each in broken))
            run(["why", str(file)], capsys)
            run(["draw", "overview", str(file)], capsys)


def paths(value: Any, before: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something stands in a value."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, part in parts for path in [(*before, key), *paths(part, (*before, key))]]


@pytest.mark.parametrize("ending", ["\r\n", "\r", "\n\r", "\u2028", "\x85"])
def test_mixed_line_endings_end_well(ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: m\n    image: x\n"
    mixed = "".join(line + (ending if i % 2 else "\n") for i, line in enumerate(text.split("\n")))
    (tmp_path / "x.yaml").write_bytes(mixed.encode())
    for words in (["check"], ["draw", "overview"], ["predict", "env"]):
        run([*words, "-f", str(tmp_path / "x.yaml")], capsys)
