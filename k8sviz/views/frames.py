"""A story over a History as a film: the pictures that differ, and only what changes from one to the next.

Everything is computed and escaped here, once; a player only shows and hides ready fragments, so that it needs
neither a kernel nor any idea of Kubernetes, and nothing from a cluster becomes markup on a page.
"""

from __future__ import annotations

import base64
import json
import math
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from k8sviz.diagrams.kit.model import Diagram, Edge, Group, Node
from k8sviz.errors import K8svizError
from k8sviz.history import History, Snapshot, Step
from k8sviz.letters import printable
from k8sviz.render.layout import Layout, layout
from k8sviz.render.svg import edge_svg, group_svg, node_svg, svg
from k8sviz.render.text import text
from k8sviz.secrets.found import hider
from k8sviz.views.changes import Change, changes
from k8sviz.views.union import union
from k8sviz.words import say, templates

__all__ = ["FORMAT", "Film", "Frame", "Item", "Story", "film", "pack"]

FORMAT: Final = "k8sviz.player/v1"
Story: TypeAlias = Callable[[Snapshot], Diagram]
HIDDEN: Final = "•••"
_MOST_OUTPUT: Final = 20_000  # letters of one command's output


class Item(NamedTuple):
    """One thing in the picture, by what it is and its id in the Diagram."""

    layer: Literal["group", "edge", "node"]
    id: str


@dataclass(frozen=True, slots=True)
class Frame:
    """The picture from `t` seconds on: its Diagram, each item's fragment of SVG, and what differs from the last."""

    t: float
    diagram: Diagram
    shown: Mapping[Item, str]
    appeared: tuple[Item, ...] = ()
    changed: tuple[Item, ...] = ()
    gone: tuple[Item, ...] = ()


class Film:
    """All frames of a story over a History, in one layout, with the steps and events that go with them."""

    def __init__(self, frames: Sequence[Frame], placed: Layout, whole: Diagram, history: History) -> None:
        self.frames = tuple(frames)
        self.layout = placed
        self.whole = whole
        self.history = history
        self.end = history.end

    def at(self, t: float) -> Frame:
        """The frame that shows at `t` seconds; the first one for any time before it."""
        return self.frames[max(0, bisect_right(self.frames, t, key=lambda frame: frame.t) - 1)]

    def telling(self, at: str | float | None = None) -> Frame:
        """The frame for places that cannot play: at a step's id or a time in seconds, or the richest one.

        The richest has most relations, then most nodes; of several the last. Raises K8svizError for an
        unknown step.
        """
        if at is not None:
            return self.at(self.history.time(at))
        return max(self.frames, key=lambda f: (len(f.diagram.edges), len(f.diagram.nodes), f.t))

    def still(self, at: str | float | None = None, *, theme: str = "light") -> str:
        """One frame as a whole SVG picture, in a layout of its own, with its moment in the title.

        Raises K8svizError for an unknown step.
        """
        frame = self.telling(at)
        title = frame.diagram.title or self.whole.title
        caption = say("views.moment.caption", title=title, at=self.moment(frame))
        return svg(frame.diagram._replace(title=caption), theme=theme, alt=text(frame.diagram))

    def moment(self, frame: Frame) -> str:
        """When a frame is, in words: its seconds, and the step before it."""
        step = self.history.step_at(frame.t)
        if step is None:
            return say("views.moment.time", t=f"{frame.t:.1f}")
        return say("views.moment.step", t=f"{frame.t:.1f}", step=step.id)

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """What there ever is, in the order in which it is drawn: frames, lines, nodes."""
        groups = [Item("group", g.id) for g in self.whole.groups if g.id in self.layout.groups]
        edges = [Item("edge", e.id) for e in self.whole.edges if e.id in self.layout.edges]
        return (*groups, *edges, *(Item("node", n.id) for n in self.whole.nodes))

    def payload(self, *, title: str = "", start: str | float | None = 0.0, secrets: bool = False) -> dict[str, Any]:
        """The film as plain data for a page: JSON-able, each fragment and each line of text once.

        `start` is where playing begins: a step's id or seconds. `secrets` leaves values of Secrets in what
        commands printed; they are hidden otherwise. Raises K8svizError for an unknown step.
        """
        hide = (lambda words: words) if secrets else hider(self.history, HIDDEN)
        parts, lines = _Table(), _Table()
        frames = _packed_frames(self, parts, lines)
        return {
            "format": FORMAT,
            "title": printable(title or self.history.about.title or self.whole.title),
            "width": math.ceil(self.layout.width),
            "height": math.ceil(self.layout.height),
            "start": self.history.time(start),
            "end": self.end,
            "items": _named_items(self),
            "parts": parts.rows,
            "lines": lines.rows,
            "frames": frames,
            "steps": [_step(self.history, i, hide) for i in range(len(self.history.steps))],
            "changes": [_change_row(c, hide) for c in changes(self.history)],
            "words": templates("views")["player"],
        }


