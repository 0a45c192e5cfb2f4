"""What the readers of JSON and YAML share: documents, limits, one-line errors, and what a plain YAML word means."""

import math
import re
from typing import Any, Final, NamedTuple, NoReturn

from k8sviz.errors import K8svizError

__all__ = [
    "DEEPEST",
    "FEWER",
    "MERGE",
    "MIB",
    "MOST_DOCUMENTS",
    "TOO_DEEP",
    "WORDS",
    "Document",
    "ManifestError",
    "NotJsonError",
    "Resolved",
    "fail",
    "number",
    "quote",
]

MIB: Final = 1024 * 1024
MOST_DOCUMENTS: Final = 20_000
DEEPEST: Final = 200
FEWER: Final = "choose fewer objects, for example with -n or -l"
TOO_DEEP: Final = f"nested too deeply (over {DEEPEST} levels); no Kubernetes object is"


class ManifestError(K8svizError):
    """Text that is no manifest: one line that names the file, the line, and what to do.

    `place` is how the line names the place, and `line` its number; '' and 0 where there is none.
    """

    def __init__(self, message: str, place: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.place, self.line = place, line


class NotJsonError(ManifestError):
    """It may still be YAML."""


class Document(NamedTuple):
    """One document, and where it and its parts stand."""

    value: Any
    line: int
    lines: dict[int, int]  # the line of each mapping that may be a List's item, by its id()


def fail(name: str, line: int, what: str, column: int = 0) -> NoReturn:
    """Raise a ManifestError that names the place."""
    place = f"{name}, line {line}" + (f", column {column}" if column else "")
    raise ManifestError(f"{place}: {what}", place, line)


def quote(value: object) -> str:
    """A value for an error's line, cut short. Never `repr` of something large."""
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else value[:39] + "…")
    return "null" if value is None else str(value).lower()[:40]


MERGE: Final = object()
WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    "<<": MERGE,
}
_INT: Final = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_LONGEST_NUMBER: Final = 400


class Resolved(dict[str, Any]):
    """What a plain word means, remembered: manifests say the same words over and over."""

    def __missing__(self, text: str) -> Any:
        value = WORDS[text] if text in WORDS else number(text) if text[0] in "+-.0123456789" else text
        if len(text) < 64:
            self[text] = value
        return value


def number(text: str) -> Any:
    """A plain word that begins like a number, as sigs.k8s.io/yaml reads it.

    >>> [number(t) for t in ("010", "0x1F", "1_000", "1.5", "1.0", "08", "12:30:00", "2026-11-23", "1.2.3", "1e400")]
    [8, 31, 1000, 1.5, 1, 8, '12:30:00', '2026-11-23', '1.2.3', '1e400']
    """
    if len(text) > _LONGEST_NUMBER:
        return text
    plain = text if text[0] == "." else text.replace("_", "")
    whole = _INT.fullmatch(plain)
    if whole:
        sign, *digits = whole.groups()
        base = next(i for i, found in enumerate(digits) if found is not None)
        value = int(digits[base], (16, 2, 8, 10)[base])
        value = -value if sign == "-" else value
        if -(2**63) <= value < 2**64:
            return value
    if not _FLOAT.fullmatch(plain):
        return text
    number = float(plain)
    if math.isinf(number):  # beyond what a number can be: Kubernetes keeps the text
        return text
    # JSON has one kind of number: 1.0 reaches the API server as 1
    return int(number) if number.is_integer() and abs(number) < 1e21 and plain[0] != "-" else number
