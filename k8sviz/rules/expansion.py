"""`$(VAR)` in `value`, `command`, `args` and `subPathExpr`, expanded as the kubelet does.

Rule: third_party/forked/golang/expansion. A value that cannot be known before the Pod runs is None, and so is every
text that needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["expand", "references"]


def expand(text: str, values: Mapping[str, str | None]) -> str | None:
    """The text with each `$(NAME)` replaced; None when it needs a value that is not known.

    `$$` is an escaped `$`. A name without a variable stays as written, and so does an opening without its end.
    What is put in is not expanded again.

    >>> expand("$(GREETING), $$(GREETING) $(NOBODY) $(GREET", {"GREETING": "hi $(X)"})
    'hi $(X), $(GREETING) $(NOBODY) $(GREET'
    >>> expand("node $(NODE)", {"NODE": None}) is None
    True
    """
    unknown = False

    def put(name: str) -> str:
        nonlocal unknown
        value = values.get(name, f"$({name})")
        unknown = unknown or value is None
        return value or ""

    expanded = "".join(_pieces(text, put))
    return None if unknown else expanded


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
