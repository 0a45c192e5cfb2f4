"""JSONPath templates as kubectl has them (k8s.io/client-go/util/jsonpath): `{range .items[*]}{.a} {"\\n"}{end}`."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from k8sviz.kubectl.json_text import compact, number_text

__all__ = ["JsonPathError", "fill", "find", "relaxed"]


class JsonPathError(ValueError):
    """A template that is none, in kubectl's words."""


class _Piece(NamedTuple):
    """Part of a template: literal text, or a path; a range holds the parts that it repeats."""

    text: str = ""
    steps: tuple[_Step, ...] | None = None
    body: tuple[_Piece, ...] | None = None


_Step = Callable[[list[Any], Any], list[Any]]


def fill(template: str, value: Any) -> str:
    """The template's text for a value; what is not there is empty.

    >>> fill('{range .items[*]}{.n}={.v}{"\\\\n"}{end}', {"items": [{"n": "a", "v": 1}, {"n": "b", "v": True}]})
    'a=1\\nb=true\\n'
    >>> fill("{.items[?(@.n=='b')].v} {.items[-1:].n}", {"items": [{"n": "a", "v": 1}, {"n": "b", "v": [2]}]})
    '[2] b'
    """
    return "".join(_filled(_parsed(template), value, value))


def find(path: str, value: Any) -> list[Any]:
    """All that a path (`.metadata.name`, with or without braces) finds."""
    pieces = _parsed(relaxed(path))
    found: list[Any] = []
    for piece in pieces:
        if piece.steps is not None:
            found += _walk(piece.steps, [value], value)
    return found


def relaxed(path: str) -> str:
    """A path as custom columns and --sort-by take it: braces and the first dot may be missing.

    >>> relaxed("metadata.name"), relaxed("{.a}")
    ('{.metadata.name}', '{.a}')
    """
    found = re.fullmatch(r"\{\.?([^{}]+)\}|\.?([^{}]+)", path)
    if not found:
        raise JsonPathError(
            "unexpected path string, expected a 'name1.name2' or '.name1.name2' or '{name1.name2}' or '{.name1.name2}'"
        )
    inner = found[1] or found[2]
    return "{" + (inner if inner.startswith(("$", "@", "[", "..")) else "." + inner.lstrip(".")) + "}"


def _filled(pieces: tuple[_Piece, ...], value: Any, root: Any) -> Iterator[str]:
    for piece in pieces:
        if piece.steps is None:
            yield piece.text
            continue
        found = _walk(piece.steps, [value], root)
        if piece.body is None:
            yield " ".join(_shown(one) for one in found)
        else:
            for one in found:
                yield from _filled(piece.body, one, root)


def _walk(steps: tuple[_Step, ...], values: list[Any], root: Any) -> list[Any]:
    for step in steps:
        values = step(values, root)
    return values


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return "true" if value else "false"
    return number_text(value) if isinstance(value, int | float) else compact(value)


@functools.lru_cache(256)
def _parsed(template: str) -> tuple[_Piece, ...]:
    pieces, rest = _pieces(template, 0, inside=False)
    return tuple(pieces) if rest == len(template) else ()


def _pieces(template: str, at: int, *, inside: bool) -> tuple[list[_Piece], int]:
    found: list[_Piece] = []
    while at < len(template):
        if template[at] != "{":
            end = template.find("{", at)
            end = len(template) if end < 0 else end
            found.append(_Piece(template[at:end]))
            at = end
            continue
        end = _closing(template, at + 1)
        inner = template[at + 1 : end].strip()
        at = end + 1
        if inner == "end":
            if not inside:
                raise JsonPathError("not in range, nothing to end")
            return found, at
        if inner.startswith("range ") or inner == "range":
            body, at = _pieces(template, at, inside=True)
            found.append(_Piece(steps=_steps(inner[5:].strip()), body=tuple(body)))
        else:
            found += _texts(inner)
    if inside:
        raise JsonPathError("unterminated range")
    return found, at


def _closing(template: str, at: int) -> int:
    quote = ""
    while at < len(template):
        letter = template[at]
        if quote:
            at += letter == "\\"
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "}":
            return at
        at += 1
    raise JsonPathError("unclosed action")


