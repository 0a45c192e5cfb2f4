"""What a History holds that must not be shown: Secrets, what made them, and what a name says to be secret."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final
from weakref import WeakKeyDictionary

from k8sviz.history import History, Object, Step
from k8sviz.secrets.documents import API_FIELDS, APPLIED, NAMING, PARTS, SECRET_KINDS, decoded, flagged
from k8sviz.secrets.names import holds, says_secret
from k8sviz.secrets.places import places
from k8sviz.secrets.shell import files_handed_over, settings, written_to
from k8sviz.secrets.values import MASK, Values, cut

__all__ = ["FREE", "Known", "hider", "is_secret", "known", "named_values", "option"]

# fields that hold what people wrote; all others hold Kubernetes' own words, which stay where a value is such a word
FREE: Final = frozenset(
    {
        "data",
        "binaryData",
        "stringData",
        "annotations",
        "value",
        "args",
        "command",
        "message",
        "parameters",
        "options",
        "volumeAttributes",
    }
)
_PUBLIC: Final = frozenset({"namespace", "ca.crt"})  # of a service account's token
_WORDS: Final = re.compile(r"\w+(?:[.-]\w+)*")
_OPTION: Final = re.compile(r"(-{0,2}([^\W\d][\w.-]*)=)(.+)", re.DOTALL)
_DEEP: Final = 3  # credentials within credentials


class Known:
    """Learns what is secret, and takes it out of texts. Learn all before the first text is looked through."""

    def __init__(self) -> None:
        self.values = Values()
        self._files: set[str] = set()  # that Secrets were made of
        self._read: set[str] = set()

    # -- learning ------------------------------------------------------------------------------------

    def learn(self, obj: Object, *, texts: bool = False) -> None:
        """Remember the secret values of an object, with `texts` also those that stand within its texts."""
        self._names(obj)
        self._learn(obj, "", secret=False, texts=texts)

    def learn_steps(self, steps: Iterable[Step]) -> None:
        """Remember what steps give away: their command lines, files, outputs, and what is said about them."""
        steps = list(steps)
        for step in steps:
            self._files.update(files_handed_over(step.command))
        for step in steps:
            self.learn_text(step.command, command=True)
            for text in (step.about, *step.files.values(), *(step.result[2:] if step.result else ())):
                self.learn_text(text)
            for name, text in step.files.items():
                if self.handed(name):
                    self.know(text)
                    for value in settings(text):
                        self.know(value)

    def learn_text(self, text: str, *, command: bool = False) -> None:
        """Remember the values that a text names."""
        if text in self._read:
            return
        self._read.add(text)
        for place in self._places(text, command):
            self.know(place[2])

    def know(self, value: str, deep: int = _DEEP) -> None:
        """Remember a value, and the credentials within it."""
        if value in self.values or not value.strip():
            return
        self.values.add(value)
        for inner in _within(value) if deep else ():
            self.know(inner, deep - 1)

    def handed(self, name: str) -> bool:
        """Whether a Secret was made of the file with this name."""
        return any(name == file or name.startswith(file.rstrip("/") + "/") for file in self._files if file)

    def keep_words(self, objects: Iterable[Object]) -> None:
        """Let values stay that are words of these objects' own fields, as a port or a container's name."""
        wanted = self.values.words()
        if wanted:
            self.values.ordinary({word for obj in objects for word in _own_words(obj, "") if word in wanted})

    def _names(self, obj: Object) -> None:
        """The kind and the name of an object are words that stay, and its keys, and those of a List's items."""
        items, meta = obj.get("items"), obj.get("metadata")
        for item in items if isinstance(items, list) else ():
            if isinstance(item, Mapping):
                self._names({**item, "items": None})
        named = [obj.get("kind")]
        if isinstance(meta, Mapping):
            named += [meta.get("name"), meta.get("namespace"), meta.get("generateName")]
        for name in named:
            if isinstance(name, str):
                self.values.name(name)
        for part in PARTS.values():
            table = obj.get(part)
            if isinstance(table, Mapping):
                self.values.ordinary(str(key) for key in table)

    def _learn(self, value: Any, key: str, *, secret: bool, texts: bool) -> None:
        if isinstance(value, Mapping):
            secret = secret or is_secret(value)
            for name, inner in value.items():
                if secret and str(name).lower() in PARTS:
                    public = _PUBLIC if value.get("type") == "kubernetes.io/service-account-token" else frozenset[str]()
                    self._learn_secret(inner, public)
                else:
                    self._learn(inner, str(name), secret=secret and name == "items", texts=texts)
        elif isinstance(value, list):
            for inner in value:
                self._learn(inner, key, secret=secret, texts=texts)
        elif isinstance(value, str) and texts:
            self.learn_text(value)
        for one in named_values(value):
            self.know(one)
        applied = value.get(APPLIED) if isinstance(value, Mapping) else None
        if isinstance(applied, str):
            self._learn(_json(applied), "", secret=False, texts=texts)

    def _learn_secret(self, value: Any, public: frozenset[str]) -> None:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                if key not in public:
                    self._learn_secret(inner, public)
        elif isinstance(value, list):
            for inner in value:
                self._learn_secret(inner, public)
        elif value is not None:
            self.know(str(value))
            self.know(decoded(str(value)))

    # -- taking out ----------------------------------------------------------------------------------

    def _places(self, text: str, command: bool) -> list[tuple[int, int, str]]:
        found: list[tuple[int, int, str]] = [*places(text, command=command)]
        return [*found, *written_to(text, self._files)] if self._files and command else found

    def text(self, text: str, mask: str = MASK, *, command: bool = False, words: bool = True) -> str:
        """A text without what is secret; `words` says whether a value that is a short word is meant there, too."""
        spans = [place[:2] for place in self._places(text, command)] + self.values.spans(text, words=words)
        return cut(text, spans, mask) if spans else text


