# ruff: noqa: E501 - tables of input
"""Makes hostile input: real objects and recordings, broken in every way that files and clusters can be broken."""

from __future__ import annotations

import copy
import functools
import json
import random
from collections.abc import Iterator
from typing import Any

from k8sviz.sources import manifests
from k8sviz.sources.labs import data_dir, lab_names, load_lab
from k8sviz.sources.recording import read

MARKUP = (
    "<script>window.hacked=1</script>",
    '"><img src=x onerror=window.hacked=1>',
    "'><svg onload=window.hacked=1>",
    "</text></svg><script>window.hacked=1</script>",
    "]]><script>window.hacked=1</script>",
    "--><b>x</b><!--",
    "javascript:window.hacked=1",
    "&lt;script&gt;",
    "&#60;script&#62;",
    "<<b>x</b>>",
    "\\N\\G\\l",
    'a\\"b',
    'n0"]; click n0 href "javascript:window.hacked=1"; n1["',
    "end\n  subgraph x",
    "%%{init: {}}%%",
    "`${window.hacked=1}`",
    "</style><script>window.hacked=1</script>",
    "</template><script>window.hacked=1</script>",
)
WORDS = (
    *MARKUP,
    "",
    " ",
    "\n",
    "a\nb\r\nc",
    "\t",
    "\x00",
    "\x1b[2J\x1b]0;x\x07",
    "\u202eevil\u202c",
    "\u200b\u200d\ufeff",
    "\u2066x",
    "\ud800",
    "\U0001f600\U0001f3fd",
    "e\u0301" * 40,
    "中文名字",
    "\u0627\u0644",
    "'",
    '"',
    "\\",
    "/",
    "..",
    "../../etc/passwd",
    "{x}",
    "{0.__class__}",
    "{",
    "}",
    "%s",
    "$(A)",
    "$$(A)",
    "$(A",
    "-",
    "0",
    "-1",
    "1e999",
    "nan",
    "NaN",
    "9" * 400,
    "x" * 300,
    "a/b",
    "a,b=c",
    "key in (",
    "!",
    "*",
    "None",
    "true",
    "50%",
    "-5%",
    "1000000000%",
    "10Ei",
    "1e400Gi",
    "2026-13-99T99:99:99Z",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z",
)
ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    -0.0,
    10**40,
    2**63,
    1e308,
    [],
    {},
    [None],
    [[]],
    {"": None},
    {"a": {"a": {"a": []}}},
    [{}],
    ["x"],
    [1, "a", None],
    {"name": []},
    {"kind": 5},
    {"matchLabels": 7},
    {"matchExpressions": [{}]},
)
VERBS = ("ADDED", "MODIFIED", "DELETED")
Object = dict[str, Any]


@functools.cache
def seeds() -> tuple[tuple[Object, ...], ...]:
    """Small clusters: each lab in the middle and at its end, and every manifest of the course."""
    found = []
    for name in lab_names():
        history = read(load_lab(name).recording)
        moments = (history.at(history.end / 3), history.at(history.end))
        found += [tuple(o for o in moment if o.get("kind") != "Event")[:24] for moment in moments]
    for file in sorted(data_dir().glob("labs/*/*.yaml")):
        if file.name != "lab.yaml":
            try:
                found.append(tuple(manifests.parse(file.read_text())))
            except manifests.ManifestError:
                continue
    return tuple(f for f in found if f)


@functools.cache
def texts() -> tuple[str, ...]:
    """Manifests as they are written."""
    return tuple(f.read_text() for f in sorted(data_dir().glob("labs/*/*.yaml")) if f.stat().st_size < 20_000)


@functools.cache
def recordings() -> tuple[bytes, ...]:
    """Pieces of recordings: the header, some lines, the end."""
    found = []
    for name in lab_names():
        lines = load_lab(name).recording.read_bytes().splitlines(keepends=True)
        found += [b"".join([lines[0], *lines[i : i + 12], lines[-1]]) for i in range(1, len(lines), 40)]
    return tuple(found)


