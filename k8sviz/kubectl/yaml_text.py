"""Objects as YAML, letter for letter as kubectl writes them (sigs.k8s.io/yaml on go.yaml.in/yaml/v2).

An own writer, since no library chooses Go's quotes, order of keys and places to break a line: `a10` after `a2`,
`"3"` in double quotes but `'a: b'` in single ones, a break at the first space beyond column 80.
"""

from __future__ import annotations

import functools
import re
from typing import Any, Final

from k8sviz.kubectl.json_text import number_text

__all__ = ["to_yaml"]

_WIDTH: Final = 80
_SHORT: Final = 36  # texts that fit on any line
# what stays plain for certain: no number, no boolean, no indicator
_PLAIN: Final = re.compile(r"[A-Za-z_/][A-Za-z0-9_./]*(?:[-:@+=][A-Za-z0-9_./]+)*\Z")
_WORDS: Final = frozenset(
    word
    for one in ("true", "false", "yes", "no", "on", "off", "null", "y", "n")
    for word in (one, one.capitalize(), one.upper())
)
_RESOLVED: Final = re.compile(
    r"""(?x) ~ | [-+]?(\.inf|\.Inf|\.INF) | \.nan | \.NaN | \.NAN
    | [-+]?0b[01_]+ | [-+]?0o?[0-7_]+ | [-+]?0x[0-9a-fA-F_]+ | [-+]?[0-9][0-9_]*
    | [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? | [-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?
    | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(([Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(\.[0-9]*)?([ \t]*(Z|[-+][0-9:]+))?)?"""
)
_LEADING: Final = frozenset("#,[]{}&*!|>'\"%@`")
_ESCAPES: Final = {
    "\0": "\\0",
    "\x07": "\\a",
    "\b": "\\b",
    "\t": "\\t",
    "\n": "\\n",
    "\v": "\\v",
    "\f": "\\f",
    "\r": "\\r",
    "\x1b": "\\e",
    '"': '\\"',
    "\\": "\\\\",
    "\x85": "\\N",
    "\xa0": "\\_",
    "\u2028": "\\L",
    "\u2029": "\\P",
    "\ufeff": "\\uFEFF",
}


def to_yaml(value: Any) -> str:
    """A JSON value as YAML; objects' keys sorted.

    >>> print(to_yaml({"b": ["x", {"k": "v", "a": 1}], "a": "3", "c": {}, "d": "one\\ntwo\\n", "e": "x: y"}), end="")
    a: "3"
    b:
    - x
    - a: 1
      k: v
    c: {}
    d: |
      one
      two
    e: 'x: y'
    """
    lines: list[str] = []
    _node(value, "", 0, lines)
    return "\n".join(lines) + "\n"


def _node(value: Any, lead: str, indent: int, lines: list[str]) -> None:
    """Write a value whose first line begins with `lead`, its further lines at `indent`."""
    if isinstance(value, dict) and value:
        pad = " " * indent
        for key, written in _keys(tuple(value)):
            _entry(value[key], lead + written, indent, lines)
            lead = pad
    elif isinstance(value, list | tuple) and value:
        pad = " " * indent
        for item in value:
            _node(item, f"{lead}- ", indent + 2, lines)
            lead = pad
    else:
        _leaf(value, lead, indent, lines)


def _entry(value: Any, lead: str, indent: int, lines: list[str]) -> None:
    if isinstance(value, dict) and value:
        lines.append(lead)
        _node(value, " " * (indent + 2), indent + 2, lines)
    elif isinstance(value, list | tuple) and value:
        lines.append(lead)
        _node(value, " " * indent, indent, lines)
    else:
        _leaf(value, lead + " ", indent + 2, lines)


def _leaf(value: Any, lead: str, indent: int, lines: list[str]) -> None:
    if isinstance(value, str):
        if len(value) <= _SHORT and len(lead) <= _WIDTH - _SHORT - 2 and "\n" not in value:
            lines.append(lead + _short(value))
        elif "\n" in value and _block_allowed(value):
            _literal(value, lead, indent, lines)
        else:
            lines.extend((lead + _scalar(value, len(lead), indent=indent)).split("\n"))
    elif value is None or isinstance(value, bool):
        lines.append(lead + {None: "null", True: "true", False: "false"}[value])
    elif isinstance(value, dict | list | tuple):
        lines.append(lead + ("{}" if isinstance(value, dict) else "[]"))
    else:
        lines.append(lead + number_text(value))