_KNOWN: Final[WeakKeyDictionary[History, tuple[object, Known]]] = WeakKeyDictionary()


def known(history: History) -> Known:
    """What is secret in a History, of all its time: Secrets that come later are as secret before."""
    size = (len(history), len(history.steps), sum(step.result is not None for step in history.steps))
    found = _KNOWN.get(history)
    if found is None or found[0] != size:
        made = Known()
        for event in history:
            made.learn(event.object)
        made.learn_steps(history.steps)
        made.keep_words(history.at().objects())
        found = _KNOWN[history] = (size, made)
    return found[1]


def hider(history: History, mask: str) -> Callable[[str], str]:
    """A function that puts `mask` in place of all that is secret in a History."""
    room = known(history)

    @lru_cache(1024)
    def hide(text: str) -> str:
        return room.text(text, mask)

    return hide


# -- what is secret in an object ---------------------------------------------------------------------------


def is_secret(obj: Mapping[str, Any]) -> bool:
    """Whether it is a Secret, or a list of them; whoever writes the kind wrongly means one, too."""
    return str(obj.get("kind", "")).lower() in SECRET_KINDS


def named_values(value: Any) -> Iterator[str]:
    """The values in a mapping, or a list, that stand beside a name that says they are secret.

    >>> list(named_values({"name": "DB_PASSWORD", "value": "geheim"})), list(named_values(["--token", "geheim", "x"]))
    (['geheim'], ['geheim'])
    """
    if isinstance(value, Mapping):
        for name in value:
            if _says(value, name):
                yield from (str(one) for one in _leaves(value[name]) if holds(str(one)))
    elif isinstance(value, list):
        for one, following in pairwise(value):
            if isinstance(one, str) and isinstance(following, str) and flagged(one) and holds(following):
                yield following
        yield from (given[1] for one in value if isinstance(one, str) and (given := option(one)) is not None)


def option(word: str) -> tuple[str, str] | None:
    """A word `name=value` whose name says that its value is secret: what stands before the value, and the value.

    >>> option("--db-password=geheim"), option("--level=3")
    (('--db-password=', 'geheim'), None)
    """
    found = _OPTION.fullmatch(word)
    return (found[1], found[3]) if found and says_secret(found[2]) and holds(found[3]) else None


def _says(value: Mapping[str, Any], name: Any) -> bool:
    """Whether what stands at `name` is secret by its name, or by the one beside it."""
    if name == "value":
        return any(isinstance(value.get(n), str) and says_secret(value[n]) for n in NAMING)
    return str(name) not in API_FIELDS and says_secret(str(name))


def _leaves(value: Any) -> Iterator[Any]:
    """What a telling name holds: itself, the texts of a list, and what is called `value`."""
    if isinstance(value, Mapping):
        value = value.get("value")
    for one in value if isinstance(value, list) else (value,):
        if isinstance(one, str) or (type(one) in (int, float)):
            yield one


def _own_words(value: Any, key: str) -> Iterator[str]:
    if key in FREE or (isinstance(value, str) and says_secret(key)):
        return
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _own_words(inner, str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from _own_words(inner, key)
    elif isinstance(value, str) and len(value) <= 300:
        yield value
        yield from _WORDS.findall(value)
    elif type(value) is int:
        yield str(value)


def _within(value: str) -> Iterator[str]:
    """The credentials within a value: a docker configuration, a URL, a file of settings."""
    for place in places(value):
        yield place.value
        plain = decoded(place.value)
        if ":" in plain:  # a docker configuration's auth
            yield plain
            yield plain.partition(":")[2]
    found = _json(value)
    if isinstance(found, dict | list):
        yield from (leaf for leaf in _texts(found) if len(leaf) >= 8)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(inner)


def _json(text: str) -> Any:
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