def places(thing: Any) -> Iterator[tuple[Any, Any]]:
    """Every container with one of its keys."""
    todo = [thing]
    while todo:
        one = todo.pop()
        keys = list(one) if isinstance(one, dict) else list(range(len(one))) if isinstance(one, list) else []
        for key in keys:
            yield one, key
            todo.append(one[key])


def word(chance: random.Random) -> str:
    """A hostile word."""
    return chance.choice(WORDS) + (chance.choice(WORDS) if chance.random() < 0.2 else "")


def deep(chance: random.Random) -> Any:
    """Something nested far."""
    found: Any = word(chance)
    for _ in range(chance.choice((5, 60, 190))):
        found = [found] if chance.random() < 0.5 else {chance.choice(("a", "spec", "metadata", "items")): found}
    return found


def value(chance: random.Random) -> Any:
    """A value where another was expected."""
    kind = chance.random()
    return word(chance) if kind < 0.6 else deep(chance) if kind > 0.97 else copy.deepcopy(chance.choice(ODD))


def objects(chance: random.Random, most: int = 12) -> list[Object]:
    """A small cluster, with something wrong in it."""
    found = list(copy.deepcopy(chance.choice(seeds())))
    chance.shuffle(found)
    found = found[: chance.randrange(1, most + 1)]
    for _ in range(chance.choice((0, 1, 1, 2, 3, 6, 20))):
        _CHANGES[chance.randrange(len(_CHANGES))](found, chance)
    return [one for one in found if isinstance(one, dict)]


def _put(found: list[Object], chance: random.Random) -> None:
    where = list(places(found))
    inside, key = where[chance.randrange(len(where))] if where else (found, 0)
    if where and inside is not found:
        inside[key] = value(chance)


def _drop(found: list[Object], chance: random.Random) -> None:
    where = [(i, k) for i, k in places(found) if i is not found]
    if where:
        inside, key = chance.choice(where)
        del inside[key]


def _rename(found: list[Object], chance: random.Random) -> None:
    """A key of a mapping gets a hostile name."""
    where = [(i, k) for i, k in places(found) if isinstance(i, dict)]
    if where:
        inside, key = chance.choice(where)
        inside[word(chance)] = inside.pop(key)


def _name(found: list[Object], chance: random.Random) -> None:
    """An object's name, and wherever it is written."""
    named = [o for o in found if isinstance(o, dict) and isinstance(o.get("metadata"), dict)]
    if not named:
        return
    old = chance.choice(named)["metadata"].get("name")
    new = word(chance)
    for inside, key in list(places(found)):
        if inside[key] == old and isinstance(old, str):
            inside[key] = new


def _label(found: list[Object], chance: random.Random) -> None:
    one = chance.choice(found) if found else {}
    meta = one.get("metadata") if isinstance(one, dict) else None
    if isinstance(meta, dict):
        meta[chance.choice(("labels", "annotations"))] = {word(chance): word(chance), word(chance): value(chance)}


def _owner(found: list[Object], chance: random.Random) -> None:
    """Owners in circles, of themselves, gone, without uid."""
    named = [o for o in found if isinstance(o, dict) and isinstance(o.get("metadata"), dict)]
    for one in named[: chance.randrange(1, 5)]:
        other = chance.choice(named)
        meta = other["metadata"]
        owner = {"kind": other.get("kind"), "name": meta.get("name"), "uid": meta.get("uid"), "controller": True}
        if chance.random() < 0.3:
            owner.pop("uid")
        one["metadata"]["ownerReferences"] = [owner] * chance.choice((1, 1, 2))


def _no_uids(found: list[Object], chance: random.Random) -> None:
    for one in found:
        if isinstance(one, dict) and isinstance(one.get("metadata"), dict) and chance.random() < 0.8:
            one["metadata"].pop("uid", None)


