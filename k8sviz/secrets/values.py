"""The judge of values: what must not be shown is known, and found again in a text in whatever form it stands there."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from k8sviz.secrets.layers import Reading, dense, peeled, readings
from k8sviz.secrets.names import EVERYDAY

__all__ = ["MASK", "Values", "cut"]

MASK: Final = "REDACTED"

_ANCHOR: Final = 4  # letters by which a form is looked up
_LONG: Final = 8  # letters; a value that long is found wherever it stands, a shorter one where it is a word of its own
_MIXED: Final = 6  # letters; as well one of so many that is no word
_LINE: Final = 8  # letters; a line that long, of a value of several lines, is a value
_PIECE: Final = 12  # letters; a value that looks generated is also found by so many of its first
_MOST_CACHED: Final = 50_000

_GENERATED: Final = re.compile(r"(?=\D*\d)(?=[^A-Za-z]*[A-Za-z])[\w+/=.~@!#$%^&*-]{12,}", re.ASCII)
_NO_WORD: Final = re.compile(r"(?=.*[^\W\d_])(?=.*(?:\d|[^\w .-]|[a-z][A-Z]))", re.DOTALL)
_BORDER: Final = re.compile(r"-----(?:BEGIN|END) [A-Z ]+-----")
_BRACKETS: Final = re.compile(r"[\s\[\]{}(),:;\"']*")


class _Form(NamedTuple):
    """One way to write a value, without what is not seen."""

    text: str
    begins: bool  # its beginning is enough
    anywhere: bool  # it need not be a word of its own


class Values:
    r"""The values known so far, and the ordinary words that stay. Add all before the first text is looked through.

    A short value, or a word, is found as a word of its own, one of one or two letters only where a value stands
    (`x=1`). Ordinary words stay: an everyday one (`admin`, `true`), and the name of an object, of a kind or of a key.

    >>> values = Values()
    >>> for value in ("correct horse", "admin", "hunter2", "abc"):
    ...     values.add(value)
    >>> values.without(r"Y29ycmVjdCBob3JzZQ== correct%20horse \x61bc admin me:hunter2@db PIN=abc abcd")
    'REDACTED REDACTED REDACTED admin me:REDACTED@db PIN=REDACTED abcd'
    """

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._ordinary: set[str] = set()
        self._index: dict[str, list[_Form]] = {}
        self._small: re.Pattern[str] | None = None
        self._cache: dict[tuple[str, bool], list[tuple[int, int]]] = {}
        self._ready = True

    def __contains__(self, value: str) -> bool:
        return value in self._values

    def __bool__(self) -> bool:
        return bool(self._values)

    def add(self, value: str) -> None:
        """A value that must not be shown."""
        if value.strip() and MASK not in value and set(value.strip()) - {"*", "•"} and value not in self._values:
            self._values.add(value)
            self._ready = False

    def name(self, name: str) -> None:
        """A name that is shown: it stays, and each part of it."""
        cuts = [0, *(i for m in re.finditer(r"[-.:/@]", name[:300]) for i in m.span())][:40]
        self._ordinary.update({name, *(name[i:j] for i in cuts for j in (*cuts, len(name)) if i < j and j - i < 300)})
        self._ready = False

    def words(self) -> set[str]:
        """The values that are short or words, so that they might be said without being meant."""
        return {value.strip() for value in self._values if not _anywhere(value.strip()) and not self._stays(value)}

    def ordinary(self, words: Iterable[str]) -> None:
        """Words that stay."""
        self._ordinary.update(words)
        self._ready = False

    def without(self, text: str, mask: str = MASK, *, words: bool = True) -> str:
        """The text, with `mask` where a value stood. `words`: also where it may be a word that is meant otherwise."""
        return cut(text, self.spans(text, words=words), mask)

    def spans(self, text: str, *, words: bool = True) -> list[tuple[int, int]]:
        """Where values stand in a text."""
        if not self._values or not text:
            return []
        if not self._ready:
            self._build()
        found = self._cache.get((text, words))
        if found is None:
            found = sorted({span for reading in readings(text) for span in self._within(reading, words)})
            if len(text) < 400:
                if len(self._cache) > _MOST_CACHED:
                    self._cache.clear()
                self._cache[text, words] = found
        return found

    def _within(self, reading: Reading, words: bool) -> Iterator[tuple[int, int]]:
        shown, index = reading.dense, self._index
        end = -1
        for i in [i for i in range(len(shown) - _ANCHOR + 1) if shown[i : i + _ANCHOR] in index]:
            for form in index[shown[i : i + _ANCHOR]]:
                stop = _stop(form, shown, i)
                if stop > end and (form.anywhere or (words and _alone(reading, form, i, stop))):
                    end = stop
                    yield reading.whole(i, stop)
        if self._small is not None and words:
            for match in self._small.finditer(reading.text):
                yield reading.back(*match.span())

    def _stays(self, value: str) -> bool:
        word = value.strip()
        return word in self._ordinary or word.lower() in EVERYDAY

    def _build(self) -> None:
        found: dict[str, _Form] = {}
        small = set()
        for value in self._values:
            stays = self._stays(value)
            for form in _forms(value, stays):
                known = found.get(form.text)
                if known is None or not known.anywhere:
                    found[form.text] = form
            if len(dense(value)) < _ANCHOR and not stays:
                small.add(value.strip())
        self._index = {}
        for form in sorted(found.values(), key=lambda form: -len(form.text)):
            self._index.setdefault(form.text[:_ANCHOR], []).append(form)
        self._small = _small(small)
        self._cache.clear()
        self._ready = True


def cut(text: str, spans: Iterable[tuple[int, int]], mask: str = MASK) -> str:
    """A text with `mask` in place of each of these spans; those that touch become one."""
    pieces, done, end = [], 0, -1
    for start, stop in sorted(spans):
        if start > end:
            pieces += [text[done:start], mask]
        end = done = max(end, stop)
    return "".join([*pieces, text[done:]])


def _stop(form: _Form, shown: str, i: int) -> int:
    """Where a form ends that begins at `i`; -1 when it does not stand there."""
    length = len(form.text)
    if shown.startswith(form.text, i):
        return i + length
    if not form.begins or not shown.startswith(form.text[:_PIECE], i):
        return -1
    length = _PIECE
    while shown[i + length : i + length + 1] == form.text[length]:
        length += 1
    return i + length


def _alone(reading: Reading, form: _Form, start: int, stop: int) -> bool:
    """Whether a form stands there as a word of its own, without gaps."""
    text = reading.text
    start, stop = reading.inner(start, stop)
    if stop - start != len(form.text):
        return False
    before, after = text[start - 1 : start] if start else "", text[stop : stop + 2]
    if before.isalnum() or before in tuple("_-/.") or after[:1].isalnum() or after[:1] in tuple("_-/"):
        return False
    return not (after[:1] == "." and after[1:].isalnum())


def _small(values: set[str]) -> re.Pattern[str] | None:
    """Finds values of three letters where they are words, and of one or two where a value stands."""
    three = "|".join(re.escape(v) for v in sorted(values) if len(v) == _ANCHOR - 1)
    less = "|".join(re.escape(v) for v in sorted(values, key=len, reverse=True) if len(v) < _ANCHOR - 1)
    before = r"(?:(?<=[=:])|(?<=[=:][ \"'])|(?<=: [\"'])|(?:(?<=^)|(?<=^[\"'])))"
    after = r"(?=[\"']?[ \t\r]*(?:$|[,;&}]))"
    parts = [
        rf"(?<![\w./-])(?:{three})(?![\w/-]|\.\w)" if three else "",
        rf"(?m:{before}(?:{less}){after})" if less else "",
    ]
    found = "|".join(part for part in parts if part)
    return re.compile(found) if found else None


# -- forms ---------------------------------------------------------------------------------------------


def _anywhere(part: str) -> bool:
    shown = dense(part)
    return len(shown) >= _LONG or (len(shown) >= _MIXED and _NO_WORD.match(part) is not None)


def _forms(value: str, stays: bool) -> Iterator[_Form]:
    """What is looked for: a value and its lines as readings show them; an ordinary word only where it is encoded."""
    for text in _whole_base64(value):
        if len(dense(text)) >= _ANCHOR:
            yield _Form(dense(text), False, False)
    if stays:
        return
    lines = [line.strip() for line in value.splitlines()] if "\n" in value.strip() else []
    for part in {value.strip(), *(line for line in lines if len(line) >= _LINE)}:
        if _BORDER.fullmatch(part) or _BRACKETS.fullmatch(part) or (part in lines and part.lower() in EVERYDAY):
            continue
        begins = part not in lines and bool(_GENERATED.fullmatch(part))
        for text in _written(part):
            shown = dense(text)
            if len(shown) >= _ANCHOR:
                yield _Form(shown, begins and len(shown) >= _PIECE, _anywhere(part) and len(shown) >= _MIXED)


def _written(value: str) -> set[str]:
    """A value as the readings of a text show it: with fewer escapes than it has itself, as bytes, in a URL's words."""
    found = {value}
    text = value
    while len(further := peeled(text)) < len(text):
        found |= {further} if 2 * len(dense(further)) >= len(value) else set()
        text = further
    found |= {re.sub(r"\s", "+", text) for text in found}
    wide = {text for text in found if not text.isascii()}
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        found |= {text.encode(encoding, "replace").decode("latin-1") for text in wide}
    # a letter beyond U+FFFF is two in JSON
    pairs = (re.sub(r"[\U00010000-\U0010ffff]", _two, text) for text in wide)
    return found | set(pairs)


def _two(found: re.Match[str]) -> str:
    raw = found[0].encode("utf-16-be")
    return chr(int.from_bytes(raw[:2], "big")) + chr(int.from_bytes(raw[2:], "big"))


def _whole_base64(value: str) -> Iterator[str]:
    for text in {value, value.strip(), value.strip() + "\n"}:
        whole = base64.b64encode(text.encode("utf-8", "replace")).decode()
        bare = whole.rstrip("=")
        yield bare if len(bare) >= _ANCHOR else whole
