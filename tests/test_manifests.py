"""Manifests: what Kubernetes would read, or one line that says what to do, and never a wait."""

from __future__ import annotations

import base64
import io
import json
import re
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from k8sviz.history import Key, key_of
from k8sviz.sources import yaml_events
from k8sviz.sources.manifests import ManifestError, load, parse, read

HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: demo}\n"
DATA = Path(__file__).parent.parent / "data" / "labs"


def value(yaml_value: str) -> Any:
    """What a plain YAML value becomes."""
    (obj,) = parse(f"{HEAD}data: {yaml_value}\n")
    return obj["data"]


def refusal(text: str, name: str = "x.yaml") -> str:
    """The one line that refuses this text. Processor time is measured: a busy machine is no slow reader."""
    began = time.process_time()
    with pytest.raises(ManifestError) as caught:
        parse(text, name)
    assert time.process_time() - began < 1 + len(text) / 1e6
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) < 300
    assert line.startswith(name)
    return line


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-23", "2026-11-23"),
        ("2026-11-23T09:13:54Z", "2026-11-23T09:13:54Z"),
        ("12:30:00", "12:30:00"),
        ("190:20:30", "190:20:30"),
        ("010", 8),
        ("0o10", 8),
        ("0x1F", 31),
        ("0b11", 3),
        ("-0x10", -16),
        ("1_000", 1000),
        ("08", 8),
        ("1.0", 1),
        ("1.5", 1.5),
        ("1e3", 1000),
        (".5", 0.5),
        ("1.2.3", "1.2.3"),
        ("9223372036854775807", 2**63 - 1),
        ("99999999999999999999", 10**20),
        ("9" * 500, "9" * 500),
        ("yes", True),
        ("y", True),
        ("off", False),
        ("oN", "oN"),
        ("~", None),
        ("", None),
        ("null", None),
        ("'123'", "123"),
        ('"true"', "true"),
        ("!!str 123", "123"),
        ("! 123", "123"),
        ("!!float 3", 3),
        ("<<", "<<"),
        ("{1: a, true: b, 1.5: c, 010: d}", {"1": "a", "true": "b", "1.5": "c", "8": "d"}),
        ("{a: &x {p: 1, q: 2}, b: {<<: *x, q: 3}}", {"a": {"p": 1, "q": 2}, "b": {"p": 1, "q": 3}}),
        ("{a: {<<: [{p: 1}, {p: 2, r: 4}], q: 3}}", {"a": {"p": 1, "q": 3, "r": 4}}),
        ("{a: &x [1], b: *x}", {"a": [1], "b": [1]}),
        ("{键: 值, 😀: '\\'}", {"键": "值", "😀": "\\"}),
    ],
)
def test_words_mean_what_they_mean_to_kubernetes(written: str, meant: object) -> None:
    assert value(written) == meant


