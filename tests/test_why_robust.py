"""Nothing makes `why` fail, and nothing makes it tell a Secret."""

from __future__ import annotations

import base64
import functools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from k8sviz.history import About, History, Result, Step
from k8sviz.sources.recording import read
from k8sviz.why import Explanation, explain_snapshot, why

DATA = Path(__file__).parent.parent / "data" / "labs"
LABS = sorted(path.parent.name for path in DATA.glob("*/recording.jsonl"))


@functools.cache
def lab(name: str) -> History:
    return read(DATA / name / "recording.jsonl")


@pytest.mark.parametrize("name", LABS)
def test_nothing_in_the_recordings_is_unknown(name: str) -> None:
    history = lab(name)
    times = history.times()
    for t in times[:: max(1, len(times) // 60)]:
        for ref, found in explain_snapshot(history.at(t)).items():
            assert found.code != "unknown", (ref, t)
            assert found.evidence, (ref, t, found.code)
            assert found.subject == ref


@pytest.mark.parametrize("name", LABS)
def test_every_object_can_be_asked_about(name: str) -> None:
    history = lab(name)
    snapshot = history.at(history.end)
    for obj in snapshot:
        meta = obj["metadata"]
        if obj["kind"] == "Event":
            continue
        found = why(history, None, next(r for r in history.refs(obj["kind"]) if r.name == meta["name"]))
        assert str(found)
        json.dumps(found.to_json())


def places(thing: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    pairs = thing.items() if isinstance(thing, dict) else enumerate(thing) if isinstance(thing, list) else ()
    return [path, *(place for key, value in pairs for place in places(value, (*path, key)))]


def replaced(thing: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = dict(thing) if isinstance(thing, dict) else list(thing)
    copy[path[0]] = replaced(thing[path[0]], path[1:], value)
    return copy


MOMENTS = [
    ("ch06-binding-choice", "list-all"),
    ("ch06-dynamic", "immediate-events"),
    ("ch06-static-binding", "pvc-still-pending"),
    ("ch06-static-binding", "pod-pending"),
    ("ch06-hostpath-gitrepo", "gitrepo-events"),
    ("ch07-configmap-env", "config-error"),
    ("ch09-bad-version", "status"),
    ("ch09-pause-resume", "canary"),
    ("ch10-node-failure", "still-alive"),
    ("ch10-node-failure", "replacement"),
    ("ch10-unhealthy", "blocked"),
    ("ch10-static-volumes", "waiting"),
]
ODD = st.sampled_from(
    [None, True, 0, -1, 1.5, 10**40, "", "..", "{x}", "\x00", "\ud800", [], {}, [None], {"": None}, [[]]]
)


@functools.cache
def moment(name: str, step: str) -> list[dict[str, Any]]:
    history = lab(name)
    return list(history.at(history.time(step)))


@given(st.data())
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_field_of_a_wrong_kind_makes_it_fail(data: st.DataObject) -> None:
    objects = moment(*data.draw(st.sampled_from(MOMENTS)))
    for _ in range(data.draw(st.integers(1, 4))):
        which = data.draw(st.integers(0, len(objects) - 1))
        kept = {("kind",), ("apiVersion",), ("metadata",), ("metadata", "name"), ()}
        paths = [path for path in places(objects[which]) if path not in kept]
        changed = replaced(objects[which], data.draw(st.sampled_from(paths)), data.draw(ODD))
        objects = [*objects[:which], changed, *objects[which + 1 :]]
    about = About(namespace="demo", started_at="2026-11-23T09:00:00Z")
    for found in explain_snapshot(History.of(objects, about).at(0.0)).values():
        assert str(found).encode("utf-8", "replace")
        json.dumps(found.to_json())


@given(st.text(max_size=300), st.text(max_size=100), st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_no_output_of_a_command_makes_it_fail(stderr: str, stdout: str, code: int) -> None:
    assert str(step_told(stderr, stdout, code))


PIECES = st.sampled_from(
    [
        "is invalid: ",
        'The Pod "a" ',
        "spec.a: Required value",
        "Invalid value: {",
        "Forbidden",
        "\n",
        "* ",
        '"',
        "`",
        "json: cannot unmarshal ",
        "number into Go struct field ",
        "A.b of type string",
        "User ",
        " cannot list resource ",
        "Warning: ",
        "x509: ",
        "timed out waiting for the condition on ",
        "pods/",
        "{x}",
        "terminated with exit code ",
    ]
)


@given(st.lists(PIECES, max_size=12))
@settings(max_examples=300, deadline=None)
def test_no_broken_refusal_makes_it_fail(pieces: list[str]) -> None:
    assert str(step_told("".join(pieces), "", 1))


def step_told(
    stderr: str, stdout: str, code: int, *objects: dict[str, Any], command: str = "kubectl exec a"
) -> Explanation:
    history = History.of(objects, About(namespace="demo"))
    history.begin_step(Step(1.0, "it", command))
    history.end_step("it", Result(2.0, code, stdout, stderr))
    return why(history, None, "it")


# -- Secrets ------------------------------------------------------------------------------------------------

MARK = "s3cr3t-marker-value"
CODED = base64.b64encode(MARK.encode()).decode()


def secret(value: str = MARK) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "token",
            "namespace": "demo",
            "uid": "s",
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"data": {"key": CODED}})},
        },
        "data": {"key": base64.b64encode(value.encode()).decode()},
        "stringData": {"plain": value},
    }


