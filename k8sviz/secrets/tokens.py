"""Recordings that may be shared are default-deny: what `kept.toml` names stays, all else becomes a token.

A token has the length of what it stands for, and equal values have equal tokens within one recording, so that it stays
visible that a file has followed its key. It is keyed with a random key that is never stored: nothing can be read back,
not by guessing either.
"""

from __future__ import annotations

import base64
import json
import os
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import Any, Final

from k8sviz.history import History, Object, Result, Step
from k8sviz.secrets.documents import APPLIED, PARTS
from k8sviz.secrets.found import Known
from k8sviz.secrets.redact import rewritten

__all__ = ["TOKENS", "Tokens", "denied"]

TOKENS: Final = "tokens"  # as the header says it
KEPT: Final[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "kept.toml").read_text(encoding="utf-8"))

# as Kubernetes names what it generates: no vowels, so that no token is a word (apimachinery, util/rand)
_LETTERS: Final = "bcdfghjklmnpqrstvwxz2456789"
_SHAPE: Final = re.compile(r"[!-~]{0,253}")  # a word of Kubernetes' own: no white space, no control character
_KEY: Final = re.compile(r"[\w.:/@~*$-]{1,253}", re.ASCII)
_REFERENCE: Final = re.compile(r"(\$\$|\$\(([\w.-]+)\))")
_FREE: Final = frozenset(KEPT["free"]["fields"])
_LABELS: Final = re.compile(KEPT["labels"]["keys"])
_ANNOTATIONS: Final = re.compile(KEPT["annotations"]["keys"])
_MESSAGES: Final[dict[str, Any]] = KEPT["messages"]
_WORDS: Final = frozenset(_MESSAGES["words"].split())
_NUMBERS: Final = frozenset(_MESSAGES["numbers"].split())
_WRITERS: Final = re.compile(_MESSAGES["writers"])
_PRINTS: Final = re.compile(_MESSAGES["prints"])
_PIECES: Final = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|((?:[^\s\"'`(){}\[\],;|&<>]|(?<=\w)'(?=\w))+)")
_BARE: Final = re.compile(_PIECES.pattern.replace('\\"(', "(?!)("))
_JOINTS: Final = re.compile(r"([/:=@$*]+)")
_FINER: Final = re.compile(r"([-._]+)")
_NUMBER: Final = re.compile(r"[<>~+-]?\d+[a-zA-Z%]{0,3}(?:\d+[a-z]{1,2})*")
_MOST_TRIES: Final = 64

Tree = dict[str, Any]


class Tokens:
    """Tokens for values: of the same length in bytes, line by line; equal for equal values, different for others.

    >>> tokens = Tokens()
    >>> one, again, other = tokens.text("geheim"), tokens.text("geheim"), tokens.text("anders")
    >>> len(one), one == again, one == other, "geheim" in one
    (6, True, False, False)
    """

    def __init__(self) -> None:
        self._key = os.urandom(32)  # forgotten with this object
        self._made: dict[str, str] = {}
        self._taken: set[str] = set()

    def text(self, value: str) -> str:
        """The token of a text; its lines stay lines."""
        return "\n".join(self._line(line) for line in value.split("\n"))

    def number(self, value: float) -> float:
        """The token of a number: one with as many digits."""
        digits = "".join(str(1 + byte % 9) for byte in self._bytes(repr(value), len(str(int(abs(value))))))
        return int(digits) if isinstance(value, int) else float(digits)

    def encoded(self, value: str) -> str:
        """The token of a base64 value: base64 of a token of the same size."""
        try:
            raw = base64.b64decode("".join(value.split()), validate=True)
        except ValueError:
            return self.text(value)
        try:
            return base64.b64encode(self.text(raw.decode()).encode()).decode()
        except UnicodeDecodeError:
            return base64.b64encode(self._bytes(value, len(raw))).decode()

    def _line(self, line: str) -> str:
        plain = line.strip()
        if not plain:
            return line
        made = self._made.get(plain)
        if made is None:
            made = self._made[plain] = self._new(plain)
        at = line.index(plain)
        return line[:at] + made + line[at + len(plain) :]

    def _new(self, plain: str) -> str:
        size = len(plain.encode("utf-8", "replace"))
        for attempt in count():
            made = "".join(_LETTERS[byte % len(_LETTERS)] for byte in self._bytes(f"{attempt} {plain}", size))
            if (made not in self._taken and made != plain) or attempt >= _MOST_TRIES:
                break
        self._taken.add(made)
        return made

    def _bytes(self, of: str, size: int) -> bytes:
        whole = of.encode("utf-8", "replace")
        blocks = (blake2b(b"%d " % i + whole, key=self._key).digest() for i in range(-(-size // 64)))
        return b"".join(blocks)[:size]


class Denier:
    """Keeps of objects and steps what `kept.toml` names. Learn every object first: messages keep their names."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._tokens = Tokens()
        self._shown: set[str] = set()  # names and other words that stay
        self._free: set[str] = set()  # the lines of values that became tokens

    # -- objects -------------------------------------------------------------------------------------

    def show(self, word: str) -> None:
        """A word that stays."""
        self._shown.add(word)

    def learn(self, obj: Object) -> None:
        """Remember what stays of an object, and what does not."""
        self.object(obj)

    def object(self, obj: Object) -> Object:
        """An object with tokens in place of all that is not kept."""
        kind = obj.get("kind")
        tree = _trees().get(kind if isinstance(kind, str) else "")
        made: Object = {}
        for key, value in obj.items():
            if key in ("kind", "apiVersion"):
                made[key] = self._word(value)
            elif key == "items" and isinstance(value, list):
                made[key] = [self.object(item) if isinstance(item, dict) else self._token(item) for item in value]
            elif kind == "Secret" and key in PARTS.values():
                made[key] = self._data(value, encoded=key == "data")
            else:
                rule = (tree or _trees()[""]).get(key)
                made[key] = self._kept(
                    value,
                    rule,
                    obj,
                    key == "binaryData",
                    typed=tree is not None and (key not in _FREE or isinstance(rule, dict)),
                )
        return made

    def _data(self, value: Any, *, encoded: bool) -> Any:
        if not isinstance(value, Mapping):
            return self._token(value)
        return {self._name(key): self._token(one, encoded=encoded) for key, one in value.items()}

    def _kept(self, value: Any, rule: Any, parent: Mapping[str, Any], encoded: bool = False, *, typed: bool) -> Any:
        """What stays of a value; `typed`: the API knows its type, and a number in it is one of Kubernetes'."""
        if isinstance(value, Mapping):
            if isinstance(rule, str) and rule in ("labels", "annotations"):
                return {self._name(key): self._labelled(key, one, rule) for key, one in value.items()}
            if rule == "expression":
                return self._expression(value)
            return {
                self._name(key): self._kept(one, _below(rule, key), value, encoded, typed=typed and key not in _FREE)
                for key, one in value.items()
            }
        if isinstance(value, list):
            return [self._kept(one, rule, parent, encoded, typed=typed) for one in value]
        if not isinstance(value, str):
            return value if typed or value is None or isinstance(value, bool) else self._token(value)
        return self._leaf(value, rule, parent, encoded)

    def _leaf(self, value: str, rule: Any, parent: Mapping[str, Any], encoded: bool) -> str:
        if rule == "message":
            return self._message(value, parent)
        if rule == "words":
            pieces = _REFERENCE.split(value)
            return "".join(
                whole if whole == "$$" or (name and name in self._shown) else self._tokens.text(whole)
                for whole, name in _pairs(pieces)
            )
        if rule in ("keep", "**") or (isinstance(rule, dict) and not rule):
            return str(self._word(value))
        return str(self._token(value, encoded=encoded))

    def _labelled(self, key: str, value: Any, rule: str) -> Any:
        if rule == "annotations" and key == APPLIED and isinstance(value, str):
            return self._applied(value)
        known = (_LABELS if rule == "labels" else _ANNOTATIONS).fullmatch(str(key))
        return self._word(value) if known else self._token(value)

    def _applied(self, value: str) -> str:
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            return self._tokens.text(value)
        return json.dumps(self.object(found), separators=(",", ":"), ensure_ascii=False) + "\n"

    def _expression(self, value: Mapping[str, Any]) -> Object:
        key = value.get("key")
        values = value.get("values")
        made = {name: self._word(one) for name, one in value.items() if name in ("key", "operator")}
        if isinstance(values, list):
            made["values"] = [self._labelled(str(key), one, "labels") for one in values]
        return made

    def _name(self, key: Any) -> str:
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            return self._tokens.text(str(key))
        return str(self._word(key))

    def _word(self, value: Any) -> Any:
        """A word that stays, if it is one word."""
        if not isinstance(value, str):
            return value if value is None or isinstance(value, bool | int | float) else self._token(value)
        if not _SHAPE.fullmatch(value):
            return self._tokens.text(value)
        self._shown.add(value)
        return value

    def _token(self, value: Any, *, encoded: bool = False) -> Any:
        if isinstance(value, Mapping):
            return {self._name(key): self._token(one, encoded=encoded) for key, one in value.items()}
        if isinstance(value, list):
            return [self._token(one, encoded=encoded) for one in value]
        if isinstance(value, str):
            if encoded:
                return self._tokens.encoded(value)
            self._free.update(line.strip() for line in value.split("\n"))
            return self._tokens.text(value)
        return value if value is None or isinstance(value, bool) else self._tokens.number(value)

    # -- texts ---------------------------------------------------------------------------------------

    def _message(self, message: str, parent: Mapping[str, Any]) -> str:
        reason = parent.get("reason")
        source = parent.get("source")
        writer = parent.get("reportingComponent") or (source.get("component") if isinstance(source, Mapping) else "")
        if reason in _MESSAGES["free"] or not _WRITERS.fullmatch(str(writer or "")):
            return self._tokens.text(message)
        return self.text(message, printed=reason in _MESSAGES["printed"])

    def text(self, text: str, *, printed: bool = False, quotes: bool = True) -> str:
        """A text with tokens in place of the words that nobody knows; `printed`: numbers in it may be values.

        What stands in `quotes` is one word, unless they are a shell's.
        """
        pattern = _PIECES if quotes else _BARE
        return "\n".join(self._line(line, printed, pattern) for line in text.split("\n"))

    def _line(self, line: str, printed: bool, pattern: re.Pattern[str]) -> str:
        if line.strip() in self._free and line.strip() not in self._shown:
            return self._tokens.text(line)
        last = [""]

        def instead(found: re.Match[str]) -> str:
            if found[1] is not None:
                return f'"{found[1] if self._named(found[1]) else self._tokens.text(found[1])}"'
            return self._spoken(found[2], last, printed)

        return pattern.sub(instead, line)

    def _named(self, word: str) -> bool:
        """Whether a word is a name that is shown, or made of such names."""
        return word in self._shown or all(part in self._shown or not part for part in re.split(r"[/:]", word))

    def _spoken(self, word: str, last: list[str], printed: bool) -> str:
        bare = word.rstrip(".:!?")
        if bare in self._shown:
            last[0] = bare
            return word
        pieces = _JOINTS.split(bare)
        made = [piece if i % 2 else self._piece(piece, last, printed) for i, piece in enumerate(pieces)]
        return "".join(made) + word[len(bare) :]

    def _piece(self, piece: str, last: list[str], printed: bool) -> str:
        if not piece or piece in self._shown:
            return piece
        if piece in self._free:
            return self._tokens.text(piece)
        before, last[0] = last[0], piece.strip("-").lower()
        if self._plain(piece, before, printed):
            return piece
        finer = _FINER.split(piece)
        return "".join(
            part if i % 2 or not part or self._plain(part, before, printed) else self._tokens.text(part)
            for i, part in enumerate(finer)
        )

    def _plain(self, piece: str, before: str, printed: bool) -> bool:
        if _NUMBER.fullmatch(piece):
            return not printed or before in _NUMBERS
        word = piece.strip("-").lower()
        if not any(c.isalnum() for c in word):
            return True
        return word in _WORDS or word.removesuffix("'s") in _WORDS

    def step(self, step: Step) -> Step:
        """A step with tokens in place of all words that nobody knows (its result as well)."""
        shows = _PRINTS.search(step.command) is not None
        said = step.result
        result = said and Result(
            said.t,
            said.exit_code,
            self.text(said.stdout, printed=shows, quotes=False),
            self.text(said.stderr, printed=shows),
        )
        files = {self.text(name): self.text(text, printed=True, quotes=False) for name, text in step.files.items()}
        command = self.text(step.command, printed=True, quotes=False)
        about = self.text(step.about, printed=True, quotes=False)
        return step._replace(command=command, files=files, about=about, result=result)


class _Both:
    """Default-deny first; in what it kept, what is known to be secret is looked for all the same."""

    def __init__(self, denier: Denier, known: Known) -> None:
        self._denier, self._values = denier, known.values

    def text(self, text: str) -> str:
        return self._values.without(self._denier.text(text), words=False)

    def object(self, obj: Object) -> Object:
        return self._clean(self._denier.object(obj))  # type: ignore[no-any-return]

    def _clean(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {self._values.without(key, words=False): self._clean(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._clean(one) for one in value]
        return self._values.without(value, words=False) if isinstance(value, str) else value

    def step(self, step: Step) -> Step:
        made = self._denier.step(step)
        said, without = made.result, self._values.without
        result = said and Result(said.t, said.exit_code, without(said.stdout), without(said.stderr))
        files = {without(name): without(text) for name, text in made.files.items()}
        return made._replace(command=without(made.command), about=without(made.about), files=files, result=result)


def denied(history: History) -> History:
    """The same History with a token for every value that pictures and reasons do not need.

    `about.values` then says `tokens`.
    """
    known = Known()
    known.learn_steps(history.steps)
    for event in history:
        known.learn(event.object, texts=True)
    known.keep_words(event.object for event in history)
    denier = Denier(known)
    for event in history:
        denier.learn(event.object)
    for word in (history.about.name, history.about.namespace, *(step.id for step in history.steps)):
        denier.show(word)
    made = rewritten(history, _Both(denier, known))
    made.about = made.about._replace(values=TOKENS)
    return made


# -- the schema --------------------------------------------------------------------------------------------


@cache
def _trees() -> dict[str, Tree]:
    """What is kept of each kind, as a tree of fields; of any other kind (\"\"), its metadata."""
    found = {kind: _tree(["metadata=@metadata", *paths]) for kind, paths in KEPT["kinds"].items()}
    return {**found, "": _tree(["metadata=@metadata"])}


def _tree(paths: list[str]) -> Tree:
    tree: Tree = {}
    for path in paths:
        place, _, how = path.partition("=")
        *parents, last = place.split(".")
        node = tree
        for field in parents:
            node = node.setdefault(field, {})
        if last == "**":
            node["**"] = "**"
        else:
            node[last] = _tree(KEPT["parts"][how[1:]]) if how.startswith("@") else how or "keep"
    return tree


def _below(rule: Any, key: Any) -> Any:
    """The rule for a field below one with this rule."""
    if rule == "**":
        return "**"
    return rule.get(key, rule.get("**")) if isinstance(rule, dict) else None


def _pairs(pieces: list[str | None]) -> list[tuple[str, str | None]]:
    """What `_REFERENCE.split` gives, as texts and, for references, their names."""
    found: list[tuple[str, str | None]] = []
    for i in range(0, len(pieces), 3):
        found.append((pieces[i] or "", None))
        if i + 1 < len(pieces):
            found.append((pieces[i + 1] or "", pieces[i + 2]))
    return found