def _twice(found: list[Object], chance: random.Random) -> None:
    if found:
        one = copy.deepcopy(chance.choice(found))
        if isinstance(one, dict) and isinstance(one.get("metadata"), dict) and chance.random() < 0.7:
            one["metadata"][chance.choice(("uid", "name", "namespace"))] = word(chance)
        found.append(one)


def _kind(found: list[Object], chance: random.Random) -> None:
    if found:
        chance.choice(found)["kind"] = chance.choice(
            (
                "Pod",
                "Deployment",
                "StatefulSet",
                "Service",
                "ConfigMap",
                "Secret",
                "PersistentVolumeClaim",
                "PersistentVolume",
                "StorageClass",
                "ReplicaSet",
                "Node",
                "Event",
                "CronJob",
                "Ingress",
                "RoleBinding",
                "Widget",
                "EndpointSlice",
                "ControllerRevision",
                "List",
                "",
            )
        )


_CHANGES = (_put, _put, _put, _drop, _drop, _rename, _name, _name, _label, _owner, _no_uids, _twice, _kind)


def events(chance: random.Random) -> list[tuple[float, str, Object]]:
    """Changes of a small cluster over time; clocks go back, types do not fit."""
    found, t = [], 0.0
    for one in objects(chance, 8):
        for _ in range(chance.choice((1, 1, 2, 3))):
            t += chance.choice((0.0, 0.001, 1.0, 30.0, -5.0, -0.5, 1e9, -1e6))
            found.append((t, chance.choice(("ADDED", "MODIFIED", "MODIFIED", "DELETED")), one))
            one = copy.deepcopy(one)
            if chance.random() < 0.5:
                _put([one], chance)
    return found


def as_json(thing: Any) -> str:
    """JSON as a careless program writes it: half characters and NaN included."""
    return json.dumps(thing, ensure_ascii=True)


def text(chance: random.Random) -> str:
    """A manifest that was once right."""
    if chance.random() < 0.4:
        import yaml

        one = objects(chance)
        return as_json({"kind": "List", "items": one}) if chance.random() < 0.4 else yaml.safe_dump_all(one)
    found = chance.choice(texts())
    for _ in range(chance.randrange(1, 5)):
        at, length = chance.randrange(len(found) + 1), chance.choice((0, 0, 1, 3, 40))
        found = found[:at] + chance.choice(_SNIPPETS + WORDS) + found[at + length :]
    return found


_SNIPPETS = (
    "  ",
    "\n",
    "\n- ",
    ": ",
    "&a ",
    "*a",
    "<<: *a\n",
    "!!python/object:os.system ",
    "!!binary x",
    "{{ x }}",
    "{",
    "[",
    "]",
    "}",
    "---\n",
    "...\n",
    "%YAML 9.9\n",
    "? ",
    "|",
    ">",
    "'",
    '"',
    "#",
    "\t",
    "a: &a [*a]\n",
    "kind: Pod\nkind: Pod\n",
    "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c]\n",
    "[" * 300,
    "- " * 300,
    "{a: " * 250,
    "0x",
    "0o8",
    "1_0",
    ".inf",
    "=",
    "~",
    "\u0085",
    "\u2028",
)


def recording(chance: random.Random) -> bytes:
    """A recording that was once right: bytes, fields and lines changed."""
    found = chance.choice(recordings())
    if chance.random() < 0.5:
        lines = found.splitlines(keepends=True)
        i = chance.randrange(len(lines))
        try:
            row = [json.loads(lines[i])]
            chance.choice((_put, _drop, _rename))(row, chance)
            lines[i] = as_json(row[0]).encode() + b"\n"
        except (ValueError, IndexError):
            pass
        chance.random() < 0.3 and chance.shuffle(lines)
        return b"".join(lines)
    for _ in range(chance.randrange(1, 4)):
        at, length = chance.randrange(len(found) + 1), chance.choice((0, 1, 5, 200))
        found = (
            found[:at]
            + chance.choice((b"", b"\n", b"\xff", b"{", b'"', b"\x00", b"1e999", b"null"))
            + found[at + length :]
        )
    return found