_TOKEN = re.compile(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|([^\s"']\S*(?:\[[^\]]*\]\S*)*)|\s+""")


def _texts(inner: str) -> list[_Piece]:
    """What stands between braces: quoted texts and paths, one after another."""
    if inner[:1] in "\"'":
        found = []
        for quoted, path in _TOKEN.findall(inner):
            if quoted:
                found.append(_Piece(_unquoted(quoted)))
            elif path:
                found.append(_Piece(steps=_steps(path)))
        return found
    return [_Piece(steps=_steps(inner))]


def _unquoted(text: str) -> str:
    escapes = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
    return re.sub(r"\\(.)", lambda found: escapes.get(found[1], found[1]), text[1:-1], flags=re.DOTALL)


_STEP = re.compile(
    r"""(?P<deep>\.\.)|\.?\[(?P<box>(?:[^\[\]'"]|'[^']*'|"[^"]*"|\[[^\]]*\])*)\]|\.(?P<star>\*)|\.(?P<name>(?:\\.|[^.\[\]\\\s*'"|,])+)"""
    r"""|(?P<at>[$@])|(?P<bare>[A-Za-z_][\w-]*)|(?P<dot>\.)"""
)


def _steps(path: str) -> tuple[_Step, ...]:
    steps: list[_Step] = []
    at, deep = 0, False
    while at < len(path):
        found = _STEP.match(path, at)
        if not found:
            raise JsonPathError(f"unrecognized character in action: U+{ord(path[at]):04X} {path[at]!r}")
        at = found.end()
        if found["deep"]:
            steps.append(_deep)
            deep = True
            if at < len(path) and path[at] not in ".[":
                path = path[:at] + "." + path[at:]
            continue
        if found["at"]:
            if found["at"] == "$":
                steps.append(lambda _, root: [root])
        elif found["star"]:
            steps.append(_all)
        elif found["box"] is not None:
            steps.append(_box(found["box"].strip()))
        elif found["name"] or found["bare"]:
            steps.append(_field(re.sub(r"\\(.)", r"\1", found["name"] or found["bare"])))
    if deep and not steps:
        raise JsonPathError("recursive descent without a name")
    return tuple(steps)


def _field(name: str) -> _Step:
    def step(values: list[Any], _: Any) -> list[Any]:
        return [value[name] for value in values if isinstance(value, dict) and name in value]

    return step


def _all(values: list[Any], _: Any) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if isinstance(value, dict):
            found += [value[key] for key in sorted(value)]
        elif isinstance(value, list):
            found += value
    return found


def _deep(values: list[Any], root: Any) -> list[Any]:
    found: list[Any] = []
    for value in values:
        found.append(value)
        inner = _all([value], root)
        if inner:
            found += _deep(inner, root)
    return found


def _box(inner: str) -> _Step:
    if inner == "*":
        return _all
    if inner.startswith("?(") and inner.endswith(")"):
        return _filter(inner[2:-1].strip())
    if re.fullmatch(r"-?\d*(:-?\d*){0,2}", inner) and inner:
        return _slice(inner)
    names = [part.strip() for part in re.findall(r"""'[^']*'|"[^"]*"|[^,]+""", inner)]
    if all(name[:1] in "'\"" for name in names):
        return _union([_field(name[1:-1]) for name in names])
    if all(re.fullmatch(r"-?\d+", name) for name in names):
        return _union([_slice(name) for name in names])
    raise JsonPathError(f"invalid array index {inner}")


def _union(steps: list[_Step]) -> _Step:
    def step(values: list[Any], root: Any) -> list[Any]:
        return [one for part in steps for one in part(values, root)]

    return step


def _slice(inner: str) -> _Step:
    parts = inner.split(":")

    def step(values: list[Any], _: Any) -> list[Any]:
        found: list[Any] = []
        for value in values:
            if not isinstance(value, list):
                continue
            if len(parts) == 1:
                index = int(inner)
                if not -len(value) <= index < len(value):
                    raise JsonPathError(f"array index out of bounds: index {index}, length {len(value)}")
                found.append(value[index])
            else:
                found += value[slice(*[int(part) if part else None for part in parts])]
        return found

    return step


_COMPARED = re.compile(r"(.*?)\s*(==|!=|<=|>=|<|>)\s*(.*)", re.DOTALL)


def _filter(inner: str) -> _Step:
    compared = _COMPARED.fullmatch(inner)
    left, operator, right = compared.groups() if compared else (inner, "", "")

    def step(values: list[Any], root: Any) -> list[Any]:
        found: list[Any] = []
        for value in values:
            items = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
            found += [item for item in items if _holds(item, root, left, operator, right)]
        return found

    return step


def _holds(item: Any, root: Any, left: str, operator: str, right: str) -> bool:
    here = _operand(left, item, root)
    if not operator:
        return bool(here)
    there = _operand(right, item, root)
    if not here or not there:
        return False
    one, two = here[0], there[0]
    if type(one) is not type(two) and not (isinstance(one, int | float) and isinstance(two, int | float)):
        one, two = _shown(one), _shown(two)
    tests: dict[str, Callable[[], bool]] = {
        "==": lambda: one == two,
        "!=": lambda: one != two,
        "<": lambda: one < two,
        ">": lambda: one > two,
        "<=": lambda: one <= two,
        ">=": lambda: one >= two,
    }
    return tests[operator]()


def _operand(text: str, item: Any, root: Any) -> list[Any]:
    if text[:1] in "'\"" and text[-1:] == text[:1]:
        return [_unquoted(text)]
    if text in ("true", "false"):
        return [text == "true"]
    if re.fullmatch(r"-?\d+(\.\d+)?", text):
        return [float(text) if "." in text else int(text)]
    return _walk(_steps(text), [item], root)
