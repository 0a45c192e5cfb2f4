"""What `record` writes of a namespace: tokens for all values, and pictures and reasons as before."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from k8sviz.cli import main
from k8sviz.diagrams import story
from k8sviz.errors import K8svizError
from k8sviz.history import About, History, Snapshot
from k8sviz.secrets.tokens import KEPT, Tokens, denied
from k8sviz.sources.labs import lab_names, load_lab
from k8sviz.sources.recording import read, write
from k8sviz.stories import STORIES
from k8sviz.why import explain_snapshot


def shape(history: History, snapshot: Snapshot, name: str) -> object:
    """A picture without its texts: what there is, in which state, and what hangs together."""
    try:
        diagram = story(name, history)(snapshot)
    except K8svizError as error:
        return str(error)
    nodes = [(node.id, node.kind, node.state) for node in diagram.nodes]
    return nodes, [(edge.source, edge.target, edge.relation) for edge in diagram.edges], [g.id for g in diagram.groups]


# what a picture knows from the words of a command, or from a value: its parts may be fewer
VALUES_TELL = {("ch07-args-env", "config"), ("ch07-configmap-volume", "config"), ("ch08-api-from-pod", "access")}


@pytest.mark.parametrize("lab", lab_names())
def test_pictures_and_reasons_are_the_same(lab: str) -> None:
    recorded = read(load_lab(lab).recording)
    made = denied(recorded)
    assert (made.about.secret_values, made.about.values) == ("redacted", "tokens")
    for t in [*(recorded.settled(step.id) for step in recorded.steps), recorded.end][::3]:
        before, after = recorded.at(t), made.at(t)
        assert {ref: why.code for ref, why in explain_snapshot(after).items()} == {
            ref: why.code for ref, why in explain_snapshot(before).items()
        }
        for name in STORIES:
            if (lab, name) not in VALUES_TELL:
                assert shape(made, after, name) == shape(recorded, before, name), (name, t)


def of(*objects: dict[str, Any]) -> History:
    history = History(About("x", "x", "demo"))
    for t, obj in enumerate(objects):
        history.append(float(t), "ADDED", obj)
    return history


def config(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "demo"}, "data": data}


def test_tokens_keep_length_and_equality() -> None:
    values = {"a": "blue", "b": "green", "c": "blue", "d": "two\nlines äöü"}
    raw = base64.b64encode(b"blue").decode()
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "demo"}, "data": {"x": raw}}
    first, other = (e.object for e in denied(of(config(**values), secret)))
    data = first["data"]
    assert {key: len(value.encode()) for key, value in data.items()} == {k: len(v.encode()) for k, v in values.items()}
    assert data["a"] == data["c"] != data["b"]
    assert base64.b64decode(other["data"]["x"]).decode() == data["a"]
    assert not set(data.values()) & set(values.values())


def test_every_recording_has_a_key_of_its_own() -> None:
    assert Tokens().text("a value of some length") != Tokens().text("a value of some length")
    tokens = Tokens()
    assert len({tokens.text(f"{n:03}") for n in range(1000)}) == 1000


def test_what_selects_selects_still() -> None:
    labels = {"app": "web", "planted": "pLaNtEd-9"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "demo", "labels": labels}}
    meta = {"name": "s", "namespace": "demo"}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"selector": labels}}
    made = denied(of(pod, service))
    found, selecting = (event.object for event in made)
    assert found["metadata"]["labels"] == selecting["spec"]["selector"]
    assert found["metadata"]["labels"]["app"] == "web"
    assert "pLaNtEd" not in json.dumps([event.object for event in made])


def test_a_custom_resource_keeps_its_name_and_keys() -> None:
    made = {"apiVersion": "x.io/v1", "kind": "Db", "metadata": {"name": "d", "namespace": "demo"}}
    (event,) = denied(of({**made, "spec": {"replicas": 4711, "host": "pLaNtEd-9", "on": True}}))
    spec = event.object["spec"]
    assert event.object["metadata"] == made["metadata"]
    assert spec["on"] is True
    assert spec["replicas"] != 4711
    assert 1000 <= spec["replicas"] <= 9999
    assert len(spec["host"]) == len("pLaNtEd-9")
    assert spec["host"] != "pLaNtEd-9"


def test_it_can_be_asked_for_and_is_written_and_read_again(tmp_path: Path) -> None:
    write(of(config(color="pLaNtEd-9")), tmp_path / "kept.jsonl")
    assert main(["redact", "--tokens", str(tmp_path / "kept.jsonl"), "-o", str(tmp_path / "shared.jsonl")]) in (0, None)
    made = read(tmp_path / "shared.jsonl")
    assert (made.about.secret_values, made.about.values) == ("redacted", "tokens")
    assert "pLaNtEd" not in (tmp_path / "shared.jsonl").read_text()
    assert main(["redact", str(tmp_path / "shared.jsonl"), "-o", str(tmp_path / "again.jsonl")]) in (0, None)
    assert (tmp_path / "again.jsonl").read_text() == (tmp_path / "shared.jsonl").read_text()


def test_the_schema_names_only_parts_that_there_are() -> None:
    paths = [path for paths in (*KEPT["parts"].values(), *KEPT["kinds"].values()) for path in paths]
    ways = {path.partition("=")[2] for path in paths} - {""}
    assert {way[1:] for way in ways if way.startswith("@")} <= set(KEPT["parts"])
    assert {way for way in ways if not way.startswith("@")} == {
        "labels",
        "annotations",
        "message",
        "words",
        "expression",
    }
