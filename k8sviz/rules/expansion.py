"""`$(VAR)` in `value`, `command`, `args` and `subPathExpr`, expanded as the kubelet does.

Rule: third_party/forked/golang/expansion. A value that cannot be known before the Pod runs is None, and so is every
text that needs it. Texts that refer to each other can double with each step, so what Linux would hand to no program is
not made: a few variables would take all memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

__all__ = ["LONGEST", "MOST", "expand", "expand_all", "is_too_long", "references"]

LONGEST: Final = 128 * 1024 - 1
"""Bytes that Linux hands to a program as one variable or one argument (MAX_ARG_STRLEN without its NUL)."""
MOST: Final = 2 * 1024 * 1024
"""Bytes of all variables and arguments together (a quarter of the usual stack of 8 MiB; execve(2), E2BIG)."""


def expand(text: str, values: Mapping[str, str | None], most: int = LONGEST) -> str | None:
    """The text with each `$(NAME)` replaced; None when it needs a value that is not known, or grows beyond `most`.

    `$$` is an escaped `$`. A name without a variable stays as written, and so does an opening without its end.
    What is put in is not expanded again.

    >>> expand("$(GREETING), $$(GREETING) $(NOBODY) $(GREET", {"GREETING": "hi $(X)"})
    'hi $(X), $(GREETING) $(NOBODY) $(GREET'
    >>> expand("node $(NODE)", {"NODE": None}) is None
    True
    """
    if "$" not in text:
        return text
    unknown = False

    def put(name: str) -> str:
        nonlocal unknown
        value = values.get(name, f"$({name})")
        unknown = unknown or value is None
        return value or ""

    made: list[str] = []
    for piece in _pieces(text, put):
        most -= len(piece)
        if unknown or most < 0:
            return None
        made.append(piece)
    return "".join(made)


def expand_all(texts: Iterable[str], values: Mapping[str, str | None], most: int = MOST) -> list[str | None]:
    """Each text expanded; None also from where on all that was made would be beyond `most`.

    >>> expand_all(["$(A)", "$(A)", "b"], {"A": "12"}, most=3)
    ['12', None, 'b']
    """
    found: list[str | None] = []
    for text in texts:
        made = expand(text, values, min(most, LONGEST))
        if made is not None and made is not text:
            most -= len(made)
        found.append(made)
    return found


def is_too_long(text: str, values: Mapping[str, str | None]) -> bool:
    """Whether a text that `expand` made None of needs nothing unknown, and would only be too long."""
    return all(values.get(name, "") is not None for name in references(text))


def references(text: str) -> list[str]:
    """The names that the text refers to, in order, escaped ones left out.

    >>> references("$(A)$$(B)$(C)$(A)")
    ['A', 'C', 'A']
    """
    found: list[str] = []

    def note(name: str) -> str:
        found.append(name)
        return ""

    for _ in _pieces(text, note):
        pass
    return found


def _pieces(text: str, put: Callable[[str], str]) -> Iterator[str]:
    start = 0
    while (at := text.find("$", start)) >= 0:
        yield text[start:at]
        following = text[at + 1 : at + 2]
        end = text.find(")", at + 2) if following == "(" else -1
        if end >= 0:
            yield put(text[at + 2 : end])
            start = end + 1
        else:
            # "$$" is one "$"; a "$" before anything else stands for itself
            yield "$" if following == "$" else f"${following}"
            start = at + 1 + len(following)
    yield text[start:]
