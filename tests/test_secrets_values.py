"""A value that is known is found again, however it was encoded, and what it was encoded with stands around it."""

from __future__ import annotations

import base64
import gzip
import html
import json
import random
import shlex
import textwrap
import time
import zlib
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from k8sviz.secrets.values import Values


def b64(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def hexed(text: str) -> str:
    return text.encode().hex()


def each(form: str) -> Callable[[str], str]:
    return lambda text: "".join(form.format(byte) for byte in text.encode())


WAYS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "glued": lambda v: f"x{v}y",
    "base64": b64,
    "base64, second alignment": lambda v: b64(f"x{v}y"),
    "base64, third alignment": lambda v: b64(f"me:{v}0z"),
    "base64, glued": lambda v: "a" + b64(f"{v}...."),
    "base64 for URLs": lambda v: base64.urlsafe_b64encode(v.encode()).decode().rstrip("="),
    "base64 in lines": lambda v: base64.encodebytes(v.encode() * 2).decode(),
    "base64, indented": lambda v: textwrap.indent(textwrap.fill(b64(v), 20), "    "),
    "base32": lambda v: base64.b32encode(v.encode()).decode(),
    "hexadecimal": hexed,
    "hexadecimal, large letters": lambda v: hexed(v).upper(),
    "hexadecimal with colons": lambda v: v.encode().hex(":"),
    "hexadecimal with 0x": each("0x{:02x}, "),
    "UTF-16": lambda v: b64(v.encode("utf-16-le")),
    "gzip": lambda v: b64(gzip.compress(v.encode())),
    "zlib": lambda v: b64(zlib.compress(v.encode())),
    "JSON": lambda v: json.dumps({"a": v}),
    "JSON, not ASCII": lambda v: json.dumps({"a": v}, ensure_ascii=False),
    "JSON, all escaped": lambda v: "".join(f"\\u{ord(c):04x}" if ord(c) < 65536 else c for c in v),
    "YAML": lambda v: yaml.safe_dump({"a": {"b": v}}),
    "YAML, double quotes": lambda v: yaml.safe_dump({"a": v}, default_style='"'),
    "YAML, single quotes": lambda v: yaml.safe_dump({"a": v}, default_style="'", allow_unicode=True),
    "a URL": lambda v: f"https://x/?a={quote(v, safe='')}&b",
    "a URL, all escaped": each("%{:02x}"),
    "a form": lambda v: f"a={quote_plus(v)}&b",
    "a shell": lambda v: f"echo {shlex.quote(v)}",
    "HTML": lambda v: f"<b>{html.escape(v)}</b>",
    "HTML, all escaped": lambda v: "".join(f"&#{ord(c)};" for c in v),
    "HTML, hexadecimal": lambda v: "".join(f"&#x{ord(c):x};" for c in v),
    "bytes": each("\\x{:02x}"),
    "octal": each("\\{:03o}"),
    "invisibles": lambda v: "\u200b".join(v),
    "lines": lambda v: "\n   ".join(textwrap.wrap(v, 5, drop_whitespace=False)),
    "colours": lambda v: "\x1b[1m" + "\x1b[0;31m".join(v),
    "a continued line": lambda v: f"{v[:4]}\\\n    {v[4:]}",
    "strings put together": lambda v: f"{v[:4]}' + '{v[4:]}",
}
LETTERS = "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789 \n\t'\"\\/<>&+=%#:,;-_.!?{}[]|*@äß中😀"
VALUES = st.text(LETTERS, min_size=10, max_size=50).filter(
    lambda v: sum(c.isalnum() and c.isascii() for c in v) >= 8 and len(set(v)) > 5 and v.strip() == v
)
# what is put in between can be told apart in a text as it is, and in what reads as one once it is decoded
BETWEEN = ("invisibles", "lines", "colours", "a continued line", "strings put together", "a form")
CHAINS = st.lists(st.sampled_from([way for way in sorted(WAYS) if way not in BETWEEN]), min_size=1, max_size=4)


