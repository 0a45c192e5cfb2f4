"""What the quick reader of plain YAML reads, it reads as the reader of all YAML does; the rest it leaves to it."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8sviz.sources import yaml_events, yaml_plain
from k8sviz.sources._documents import ManifestError

FILES = sorted(Path(__file__).parents[1].glob("data/**/*.yaml"))
INDENTS = ("", "", " ", "  ", "  ", "    ", "      ", "- ", "- ", "  - ", "  - ", "    - ", "- - ")
KEYS = ("a: ", "b:", "kind: ", "items:", "app.kubernetes.io/name: ", "y: ", "null: ", "1: ", '"q": ', "f:x: ", "a:  ")
VALUES = (
    "",
    "x",
    "0x1F",
    "010",
    "1.50",
    "1e3",
    "12:30:00",
    "2026-11-23",
    "true",
    "NO",
    "~",
    "null",
    "-",
    "- x",
    "-5",
    "--x",
    "{}",
    "[]",
    "{a: b}",
    "[a]",
    "|",
    "|-",
    "|+",
    ">",
    "|2",
    '"a b"',
    '"a\\n"',
    "''",
    "'it''s'",
    "'x",
    "a: b",
    "a:",
    "a #b",
    "a#b",
    "# c",
    "&a x",
    "*a",
    "!!str 1",
    "@x",
    "%x",
    "`x",
    "<<",
    ".inf",
    "x ",
    "x\ty",
    "\t",
    "é 中",
    "\u00a0x",
    "\u2028",
    "1_000",
    "=",
    "?",
    ": ",
    "...",
    "---",
    "a, b",
    "(a)",
    "$(A)",
    "key: |",
    "1e400",
)


def both(text):
    plain = yaml_plain.documents(text)
    try:
        events = [d for d in yaml_events.documents(text, len(text), "x") if d.value is not None]
    except ManifestError:
        assert plain is None, text
        return plain
    if plain is not None:
        assert [d.value for d in plain] == [d.value for d in events], text
        assert repr([d.value for d in plain]) == repr([d.value for d in events]), text
        for one, other in zip(plain, events, strict=True):
            assert one.line == other.line, text
            for this, that in zip(items(one.value), items(other.value), strict=True):
                assert one.lines.get(id(this)) == other.lines.get(id(that)), text
    return plain


def items(value):
    found = value.get("items") if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_manifest_of_the_course(file):
    both(file.read_text())


@given(st.lists(st.tuples(st.sampled_from(INDENTS), st.sampled_from(KEYS), st.sampled_from(VALUES)), max_size=9))
@settings(max_examples=2500, deadline=None)
def test_lines_put_together_at_random(lines):
    both("".join(f"{indent}{key}{value}\n" for indent, key, value in lines))


@given(
    st.lists(
        st.tuples(st.sampled_from(INDENTS), st.sampled_from((*KEYS, "")), st.sampled_from((*VALUES, "x"))), max_size=7
    )
)
@settings(max_examples=1500, deadline=None)
def test_lines_without_keys(lines):
    both("a: x\n" + "".join(f"{indent}{key}{value}\n" for indent, key, value in lines))


def test_printed_objects_are_read_plainly_also_when_broken_somewhere():
    chance = random.Random(7)
    text = (
        "apiVersion: v1\nitems:\n- apiVersion: v1\n  kind: ConfigMap\n  metadata:\n    name: c\n  data:\n    a: |\n"
        "      one\n\n      two: 2\n    b: ''\n    c: \"3\"\n- kind: Pod\n  spec:\n    containers:\n    - name: main\n"
        "      args: []\n      ports:\n      - containerPort: 80\n        protocol: TCP\nkind: List\n---\n# end\n"
        "kind: Pod\n"
    )
    assert both(text) is not None
    for _ in range(3000):
        at, length = chance.randrange(len(text)), chance.randrange(3)
        put = chance.choice(["", " ", "  ", "\n", "- ", ":", "#", "'", '"', "|", "\t", "a: b\n", "---\n", "x", "{}"])
        both(text[:at] + put + text[at + length :])
