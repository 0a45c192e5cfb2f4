"""Values that must not be shown, and all the forms in which they are written, found in a text again."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import quote, quote_plus

import yaml

from k8sviz.sources._secrets import MASK

__all__ = ["Values"]

LONG: Final = 8  # letters; a value that long is found wherever it stands, a shorter one where it is a word of its own
SHORT: Final = 4  # a value of three letters is found where it is a line of its own, a shorter one nowhere
_LINE: Final = 16  # letters; a line that long, of a value of several lines, is a value
_PIECE: Final = 12  # letters; a value that looks generated is also found by so many of its first
_LARGE: Final = 4096  # letters; what is longer is compared letter by letter
_WRAPPED: Final = 60  # letters; what is longer may be cut into lines, as `base64` does
_MOST_CACHED: Final = 50_000

_GENERATED: Final = re.compile(r"(?=\D*\d)(?=[^A-Za-z]*[A-Za-z])[\w+/=.~@!#$%^&*-]{12,}", re.ASCII)
_GAP: Final = re.compile(r"\\\r?\n\s*(?:\\(?=\s))?|\s+")
_BORDER: Final = re.compile(r"-----(?:BEGIN|END) [A-Z ]+-----")
_PLAIN_WORD: Final = re.compile(r"[A-Za-z]+|\d{1,7}")
_PART: Final = re.compile(r"[A-Za-z]+|\d+")
# what people give as a name or a placeholder, and words that any text holds
_EVERYDAY: Final = frozenset(
    re.findall(
        r"\w+",
        """
    admin administrator root user username users guest nobody login password passwd passphrase secret secrets token
    tokens true false null none yes default localhost local test testing demo example sample prod production staging
    development server client database master main http https file files path data value values name names type
    string text node nodes about after again also back been before could created deleted does down each even every
    first found from have here into just know last like made make many more most much must need never next only open
    other over same should some such take than that their them then there these they this those time upon used very
    want well were what when where which while will with without work would your error failed failure true running
    ready pending bound available active kubectl apply create delete describe exec logs patch scale rollout status
    cluster service namespace kubernetes container image
""",
    )
)


class _Form(NamedTuple):
    """One way to write a value, without its white space."""

    text: str
    value: str
    begins: bool  # its beginning is enough
    spaced: bool  # white space may stand in it


class _Bucket:
    """The forms that begin with the same four letters."""

    def __init__(self) -> None:
        self.lengths: list[int] = []
        self._whole: dict[str, _Form] = {}
        self._large: list[_Form] = []
        self._begins: dict[str, list[_Form]] = {}

    def add(self, form: _Form) -> None:
        """One form more."""
        if len(form.text) > _LARGE:
            self._large.append(form)
        else:
            self._whole[form.text] = form
            if len(form.text) not in self.lengths:
                self.lengths.append(len(form.text))
        if form.begins:
            self._begins.setdefault(form.text[:_PIECE], []).append(form)

    def at(self, dense: str, i: int, but: str | None) -> Iterator[tuple[_Form, int]]:
        """The forms that stand at `i`, but those of one value, and where they end."""
        for form in self._large:
            last = i + len(form.text)
            if form.value != but and dense[last - 1 : last] == form.text[-1] and dense.startswith(form.text, i):
                yield form, last
        for length in self.lengths:
            found = self._whole.get(dense[i : i + length])
            if found is not None and len(found.text) == length and found.value != but:
                yield found, i + length
        for form in self._begins.get(dense[i : i + _PIECE], ()):
            length = _PIECE
            while length < len(form.text) and dense[i + length : i + length + 1] == form.text[length]:
                length += 1
            yield form, i + length


class Values:
    """The values known so far. Add all, and the ordinary words, before the first text is looked through.

    A value is taken out in each form of it: plain, base64 at any of its three alignments, escaped for JSON, YAML,
    a shell or a URL, line by line. So that a recording stays one, a value of less than four letters stays outside of
    its own place (unless it is a whole line), one of less than eight is taken out as a word of its own only, and
    ordinary words stay: an everyday one (`admin`, `true`), the name of a recorded object or a part of it, a plain
    word or number that stands in an object's fields.

    >>> values = Values()
    >>> for value in ("correct horse", "admin", "hunter2"):
    ...     values.add(value)
    >>> values.without("Y29ycmVjdCBob3JzZQ== correct%20horse admin hunter2 hunter21 me:hunter2@db")
    'REDACTED REDACTED admin REDACTED hunter21 me:REDACTED@db'
    """

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._ordinary: set[str] = set()
        self._index: dict[str, _Bucket] = {}
        self._lines: set[str] = set()
        self._cache: dict[str, str] = {}
        self._ready = True

    def __contains__(self, value: str) -> bool:
        return value in self._values

    def add(self, value: str) -> None:
        """A value that must not be shown."""
        if value and MASK not in value and set(value.strip()) - {"*"} and value not in self._values:
            self._values.add(value)
            self._ready = False

    def ordinary(self, word: str) -> None:
        """A word from an object's fields: it stays where it is one, or a number."""
        self._ordinary.update(part for part in _PART.findall(word) if _PLAIN_WORD.fullmatch(part))
        self._ready = False

    def name(self, name: str) -> None:
        """A name that is shown: it stays, and each part of it."""
        cuts = [0, *(i for m in re.finditer(r"[-.:/@]", name[:300]) for i in m.span())][:40]
        self._ordinary.update({name, *(name[i:j] for i in cuts for j in (*cuts, len(name)) if i < j and j - i < 300)})
        self._ready = False

    def without(self, text: str) -> str:
        """The text, with `REDACTED` where a value stood."""
        if not self._ready:
            self._build()
        found = self._cache.get(text)
        if found is None:
            found = self._without(text)
            if len(text) < 200:
                if len(self._cache) > _MOST_CACHED:
                    self._cache.clear()
                self._cache[text] = found
        return found

    def _build(self) -> None:
        found: dict[tuple[str, bool], _Form] = {}
        self._lines = set()
        for value in self._values:
            for form in _forms(value, self._stays(value)):
                found.setdefault((form.text, form.begins), form)
            if len(value.strip()) == SHORT - 1 and not self._stays(value):
                self._lines.add(value.strip())
        self._index = {}
        for form in found.values():
            self._index.setdefault(form.text[:SHORT], _Bucket()).add(form)
        for bucket in self._index.values():
            bucket.lengths.sort(reverse=True)
        self._cache.clear()
        self._ready = True

    def _stays(self, value: str) -> bool:
        word = value.strip()
        return word in self._ordinary or word.lower() in _EVERYDAY

    def _without(self, text: str) -> str:
        index = self._index
        dense, places = _dense(text)
        spans: list[tuple[int, int]] = []
        end, by = 0, ""
        for i in [i for i in range(len(dense) - SHORT + 1) if dense[i : i + SHORT] in index]:
            for form, stop in index[dense[i : i + SHORT]].at(dense, i, by if i < end else None):
                start, after = places[i], places[stop - 1] + 1
                if stop > end and _stands(form, text, start, after, stop - i):
                    spans.append((start, after))
                    end, by = stop, form.value
        text = _cut(text, spans) if spans else text
        if self._lines and any(line.strip() in self._lines for line in text.split("\n")):
            text = "\n".join(MASK if line.strip() in self._lines else line for line in text.split("\n"))
        return text