def leaks(found: Explanation) -> bool:
    said = str(found) + json.dumps(found.to_json(), ensure_ascii=False) + repr(found)
    return MARK in said or CODED in said


def pod(**status: Any) -> dict[str, Any]:
    env = [{"name": "T", "valueFrom": {"secretKeyRef": {"name": "token", "key": "gone"}}}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "app", "namespace": "demo", "uid": "p"},
        "spec": {"nodeName": "n1", "containers": [{"name": "main", "env": env}]},
        "status": {"phase": "Pending", **status},
    }


def waiting(message: str) -> dict[str, Any]:
    state = {"waiting": {"reason": "CreateContainerConfigError", "message": message}}
    return {"containerStatuses": [{"name": "main", "state": state}]}


@pytest.mark.parametrize(
    "status",
    [
        waiting(f"something with {MARK} in it"),
        waiting(f"couldn't find key gone in Secret demo/token, it has {CODED}"),
        {"phase": "Failed", "reason": "Evicted", "message": f"it said {MARK}"},
        {
            "phase": "Running",
            "containerStatuses": [{"name": "main", "state": {"terminated": {"exitCode": 1, "message": MARK}}}],
        },
    ],
)
def test_a_secret_s_value_is_told_nowhere(status: dict[str, Any]) -> None:
    history = History.of([secret(), pod(**status)], About(namespace="demo"))
    assert not leaks(why(history, None, "pod/app"))
    assert not leaks(why(history, None, "secret/token"))
    assert not any(map(leaks, explain_snapshot(history.at(0.0)).values()))


@pytest.mark.parametrize(
    "stderr",
    [
        f"login failed with {MARK}\ncommand terminated with exit code 1",
        f'The Pod "a" is invalid: spec.x: Invalid value: "{MARK}": no',
        f"Warning: {MARK} is deprecated",
        f"bad header: {CODED}",
        f"sh: /etc/{MARK}: Read-only file system",
    ],
)
def test_a_step_s_output_is_told_without_the_secret(stderr: str) -> None:
    found = step_told(stderr, "", 1, secret())
    assert not leaks(found)
    assert "(hidden)" in str(found)


def test_the_lines_of_a_long_value_are_hidden_one_by_one() -> None:
    key = "-----BEGIN KEY-----\nQUJDREVGR0hJSktM\n-----END KEY-----\n"
    assert "QUJDREVGR0hJSktM" not in str(step_told("bad: QUJDREVGR0hJSktM", "", 1, secret(key)))


def test_a_value_that_is_also_a_name_stays_readable() -> None:
    found = step_told('Error from server (NotFound): pods "token" not found', "", 1, secret("token"))
    assert "pods/token" in found.summary