@functools.lru_cache(4096)
def _keys(names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The keys of an object in order, each as it is written with its colon."""
    return tuple((key, f"{_scalar(key, 0, simple=True)}:") for key in sorted(names, key=_Key))


@functools.lru_cache(4096)
def _short(text: str) -> str:
    """A text that is broken nowhere."""
    return _scalar(text, 0, simple=True)


def _scalar(text: str, column: int, *, indent: int = 0, simple: bool = False) -> str:
    """A text that stands on one line, or is broken where Go breaks it."""
    if _PLAIN.match(text) and text not in _WORDS:
        return text if len(text) < _WIDTH or " " not in text else _folded(text, column, indent)
    style = _style(text)
    if style == "double":
        return _double(text, column, 0 if simple else indent)
    body = text if style == "plain" else "'" + text.replace("'", "''") + "'"
    return body if simple else _folded(body, column, indent)


def _style(text: str) -> str:
    if not text or text in _WORDS or _RESOLVED.fullmatch(text) or "\n" in text:
        return "double"
    if any(not _printable(letter) for letter in text):
        return "double"
    plain = not (
        text[0] in _LEADING
        or text[0] == " "
        or text[-1] == " "
        or ": " in text
        or text[-1] == ":"
        or " #" in text
        or text.startswith(("---", "..."))
        or (text[0] in "-?:" and (len(text) == 1 or text[1] == " "))
    )
    return "plain" if plain else "single"


def _printable(letter: str) -> bool:
    return " " <= letter <= "~" or (letter > "\xa0" and letter not in "\u2028\u2029\ufeff\ufffe\uffff")


def _folded(text: str, column: int, indent: int) -> str:
    """Break at each single space that comes after column 80 (yaml_emitter_write_plain_scalar)."""
    if column + len(text) <= _WIDTH:
        return text
    out, at = [], column
    for i, letter in enumerate(text):
        alone = letter == " " and 0 < i < len(text) - 1 and text[i - 1] != " " and text[i + 1] != " "
        if alone and at > _WIDTH:
            out.append("\n" + " " * indent)
            at = indent
        else:
            out.append(letter)
            at += 1
    return "".join(out)


def _double(text: str, column: int, indent: int) -> str:
    """In double quotes, with a break at the first space after column 80 (none where `indent` is 0)."""
    out, at, spaces = ['"'], column + 1, False
    for i, letter in enumerate(text):
        if letter == " ":
            if indent and not spaces and at > _WIDTH and 0 < i < len(text) - 1:
                out.append("\n" + " " * indent)
                at = indent
                if text[i + 1] == " ":
                    out.append("\\")
                    at += 1
            else:
                out.append(" ")
                at += 1
            spaces = True
            continue
        spaces = False
        piece = letter if _printable(letter) and letter not in '"\\' else _escape(letter)
        out.append(piece)
        at += len(piece)
    return "".join(out) + '"'


def _escape(letter: str) -> str:
    if letter in _ESCAPES:
        return _ESCAPES[letter]
    code = ord(letter)
    return f"\\x{code:02X}" if code < 256 else f"\\u{code:04X}" if code < 65536 else f"\\U{code:08X}"


def _block_allowed(text: str) -> bool:
    """Whether a text of several lines can stand as a block: no tab, no space at the end of a line."""
    return " \n" not in text and text[-1] != " " and all(_printable(letter) or letter == "\n" for letter in text)


def _literal(text: str, lead: str, indent: int, lines: list[str]) -> None:
    hint = "2" if text[0] in " \n" else ""
    end = "-" if not text.endswith("\n") else "+" if text.endswith("\n\n") or text == "\n" else ""
    lines.append(f"{lead}|{hint}{end}")
    body = text[:-1] if text.endswith("\n") else text
    pad = " " * max(indent, 2)
    lines.extend(pad + line if line else "" for line in body.split("\n"))


class _Key:
    """A key in Go's order: letters after everything else, runs of digits by their number (yaml's keyList)."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __lt__(self, other: _Key) -> bool:
        one, two = self.text, other.text
        for i, (a, b) in enumerate(zip(one, two, strict=False)):
            if a != b:
                return _before(one, two, i)
        return len(one) < len(two)


def _before(one: str, two: str, i: int) -> bool:
    a, b = one[i], two[i]
    if a.isalpha() and b.isalpha():
        return a < b
    if a.isalpha() or b.isalpha():
        return b.isalpha()
    start = 1 if "0" in (a, b) and one[:i].rstrip("0123456789") != one[:i].rstrip("0") else 0
    an, alen = _run(one, i, start)
    bn, blen = _run(two, i, start)
    if an != bn:
        return an < bn
    return alen < blen if alen != blen else a < b


def _run(text: str, i: int, start: int) -> tuple[int, int]:
    end = i
    while end < len(text) and text[end].isdigit():
        end += 1
    return int(f"{start}{text[i:end]}"), end
