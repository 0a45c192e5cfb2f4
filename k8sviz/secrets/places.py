"""Where values stand in a text by what names them: pairs of a name and a value in whatever way they are written.

A pair counts when the judge of names says so. What commands take after a flag, and what is a credential by its look,
is data in `judge.toml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from k8sviz.secrets.documents import in_documents
from k8sviz.secrets.layers import readings
from k8sviz.secrets.names import JUDGE, holds, says_secret
from k8sviz.secrets.shell import handed_over, unquoted

__all__ = ["Place", "places"]

_PARTS: Final[dict[str, str]] = JUDGE["pairs"]["parts"]


def _compiled(pattern: str) -> re.Pattern[str]:
    for name, part in _PARTS.items():
        pattern = pattern.replace(f"@{name}@", part)
    return re.compile(pattern)


# `name` is judged, `value` is what must not be shown
_PAIRS: Final = {kind: [_compiled(one) for one in patterns] for kind, patterns in JUDGE["pairs"]["named"].items()}
_ALWAYS: Final = [
    *map(_compiled, JUDGE["pairs"]["always"]),
    *(re.compile(f"(?P<value>{look})") for look in JUDGE["values"]["looks"]),
]
_FLAGS: Final = tuple(
    (
        _compiled(
            rf"(?<![\w.-])(?:{row['program']})(?![\w-])[^|;&\n]{{0,400}}?[ \t](?:{row['flag']})(?P<value>@WORD@)"
        ),
        bool(row.get("user")),
    )
    for row in JUDGE["commands"]["flags"]
)
# API fields of that name say which key is meant; and what is no pair: the middle of a sentence
_NO_NAMES: Final = frozenset({"key", "keys", "secret", "secrets"})
_SENTENCE: Final = re.compile(r"[\w)\"'] $")
_NO_WORD: Final = re.compile(r"(?=\S*[^\W\d_])(?=\S*(?:\d|[^\w\s.,:;-]|[a-z][A-Z]))\S+")
_SIZE: Final = re.compile(r" bytes\b")
_LONGEST: Final = 2 << 20  # letters of a text that is read in every way


class Place(NamedTuple):
    """Where a value stands in a text, and what it says."""

    start: int
    end: int
    value: str


def places(text: str, *, command: bool = False) -> list[Place]:
    """The values that a text names, by place. `command`: it is a command line, whose words are not its value.

    >>> line = "export DB_PASSWORD=geheim TOKEN=$(cat token) AUTHOR=me KEYCLOAK_URL=http://x"
    >>> [p.value for p in places(line, command=True)]
    ['geheim']
    >>> [p.value for p in places("docker login -p geheim r.io; curl -u me:pw1 http://a:pw2@x; app --api-key 'k 1'")]
    ['geheim', 'pw1', 'pw2', 'k 1']
    """
    if len(text) < 4 or len(text) > _LONGEST:
        return _documents(text, command) if len(text) > _LONGEST else []
    found = _documents(text, command)
    for reading in readings(text):
        if reading.sure:
            if reading.text is not text and "ecret" in reading.text and "\n" in reading.text:
                decoded = in_documents(reading.text)
                found += [Place(*reading.back(start, end), value) for start, end, value in decoded]
            for place in _named(reading.text, command):
                found.append(Place(*reading.back(place.start, place.end), place.value))
    return sorted(set(found))


def _documents(text: str, command: bool) -> list[Place]:
    found = [Place(*place) for place in handed_over(text)] if command else []
    if ":" in text and ("\n" in text or "{" in text):
        found += [Place(*place) for place in in_documents(text)]
    return found


def _named(text: str, command: bool) -> Iterator[Place]:
    for kind, patterns in _PAIRS.items():
        if kind == "line" and command:  # what follows a variable of a command is another word of it
            continue
        for pattern in patterns:
            for match in pattern.finditer(text):
                if _counts(match, text, kind):
                    yield from _place(match, kind)
    for pattern in _ALWAYS:
        for match in pattern.finditer(text):
            yield from _place(match)
    for pattern, user in _FLAGS if " " in text else ():
        for match in pattern.finditer(text):
            yield from _after_user(match) if user else _place(match)


def _counts(match: re.Match[str], text: str, kind: str) -> bool:
    name, value = match["name"], match["value"]
    if name in _NO_NAMES or not says_secret(name):
        return False
    if kind == "pair" and _SIZE.match(text, match.end()):
        return False
    if kind == "pair" and text[match.end("name") :].lstrip("\"'] \t")[:1] == ":" and value[0] not in "\"'":
        before = text[max(0, match.start() - 2) : match.start()]
        if _SENTENCE.search(before) and not _NO_WORD.fullmatch(value):
            return False
    return True


def _place(match: re.Match[str], kind: str = "") -> Iterator[Place]:
    start = match.start("value")
    written = match["value"].rstrip()
    if kind == "line":
        written = written.rstrip(",")
    end = start + len(written)
    quoted = len(written) > 1 and written[0] == written[-1] and written[0] in "\"'"
    value = unquoted(written) if quoted or kind == "flag" else written
    refers = not written.startswith("'") and re.match(r"\$[\w({]|`|\{\{", value)
    if value and not refers and holds(value):
        yield Place(start + quoted, end - quoted, value)


def _after_user(match: re.Match[str]) -> Iterator[Place]:
    """What follows the user in `me:geheim`."""
    start, end = match.span("value")
    written = match["value"]
    at = re.search(r"[:%]", written)
    if at is not None and holds(written[at.end() :].strip("\"'")):
        bare = written[at.end() :].rstrip("\"'")
        yield Place(start + at.end(), min(end, start + at.end() + len(bare)), bare)
