"""Places and forms of planted values, tried on what is written for others to read: docs/safety.md has the figures."""

from __future__ import annotations

import base64
import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
import yaml

from k8sviz.history import About, History
from k8sviz.secrets.redact import redacted
from k8sviz.secrets.tokens import denied

MARK = "pLaNtEd-s3cr3t-Zq9"
Object = dict[str, Any]


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def made(kind: str, **parts: Any) -> Object:
    meta = {"name": kind.lower(), "namespace": "demo", **parts.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": kind, "metadata": meta, **parts}


def pod(**spec: Any) -> Object:
    return made("Pod", spec={"containers": [{"name": "main", "image": "busybox:1.36", **spec.pop("main", {})}], **spec})


def status(**state: Any) -> Object:
    return made("Pod", status={"containerStatuses": [{"name": "main", "state": state}]})


def applied(obj: Object) -> Object:
    notes = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(obj)}
    return {**obj, "metadata": {**obj["metadata"], "annotations": notes}}


# where people and programs put values that nothing promises to be harmless; the second name tells what it holds
PLACES: dict[str, Callable[[str], Object]] = {
    "ConfigMap, a key": lambda v: made("ConfigMap", data={"settings": v}),
    "ConfigMap, a telling key": lambda v: made("ConfigMap", data={"db-password": v}),
    "ConfigMap, binaryData": lambda v: made("ConfigMap", binaryData={"blob": b64(v)}),
    "ConfigMap, last applied": lambda v: applied(made("ConfigMap", data={"apiToken": v})),
    "Secret, data": lambda v: made("Secret", data={"x": b64(v)}),
    "Secret, stringData": lambda v: made("Secret", stringData={"x": v}),
    "Secret, last applied": lambda v: applied(made("Secret", stringData={"x": v})),
    "variable": lambda v: pod(main={"env": [{"name": "LEVEL", "value": v}]}),
    "variable, a telling name": lambda v: pod(main={"env": [{"name": "DB_PASSWORD", "value": v}]}),
    "init container's variable": lambda v: pod(
        initContainers=[{"name": "i", "env": [{"name": "API_KEY", "value": v}]}]
    ),
    "argument": lambda v: pod(main={"args": ["serve", v]}),
    "argument of a telling flag": lambda v: pod(main={"args": ["--auth-token", v]}),
    "command": lambda v: pod(main={"command": ["sh", "-c", f"exec app {v}"]}),
    "probe's command": lambda v: pod(main={"livenessProbe": {"exec": {"command": ["check", v]}}}),
    "probe's path": lambda v: pod(main={"readinessProbe": {"httpGet": {"port": 80, "path": f"/up?token={quote(v)}"}}}),
    "probe's header": lambda v: pod(
        main={"readinessProbe": {"httpGet": {"port": 80, "httpHeaders": [{"name": "X-Api-Key", "value": v}]}}}
    ),
    "lifecycle hook": lambda v: pod(main={"lifecycle": {"postStart": {"exec": {"command": ["init", v]}}}}),
    "working directory": lambda v: pod(main={"workingDir": f"/srv/{v}"}),
    "host aliases": lambda v: pod(hostAliases=[{"ip": "10.0.0.1", "hostnames": [v]}]),
    "annotation": lambda v: made("Pod", metadata={"annotations": {"example.com/note": v}}),
    "annotation, a telling key": lambda v: made("Pod", metadata={"annotations": {"example.com/webhook-secret": v}}),
    "change cause": lambda v: made("Deployment", metadata={"annotations": {"kubernetes.io/change-cause": v}}),
    "Pod template's variable": lambda v: made(
        "Deployment",
        spec={"template": {"spec": {"containers": [{"name": "m", "env": [{"name": "TOKEN", "value": v}]}]}}},
    ),
    "revision's variable": lambda v: made(
        "ControllerRevision",
        data={"spec": {"template": {"spec": {"containers": [{"name": "m", "env": [{"name": "KEY", "value": v}]}]}}}},
    ),
    "label": lambda v: made("Pod", metadata={"labels": {"note": v}}),
    "Event's message": lambda v: made("Event", reason="Failed", message=f"Error: cannot log in with {v}"),
    "Event's message, quoted": lambda v: made("Event", reason="Failed", message=f'invalid credential "{v}"'),
    "probe's output": lambda v: made("Event", reason="Unhealthy", message=f"Readiness probe failed: {v}"),
    "condition's message": lambda v: made(
        "Deployment", status={"conditions": [{"type": "Available", "status": "False", "message": f"got {v}"}]}
    ),
    "termination message": lambda v: status(terminated={"reason": "Error", "exitCode": 1, "message": f"panic: {v}"}),
    "waiting message": lambda v: status(waiting={"reason": "CrashLoopBackOff", "message": f"back-off {v}"}),
    "custom resource": lambda v: made("Database", spec={"settings": [{"host": v}]}),
    "custom resource, a telling field": lambda v: made("Database", spec={"adminPassword": v}),
    "class parameters": lambda v: made("StorageClass", parameters={"restUserKey": v}),
    "mount options": lambda v: made("PersistentVolume", spec={"mountOptions": [f"password={v}"]}),
    "volume attributes": lambda v: made(
        "PersistentVolume", spec={"csi": {"driver": "d.io", "volumeAttributes": {"secret": v}}}
    ),
    "flexVolume options": lambda v: pod(volumes=[{"name": "f", "flexVolume": {"driver": "x", "options": {"pw": v}}}]),
}

FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "base64": b64,
    "base64 of base64": lambda v: b64(b64(v)),
    "hexadecimal": lambda v: v.encode().hex(),
    "gzip": lambda v: base64.b64encode(gzip.compress(v.encode(), mtime=0)).decode(),
    "glued": lambda v: f"x{v}y",
    "URL with a user": lambda v: f"postgres://me:{v}@db.example.com/app",
    "URL, escaped": lambda v: f"https://x/?a={quote(v, safe='')}&b=1",
    "JSON": lambda v: json.dumps({"user": "me", "password": v}),
    "JSON in JSON": lambda v: json.dumps(json.dumps({"password": v})),
    "JSON, escaped": lambda v: '{"a": "' + "".join(f"\\u{ord(c):04x}" for c in v) + '"}',
    "YAML": lambda v: yaml.safe_dump({"db": {"password": v}}),
    "Secret's manifest": lambda v: f"kind: !!str Secret\nstringData:\n  a: {v}\n",
    "settings": lambda v: f"[db]\nuser = me\npassword = {v}\n",
    "shell": lambda v: f"export DB_PASSWORD='{v}'; run --token={v}",
    "header": lambda v: f"Authorization: Bearer {v}",
    "lines": lambda v: f"{v[:9]}\\\n  {v[9:]}",
    "invisibles": lambda v: "\u200b".join(v),
    "XML": lambda v: f"<password>{v}</password>",
    "connection string": lambda v: f"Server=db;User Id=me;Password={v};",
}


def history(*objects: Object) -> History:
    found = History(About("x", "x", "demo"))
    for t, obj in enumerate(objects):
        found.append(float(t), "ADDED", obj)
    return found


def leaves(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from map(str, value)
        value = list(value.values())
    for one in value if isinstance(value, list) else ():
        yield from leaves(one)
    if isinstance(value, str):
        yield value


def undone(text: str, deep: int = 3) -> Iterator[str]:
    """What a reader finds who undoes what was done, one way after the other; told without the project's own code."""
    yield text
    if not deep:
        return
    tight = re.sub(r"[\s\u200b\\]", "", text)
    further = {tight, unquote(text), re.sub(r"\\u([0-9a-f]{4})", lambda m: chr(int(m[1], 16)), text)}
    for run in re.findall(r"[A-Za-z0-9+/_-]{12,}", tight):
        for shift in range(4):
            piece = run[shift:].translate(str.maketrans("-_", "+/"))
            raw = base64.b64decode(piece[: len(piece) // 4 * 4])
            further.add(raw.decode("utf-8", "ignore"))
            at = raw.find(b"\x1f\x8b\x08")
            if at >= 0:
                further.add(zlib.decompressobj(31).decompress(raw[at:]).decode())
    further |= {
        bytes.fromhex(run[: len(run) // 2 * 2]).decode("latin-1") for run in re.findall(r"[0-9a-f]{12,}", tight)
    }
    for one in further - {text}:
        yield from undone(one, deep - 1)


def says(shared: History) -> bool:
    return any(MARK[:14] in one for event in shared for text in leaves(event.object) for one in undone(text))


CASES = [(place, form) for place in PLACES for form in FORMS]


def found(share: Callable[[History], History], *others: Object) -> set[tuple[str, str]]:
    """The cases in which a reader of what is shared finds the value."""
    return {
        (place, form)
        for place, form in CASES
        if says(share(history(PLACES[place](FORMS[form](MARK)), *(dict(other) for other in others))))
    }


def test_the_search_finds_what_is_not_hidden() -> None:
    assert len(CASES) >= 700
    assert found(lambda shared: shared) == set(CASES)


def test_by_default_none_is_found() -> None:
    assert found(denied) == set()


def test_with_values_none_is_found_that_a_secret_holds() -> None:
    assert found(redacted, made("Secret", metadata={"name": "known"}, data={"x": b64(MARK)})) == set()


def test_with_values_what_a_name_tells_is_not_found() -> None:
    """Nothing but the names beside it says what it is; the rest is what `--values` is asked to keep."""
    left = found(redacted)
    telling = {
        place
        for place in PLACES
        if re.search("telling|Secret|init|template|TOKEN|header|path|options|attributes", place)
    }
    named = {
        "JSON",
        "JSON in JSON",
        "YAML",
        "Secret's manifest",
        "settings",
        "shell",
        "URL with a user",
        "XML",
        "header",
    }
    assert {(place, form) for place, form in left if place in telling} == set()
    assert {(place, form) for place, form in left if form in named} == set()
    page = (Path(__file__).parents[1] / "docs" / "safety.md").read_text()
    assert f"| `record --values`, named only by what stands beside it | {len(CASES)} | {len(left)} |" in page


@pytest.mark.parametrize("line", ["| `record` | {n} | 0 |", "| `record --values`, a Secret holds it | {n} | 0 |"])
def test_the_page_has_these_figures(line: str) -> None:
    page = (Path(__file__).parents[1] / "docs" / "safety.md").read_text()
    assert line.format(n=len(CASES)) in page