def _dense(text: str) -> tuple[str, Sequence[int]]:
    """A text without white space and continued lines, and where each letter of it stands."""
    kept, done = [], 0
    for gap in _GAP.finditer(text):
        kept.append((done, gap.start()))
        done = gap.end()
    kept.append((done, len(text)))
    if len(kept) == 1:
        return text, range(len(text))
    return "".join([text[i:j] for i, j in kept]), [k for i, j in kept for k in range(i, j)]


def _cut(text: str, spans: Iterable[tuple[int, int]]) -> str:
    pieces, done, end = [], 0, 0
    for start, stop in spans:
        if start >= end:
            pieces += [text[done:start], MASK]
        end = done = max(end, stop)
    return "".join([*pieces, text[done:]])


def _stands(form: _Form, text: str, start: int, end: int, length: int) -> bool:
    """Whether a form stands there as it is written: without gaps, and a short one as a word of its own."""
    if not form.spaced and end - start != length:
        return False
    if length >= LONG:
        return True
    before, after = text[start - 1 : start] if start else "", text[end : end + 2]
    if before.isalnum() or before in tuple("_-/.") or after[:1].isalnum() or after[:1] in tuple("_-/"):
        return False
    return not (after[:1] == "." and after[1:].isalnum())


# -- forms ---------------------------------------------------------------------------------------------


def _forms(value: str, stays: bool) -> Iterator[_Form]:
    """The ways to write a value; one that is an ordinary word, only as it never stands in a text by chance."""
    lines = [line.strip() for line in value.splitlines()] if "\n" in value.strip() else []
    # a backslash at its end is none where a line ends after it: that one is continued
    for part in {value, value.strip(), value.rstrip("\\"), *(line for line in lines if len(line) >= _LINE)}:
        if _BORDER.fullmatch(part):
            continue
        begins = part not in lines and bool(_GENERATED.fullmatch(part))
        for text in (set() if stays else _written(part)) | _encoded(part, stays):
            dense = _dense(text)[0]
            if len(dense) >= SHORT:
                yield _Form(dense, value, begins, len(text) > _WRAPPED or dense != text)


def _written(value: str) -> set[str]:
    """Plain, and escaped for JSON, JSON within JSON, YAML, a shell, a URL."""
    found = {value}
    if not (value.isascii() and value.isalnum()):
        plain, ascii_only = json.dumps(value, ensure_ascii=False)[1:-1], json.dumps(value)[1:-1]
        go = re.sub(r"[<>&]", lambda m: f"\\u{ord(m[0]):04x}", plain)  # as kubectl writes JSON
        found |= {plain, ascii_only, go, *(json.dumps(text, ensure_ascii=False)[1:-1] for text in (plain, go))}
        found |= {json.dumps(ascii_only)[1:-1], _yaml(value)}
        found |= {value.replace("'", quoted) for quoted in ("''", "'\\''", "'\"'\"'")}
        found |= {quote(value, safe="", errors="replace"), quote_plus(value, errors="replace")}
        found |= {
            quote(value, errors="replace"),
            re.sub(r"%..", lambda m: m[0].lower(), quote(value, "", None, "replace")),
        }
    return found


def _yaml(value: str) -> str:
    dumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    clean = value.encode("utf-8", "replace").decode()
    return str(yaml.dump(clean, Dumper=dumper, default_style='"', width=1 << 30))[1:].rstrip().removesuffix('"')


def _encoded(value: str, stays: bool) -> set[str]:
    """Base64: whole, and what is the same whatever stands before and after it."""
    raw = value.encode("utf-8", "replace")
    whole = base64.b64encode(raw).decode()
    found = {whole}
    for shift in (0, 1, 2) if not stays else ():
        text = base64.b64encode(b"\0" * shift + raw).decode()
        core = text[(shift * 8 + 5) // 6 : (shift + len(raw)) * 8 // 6]
        found |= {core} if len(core) >= LONG else set()
    return found | {text.translate(_FOR_URLS) for text in found}


_FOR_URLS: Final = str.maketrans("+/", "-_")