def known(*values: str) -> Values:
    made = Values()
    for value in values:
        made.add(value)
    return made


def left(values: Values, before: str, written: str, after: str) -> int:
    """How many letters of what was written stay."""
    inside = set(range(len(before), len(before) + len(written)))
    for start, stop in values.spans(before + written + after):
        inside -= set(range(start, stop))
    return len(inside)


@given(VALUES, CHAINS)
@example("a%41b\\n0 12345", ["JSON", "a URL", "base64"])
@example("\\x41\\x42 &amp; 100%25", ["YAML", "base64", "hexadecimal"])
@settings(max_examples=300, deadline=None, derandomize=True)
def test_a_value_is_found_through_any_chain_of_encodings(value: str, chain: list[str]) -> None:
    written = value
    for way in chain:
        written = WAYS[way](written)
    values = known(value)
    assert values.spans(f"it is [{written}], they say"), (value, chain, written)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "value", ["pLaNtEd-s3cr3t-Zq9", "correct horse 4 battery", "a'b\"c\\d&e%f 1/2+3=x", "Grüße, 中文 Zürich 99"]
)
def test_all_of_it_is_taken_out_and_little_else(way: str, value: str) -> None:
    written = WAYS[way](value)
    assert left(known(value), "before this: [", written, "], and after") <= 24, known(value).without(written)
    text = f"before this stands {written} and that comes after it"
    shown = known(value).without(text)
    assert shown.startswith("before this stands ")
    assert shown.endswith(" and that comes after it")


@pytest.mark.parametrize(
    ("value", "text", "shown"),
    [
        ("abc", "PIN=abc", "PIN=#"),
        ("abc", "the pin is abc, say", "the pin is #, say"),
        ("abc", "abcd xabc abc-def a/abc", "abcd xabc abc-def a/abc"),
        ("x", "PIN=x", "PIN=#"),
        ("x", "pin: x\nx\nan x is no x here", "pin: #\n#\nan x is no x here"),
        ("abc", "YWJj, YWJjCg==", "#, #=="),
        ("hunter2", "hunter2 hunter21", "# #1"),
        ("geheim", "geheim geheimnis", "# geheimnis"),
        ("correct horse", "correct%20horse, correct+horse", "#, #"),
        ("admin", "admin YWRtaW4=", "admin #="),
        ("two\nlines of text", "here: lines of text", "here: #"),
        ("qX7pL2mN9vB4", "its beginning qX7pL2mN9vB4zz", "its beginning #zz"),
    ],
)
def test_short_values_are_words(value: str, text: str, shown: str) -> None:
    assert known(value).without(text, "#") == shown


def test_names_stay() -> None:
    values = known("hcloud", "secret", "web-1")
    values.name("hcloud")
    values.name("web-1")
    assert values.without("secret/hcloud of pod/web-1") == "secret/hcloud of pod/web-1"


def test_it_is_linear_in_the_text() -> None:
    chance = random.Random(1)
    values = known(*(b64(chance.randbytes(chance.randint(8, 40))) for _ in range(100)))
    prose = ["a line of words that says nothing", "key: " + b64(chance.randbytes(60)), json.dumps({"a": '"\\\n'})]
    text = "\n".join(chance.choice(prose) for _ in range(2000))[:40_000]
    values.spans("")
    values.spans("built")
    started = time.process_time()
    assert values.spans(text) == []
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize(
    "text",
    [
        "\\" * 60_000,
        "%25" * 30_000,
        "A" * 100_000,
        "&amp;" * 20_000,
        b64(gzip.compress(b"\0" * (100 << 20))),
        "41 " * 40_000,
    ],
    ids=["backslashes", "percents", "letters", "ampersands", "a bomb", "pairs"],
)
def test_hostile_texts_take_no_time(text: str) -> None:
    values = known("pLaNtEd-s3cr3t-Zq9")
    started = time.process_time()
    values.spans(text)
    assert time.process_time() - started < 3.0