class _Table:
    """Texts that come again and again, each kept once and named by its number."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, row: str) -> int:
        found = self._numbers.get(row)
        if found is None:
            found = self._numbers[row] = len(self.rows)
            self.rows.append(row)
        return found


# -- from History to frames -----------------------------------------------------------------------


def film(history: History, story: Story) -> Film:
    """Every picture of a story over a History, in one layout that holds all of them.

    The story is asked at each time at which anything changed; only pictures that differ are kept. A story whose
    object is not there yet shows nothing. Raises K8svizError when the story fails at every time.
    """
    times = sorted({0.0, *history.times()})
    pictures = _pictures(history, story, times)
    whole = union([diagram for _, diagram in pictures])
    placed = layout(whole)
    draw = _Drawer(placed)
    frames: list[Frame] = []
    for t, diagram in pictures:
        frames.append(_frame(t, diagram, draw(diagram), frames[-1].shown if frames else {}))
    return Film(frames, placed, whole, history)


def _pictures(history: History, story: Story, times: Iterable[float]) -> list[tuple[float, Diagram]]:
    pictures: list[tuple[float, Diagram]] = []
    failure: K8svizError | None = None
    worked = False
    for t in times:
        try:
            diagram = story(history.at(t))
            worked = True
        except K8svizError as error:
            failure, diagram = error, Diagram("", "")
        if not pictures or diagram != pictures[-1][1]:
            pictures.append((t, diagram))
    if failure is not None and not worked:
        raise failure
    return pictures


class _Drawer:
    """Draws each thing into its place; a thing that looks as it did before is not drawn again."""

    def __init__(self, placed: Layout) -> None:
        self._placed = placed
        self._drawn: dict[Group | Edge | Node, str] = {}

    def __call__(self, diagram: Diagram) -> dict[Item, str]:
        return {item: self._fragment(thing, draw) for item, thing, draw in self._things(diagram)}

    def _things(self, diagram: Diagram) -> Iterator[tuple[Item, Group | Edge | Node, Callable[[], str]]]:
        at = self._placed
        for g in diagram.groups:
            if g.id in at.groups:
                yield Item("group", g.id), g, partial(group_svg, g, at.groups[g.id])
        here = {n.id for n in diagram.nodes}
        for e in diagram.edges:
            if e.id in at.edges and e.source in here and e.target in here:
                yield Item("edge", e.id), e, partial(edge_svg, e, at.edges[e.id])
        for n in diagram.nodes:
            yield Item("node", n.id), n, partial(node_svg, n, at.nodes[n.id])

    def _fragment(self, thing: Group | Edge | Node, draw: Callable[[], str]) -> str:
        found = self._drawn.get(thing)
        if found is None:
            found = self._drawn[thing] = draw()
        return found


def _frame(t: float, diagram: Diagram, shown: Mapping[Item, str], before: Mapping[Item, str]) -> Frame:
    return Frame(
        t,
        diagram,
        shown,
        appeared=tuple(i for i in shown if i not in before),
        changed=tuple(i for i in shown if i in before and before[i] != shown[i]),
        gone=tuple(i for i in before if i not in shown),
    )


# -- from frames to plain data --------------------------------------------------------------------


def _named_items(made: Film) -> list[list[str]]:
    """Layer and name of each item; the name is what people read in the list of what is new."""
    names: dict[Item, str] = {}
    for frame in made.frames:
        for group in frame.diagram.groups:
            names.setdefault(Item("group", group.id), f"{group.kind} {group.name}")
        for node in frame.diagram.nodes:
            names.setdefault(Item("node", node.id), f"{node.kind} {node.name}")
    return [[item.layer, printable(names.get(item, ""))] for item in made.items]


def _packed_frames(made: Film, parts: _Table, lines: _Table) -> list[dict[str, Any]]:
    numbers = {item: n for n, item in enumerate(made.items)}
    packed: list[dict[str, Any]] = []
    said: list[int] = []
    for frame in made.frames:
        row: dict[str, Any] = {"t": frame.t}
        put = [[numbers[i], parts.number(frame.shown[i])] for i in (*frame.appeared, *frame.changed)]
        gone = [numbers[i] for i in frame.gone]
        words = [lines.number(line) for line in text(frame.diagram).split("\n")] if frame.diagram.nodes else []
        splice = _splice(said, words)
        notes = [printable(note) for note in frame.diagram.notes]
        row |= {k: v for k, v in (("put", put), ("gone", gone), ("text", splice), ("notes", notes)) if v}
        packed.append(row)
        said = words
    return packed


def _splice(old: list[int], new: list[int]) -> list[Any]:
    """How to get from one list to the next: where, how many go, what comes; [] when nothing changes."""
    if old == new:
        return []
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return [head, len(old) - head - tail, new[head : len(new) - tail]]


def _step(history: History, number: int, hide: Callable[[str], str]) -> dict[str, Any]:
    step = history.steps[number]
    row: dict[str, Any] = {
        "t": step.t,
        "settled": _settled(history, number),
        "id": printable(step.id),
        "command": _terminal(hide(step.command)),
        "about": printable(hide(step.about)),
    }
    return row | _result(step, hide)


def _settled(history: History, number: int) -> float:
    """Just before the next step; by place, since a step may have been run twice under one id."""
    steps = history.steps
    return math.nextafter(steps[number + 1].t, -math.inf) if number + 1 < len(steps) else history.end


def _result(step: Step, hide: Callable[[str], str]) -> dict[str, Any]:
    if step.result is None:
        return {}
    out, err = (_terminal(hide(s)) for s in (step.result.stdout, step.result.stderr))
    return {"ended": step.result.t, "code": step.result.exit_code, "out": out, "err": err}


def _terminal(words: str) -> str:
    """What a terminal printed: its lines and tabs stay, nothing else that hides or turns text around does."""
    if len(words) > _MOST_OUTPUT:
        words = words[:_MOST_OUTPUT] + "\n…"
    lines = words.replace("\r\n", "\n").split("\n")
    return "\n".join("\t".join(printable(cell) for cell in line.split("\t")) for line in lines)


def _change_row(change: Change, hide: Callable[[str], str]) -> list[Any]:
    what = printable(hide(change.what))
    return [change.t, change.verb, printable(change.kind), printable(change.name), what, int(change.warns)]


def pack(payload: Mapping[str, Any]) -> str:
    """A payload as one compressed word, for places that keep text as it is: a notebook's widget state."""
    plain = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    return base64.b64encode(zlib.compress(plain, 9)).decode("ascii")
