"""What is written on a node and how large that makes it: the one place that DOT, layout and SVG agree on."""

from typing import Final, NamedTuple

from k8sviz.diagrams.kit.model import Group, Node
from k8sviz.letters import printable
from k8sviz.render.measure import shorten, text_width

__all__ = [
    "FACT",
    "KIND",
    "LABEL",
    "NAME",
    "Card",
    "card",
    "group_state",
    "group_title",
    "headline",
    "kind_words",
    "label_lines",
    "label_size",
    "whole",
    "whole_label",
    "whole_title",
]

NAME, KIND, FACT, LABEL = 13.0, 10.0, 11.0, 11.0  # font sizes in pixels
_LINE: Final = 15.0
_PAD: Final = 10.0
_MOST_NAME: Final = 36
_MOST_FACT: Final = 40
_MOST_FACTS: Final = 9
_MOST_LABEL: Final = 24
_MOST_LINES: Final = 5
_MOST_TITLE: Final = 160
_WHOLE: Final = 400  # letters: no name in Kubernetes is longer than 253


class Card(NamedTuple):
    """A node as lines of text, and its size in pixels."""

    kind: str
    name: str
    facts: tuple[str, ...]
    state: str
    width: float
    height: float


def kind_words(kind: str) -> str:
    """A kind as people read it: PersistentVolumeClaim stays as Kubernetes writes it."""
    return printable(shorten(kind, _MOST_NAME))


def card(node: Node) -> Card:
    """The lines on a node's card: kind, name, facts, state; long ones shortened in the middle."""
    kind = kind_words(node.kind) + (f"  × {node.count}" if node.count > 1 else "")
    name = printable(shorten(node.name, _MOST_NAME))
    facts = tuple(printable(shorten(f, _MOST_FACT)) for f in node.facts)
    if len(facts) > _MOST_FACTS:
        facts = (*facts[: _MOST_FACTS - 1], f"… {len(facts) - _MOST_FACTS + 1} more")
    state = printable(shorten(node.state, _MOST_FACT))
    width = max(
        text_width(kind, KIND, bold=True) + 16,
        text_width(name, NAME, bold=True),
        *(text_width(f, FACT) for f in facts),
        text_width(state, FACT, bold=True) + 20 if state else 0,
        60.0,
    )
    height = _PAD * 1.4 + 12 + _LINE + 2 + _LINE * len(facts) + (18 if state else 0)
    return Card(kind, name, facts, state, round(width + 2 * _PAD + 6), round(height))


def whole(node: Node) -> list[str]:
    """The lines of a node in full, for exports: its object's own name, all facts, nothing shortened in the middle."""
    kind = kind_words(node.kind) + (f"  × {node.count}" if node.count > 1 else "")
    name = node.ref.name if node.ref is not None and "…" in node.name else node.name
    return [printable(shorten(line, _WHOLE)) for line in (kind, name, *node.facts)]


def whole_label(label: str) -> list[str]:
    """An edge's words in full, in the lines that they came in."""
    return [printable(line) for line in shorten(label, _MOST_LINES * _WHOLE).split("\n")]


def whole_title(group: Group) -> str:
    """The words on a frame in full."""
    return _title(group, _WHOLE, _WHOLE)


def label_size(label: str) -> tuple[float, float]:
    """Width and height in pixels of the words on an edge, line by line."""
    lines = label_lines(label)
    return max(text_width(line, LABEL) for line in lines) + 10, 14.0 * len(lines) + 2


def label_lines(label: str) -> list[str]:
    """An edge's words in short lines, since a long line pushes the things it joins apart."""
    lines: list[str] = []
    for part in shorten(label, _MOST_LINES * 400).split("\n"):
        line = ""
        for word in printable(part).split(" "):
            word = shorten(word, _MOST_LABEL)
            if line and len(line) + 1 + len(word) > _MOST_LABEL:
                lines.append(line)
                line = word
            else:
                line = f"{line} {word}".strip()
        lines.append(line)
    return [*lines[: _MOST_LINES - 1], "…"] if len(lines) > _MOST_LINES else lines


def headline(text: str) -> str:
    """A picture's title or a note below it: one line, shortened where it would make the picture endlessly wide."""
    return printable(shorten(text, _MOST_TITLE))


def group_state(group: Group) -> str:
    """The state on a frame."""
    return printable(shorten(group.state, _MOST_FACT))


def group_title(group: Group) -> str:
    """The words on a frame: kind, name, state and facts in one line."""
    return _title(group, 48, _MOST_FACT)


def _title(group: Group, most_name: int, most_fact: int) -> str:
    words = [f"{kind_words(group.kind)} {printable(shorten(group.name, most_name))}".strip()]
    if group.count > 1:
        words[0] += f" × {group.count}"
    words += [printable(shorten(f, most_fact)) for f in group.facts]
    return " · ".join(w for w in words if w)