def lots(text: str, size: int) -> str:
    return text * (size // len(text))


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(12)
)
BIG = 10_000_000
HOSTILE = {
    "alias bomb": (BOMB, "aliases would blow"),
    "long alias bomb": ("a: &a " + "x" * 100_000 + "\nb: [" + "*a, " * 5000 + "]", "aliases would blow"),
    "merge bomb": (
        "a: &a {" + ", ".join(f"k{i}: 1" for i in range(1000)) + "}\nb:\n" + "- {<<: *a}\n" * 5000,
        "would blow",
    ),
    "alias in itself": ("a: &a [*a]", "inside its own anchor"),
    "no anchor": ("a: *nowhere", "no anchor &nowhere"),
    "duplicate key": (f"{HEAD}data:\n  a: 1\n  b: 2\n  a: 3\n", "line 7, column 3: the key 'a' is already set"),
    "duplicate after meaning": ("{1: a, '1': b}", "already set"),
    "tab": ("a:\n\tb: 1\n", "line 2, column 1: a tab"),
    "tab after spaces": ("a:\n  b: 1\n \tc: 1\n", "line 3"),
    "deep flow": ("[" * 100_000, "nested too deeply"),
    "deep block": ("".join(" " * i + "a:\n" for i in range(500)), "nested too deeply"),
    "deep dashes": (lots("- ", BIG // 4), "nested too deeply"),
    "deep json": ('{"a":' * 100_000 + "1" + "}" * 100_000, "nested too deeply"),
    "less deep json": ('{"a":' * 300 + "1" + "}" * 300, "nested too deeply"),
    "binary": ("a: !!binary aGk=", "!!binary"),
    "python object": ("!!python/object/apply:os.system [ls]", "python/object"),
    "own tag": ("a: !Ref x", "!Ref"),
    "a set": ("!!set {a, b}", "!!set"),
    "wrong tag": ("a: !!int x", "!!int"),
    "not a number": ("a: .nan", "no number"),
    "infinite": ("a: .inf", "no number"),
    "null key": ("{~: 1}", "a key is null"),
    "mapping as key": ("{a: 1}: 2", "a key must be text"),
    "template": ("replicas: {{ .Values.replicas }}", "{{ }}"),
    "control character": ("a: b\nc: \x07", "line 2"),
    "lone surrogate": ("a: \ud800", "surrogate"),
    "colon in value": ("a: b: c", "in quotes"),
    "open quote": ("a: 'b\nc: 1", "quote is not closed"),
    "open brace": ("a: {b: 1\nc: 2", "not closed"),
    "text": ("hello", "is text"),
    "list": ("- a", "is a list"),
    "number": ("1", "is 1"),
    "no kind": (f"{HEAD}---\nmetadata: {{name: x}}\n", "line 5: this document has no kind"),
    "no apiVersion": ("kind: Deployment\nmetadata: {name: x}", "apiVersion: apps/v1"),
    "no name": ("kind: Pod\napiVersion: v1\n", "without metadata.name"),
    "number as name": ("kind: Pod\napiVersion: v1\nmetadata: {name: 1}", "1 is no text"),
    "metadata is text": ("kind: Pod\napiVersion: v1\nmetadata: x", "metadata is 'x'"),
    "generated name": ("kind: Pod\napiVersion: v1\nmetadata: {generateName: x-}", "generateName only"),
    "number in stringData": ("kind: Secret\napiVersion: v1\nmetadata: {name: x}\nstringData: {a: 1}", "in quotes"),
    "bad json": ('{"kind": "Pod",\n "metadata" {}}', "line 2"),
    "cut json": ('{"kind": "Pod", "metadata": {"name": "x"', "line 1"),
    "nan in json": ('{"a": NaN}\n{"b": 1}', "not JSON"),
    "many digits in json": ("[" + "9" * 100_000 + "]", "digits"),
    "many json documents": (lots("{} ", BIG // 2), "documents"),
    "many json lists": ("[" + lots("[],", BIG) + "[]]", "values in JSON"),
    "many documents": (lots("---\n", BIG // 2), "documents"),
    "many numbers": ("a: [" + lots("1,", BIG // 2) + "1]", "values in YAML"),
    "large YAML": ("a: " + lots("x ", 4 * BIG), "MiB of YAML"),
    "large line": ("a: '" + lots("x", BIG // 2), "quote is not closed"),
    "nested lists": ("kind: List\nitems: " + "[{kind: List, items: " * 90 + "[1]" + "}]" * 90, "items[0]"),
    "list of text": ("kind: List\napiVersion: v1\nitems: [a]", "items[0] is text"),
    "item without name": (f"kind: List\nitems:\n- {{}}\n- {HEAD.replace(chr(10), chr(10) + '  ')}", "line 3"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_text_gets_one_line_soon(case: str) -> None:
    text, words = HOSTILE[case]
    assert words in refusal(text)


def test_errors_say_where_they_look() -> None:
    assert refusal("kind: Pod", "de\nmo.yaml".replace("\n", "?")).startswith("de?mo.yaml, line 1")
    with pytest.raises(ManifestError, match=r"^de mo, line 1: ") as caught:
        parse("kind: Pod", "de\nmo")
    assert "\n" not in str(caught.value)


json_text = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=12)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | json_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(json_text, inner, max_size=4),
    max_leaves=12,
)
names = st.from_regex(r"[a-z]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
objects = st.builds(
    lambda kind, name, ns, spec: {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": ns},
        "spec": spec,
    },
    st.sampled_from(["Pod", "ConfigMap", "Widget"]),
    names,
    names,
    st.dictionaries(json_text, json_values, max_size=4),
)


class Quoting(yaml.SafeDumper):
    """PyYAML leaves unquoted what it takes for text and Kubernetes takes for something else."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    to_kubernetes = re.fullmatch(r"[yYnN]|[-+]?[0-9.][0-9a-fA-FoOxX_.eE+-]*", text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if to_kubernetes else None)


Quoting.add_representer(str, _text)


@given(st.lists(objects, max_size=4), st.sampled_from([None, True, False]))
@settings(max_examples=150, deadline=None)
def test_what_yaml_writes_is_read_again(found: list[dict[str, Any]], flow: bool | None) -> None:
    text = yaml.dump_all(found, Dumper=Quoting, default_flow_style=flow, allow_unicode=True)
    assert parse(text) == found
    listed = yaml.dump({"apiVersion": "v1", "kind": "List", "items": found}, Dumper=Quoting)
    assert parse(listed) == found


@given(st.lists(objects, max_size=4))
@settings(max_examples=60, deadline=None)
def test_what_json_writes_is_read_again(found: list[dict[str, Any]]) -> None:
    assert parse("\n".join(json.dumps(obj, indent=1) for obj in found)) == found
    assert parse(json.dumps({"kind": "List", "items": found})) == found


@given(st.text(max_size=60) | st.text(st.sampled_from("{}[]:,-?&*!|>'\"% \n\tab1#<"), max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    try:
        parse(text)
    except ManifestError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either way is right


def test_pure_python_yaml_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_events, "_Loader", yaml.SafeLoader)
    monkeypatch.setattr(yaml_events, "_FAST", False)
    for case in ("duplicate key", "tab", "binary", "not a number", "control character", "no kind", "alias in itself"):
        assert HOSTILE[case][1] in refusal(HOSTILE[case][0])
    assert value("{a: &x {p: 010}, b: *x}") == {"a": {"p": 8}, "b": {"p": 8}}


def test_five_thousand_objects_of_json_are_read_at_once() -> None:
    pod = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "main", "env": [{"name": "A"}] * 20}]}}
    items = [{**pod, "metadata": {"name": f"p{i}", "labels": {"app": "kubia"}}} for i in range(5000)]
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=4)
    began = time.process_time()
    assert len(parse(text)) == 5000
    assert time.process_time() - began < 1


def test_namespaces_are_given_as_kubectl_gives_them() -> None:
    text = "".join(
        f"---\napiVersion: v1\nkind: {kind}\nmetadata: {{name: x{space}}}\n"
        for kind, space in (
            ("Pod", ""),
            ("Pod", ", namespace: demo"),
            ("PersistentVolume", ""),
            ("StorageClass", ", namespace: demo"),
            ("ClusterIssuer", ""),
            ("Widget", ""),
            ("CustomResourceDefinition", ""),
        )
    )
    spaces = ["default", "demo", "", "", "", "default", ""]
    assert [o["metadata"].get("namespace", "") for o in parse(text)] == spaces
    assert parse(text, namespace="lab")[0]["metadata"]["namespace"] == "lab"


def test_string_data_is_stored_as_the_api_server_stores_it() -> None:
    (secret,) = parse("apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: eA==, b: eQ==}\nstringData: {b: é}")
    assert secret["data"] == {"a": "eA==", "b": base64.b64encode("é".encode()).decode()}
    assert "stringData" not in secret


def test_typed_lists_lend_their_kind() -> None:
    text = (
        '{"kind": "PodList", "apiVersion": "v1", "items": [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]}'
    )
    assert [(o["kind"], o["apiVersion"], o["metadata"]["name"]) for o in parse(text)] == [
        ("Pod", "v1", "a"),
        ("Pod", "v1", "b"),
    ]
    assert parse('{"kind": "List", "apiVersion": "v1", "items": []}') == []
    assert parse("# nothing\n---\n---\nnull\n") == []


def test_a_folder_is_read_and_other_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.yaml").write_text("::", encoding="utf-8")
    (tmp_path / "b.yaml").write_text(HEAD, encoding="utf-8")
    (tmp_path / "sub" / "a.json").write_text(json.dumps(parse(HEAD)[0]), encoding="utf-8")
    (tmp_path / "values.yml").write_text("image: busybox\n", encoding="utf-8")
    (tmp_path / "readme.txt").write_text("::", encoding="utf-8")
    loaded = load([tmp_path])
    assert len(loaded.manifests) == 1
    assert loaded.places[Key("v1", "ConfigMap", "demo", "c")].line == 1
    (left_out,) = loaded.notes
    assert "values.yml" in left_out
    assert read(tmp_path).notes == list(loaded.notes)
    assert read(tmp_path).partial
    with pytest.raises(ManifestError, match="no kind"):
        read(tmp_path / "values.yml")


def test_the_later_of_two_wins() -> None:
    history = read_text(f"{HEAD}data: {{a: '1'}}\n---\n{HEAD}data: {{a: '2'}}\n")
    assert len(history) == 1
    assert history.at().objects("cm")[0]["data"] == {"a": "2"}
    assert history.notes == [
        "standard input, line 6: configmap/c replaces the one of standard input, line 1 (the later one counts)"
    ]


def read_text(text: str | bytes) -> Any:
    stdin, sys.stdin = sys.stdin, SimpleNamespace(buffer=io.BytesIO(text if isinstance(text, bytes) else text.encode()))
    try:
        return read("-")
    finally:
        sys.stdin = stdin


def test_standard_input_in_the_codes_that_shells_write() -> None:
    for text in (HEAD.encode(), b"\xef\xbb\xbf" + HEAD.encode(), HEAD.replace("\n", "\r\n").encode("utf-16")):
        history = read_text(text)
        assert [key_of(e.object).name for e in history] == ["c"]
        assert [e.t for e in history] == [0.0]
    with pytest.raises(ManifestError, match="line 2: not UTF-8"):
        read_text(b"a: 1\nb: \xff\n")
    with pytest.raises(ManifestError, match="no Kubernetes object here"):
        read_text("")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"none\.yaml: cannot read it \(No such file"):
        read([tmp_path / "none.yaml"])


def test_lines_of_items(tmp_path: Path) -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n" + "".join(
        f"- apiVersion: v1\n  kind: Pod\n  metadata:\n    name: p{i}\n" for i in range(3)
    )
    path = tmp_path / "x.yaml"
    path.write_text(text, encoding="utf-8")
    assert [m.line for m in load(path).manifests] == [4, 8, 12]


@pytest.mark.parametrize("lab", sorted(p.parent.name for p in DATA.glob("*/recording.jsonl")))
def test_the_labs_manifests_are_read(lab: str) -> None:
    try:
        history = read(DATA / lab)
    except ManifestError as error:
        # labs without any manifest, and the one that shows what the API server refuses
        assert "no Kubernetes object" in str(error)  # noqa: PT017
        return
    assert len(history)
    assert any("lab.yaml: left out" in note for note in history.notes)
