"""Where everything goes: Graphviz lays a Diagram out, in the process, with no program to install.

Graphviz only places boxes whose sizes we know; it never measures text, so pictures are the same everywhere.
Above `LARGE` nodes its time grows too fast, and plain columns take its place.
"""

import contextlib
import functools
import importlib.machinery
import importlib.util
import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

from k8sviz.diagrams.kit.model import SIDE, Diagram
from k8sviz.render.boxes import layout_dot
from k8sviz.render.cards import card

__all__ = ["LARGE", "Box", "Layout", "Line", "layout"]

# measured on two cores: 250 nodes and 400 edges take 0.2 s, 500 and 800 1.6 s, 1,000 and 1,600 8 s
LARGE: Final = 250
# columns that all edges pass together, since Graphviz gives each a place in every one: 800 take 0.3 s, 3,200 11 s
_FARTHEST: Final = 1200
_MARGIN: Final = 14.0


class Box(NamedTuple):
    """A rectangle in pixels, from its top left corner."""

    x: float
    y: float
    width: float
    height: float


class Line(NamedTuple):
    """An edge's path as SVG writes it, where it ends and from where it comes there, and its label's middle."""

    path: str
    tip: tuple[float, float]
    before: tuple[float, float]
    label: tuple[float, float] | None


class Layout(NamedTuple):
    """Places for the nodes, edges and groups of a Diagram, by their ids, in pixels."""

    width: float
    height: float
    nodes: dict[str, Box]
    edges: dict[str, Line]
    groups: dict[str, Box]


@functools.lru_cache(maxsize=64)
def layout(diagram: Diagram) -> Layout:
    """Places for everything in the Diagram: by Graphviz, or in columns when it is too large for that."""
    if not diagram.nodes and not diagram.groups:
        return Layout(2 * _MARGIN, 2 * _MARGIN, {}, {}, {})
    sides = [g.id for g in diagram.groups if g.id.startswith(SIDE)]
    if sides:
        return _stacked(diagram, sides)
    if len(diagram.nodes) <= LARGE and len(diagram.edges) <= 2 * LARGE and _columns_passed(diagram) <= _FARTHEST:
        placed = _graphviz(layout_dot(diagram))
        if placed is not None:
            return _from_json(diagram, placed)
    return _columns(diagram)


# -- several Diagrams, one below the other ---------------------------------------------------------


def _stacked(diagram: Diagram, sides: list[str]) -> Layout:
    """Each side laid out by itself: Graphviz would put them in an order of its own."""
    parents = {g.id: g.parent for g in diagram.groups}

    def side_of(group: str) -> str:
        while group in parents and not group.startswith(SIDE):
            group = parents[group]
        return group

    whole = Layout(0.0, _MARGIN, {}, {}, {})
    for side in sides:
        nodes = tuple(n for n in diagram.nodes if side_of(n.group) == side)
        ids = {n.id for n in nodes}
        part = diagram._replace(
            nodes=nodes,
            edges=tuple(e for e in diagram.edges if e.source in ids),
            groups=tuple(g for g in diagram.groups if side_of(g.id) == side and g.id != side),
        )
        whole = _below(whole, side, layout(part))
    return whole._replace(width=whole.width + _MARGIN)


def _below(whole: Layout, side: str, part: Layout) -> Layout:
    """Put one more frame with its own layout below what is there."""
    dx, dy = _MARGIN, whole.height + 22
    frame = Box(_MARGIN, whole.height, part.width, part.height + 22)
    return Layout(
        max(whole.width, part.width + _MARGIN),
        whole.height + frame.height + _MARGIN,
        whole.nodes | {i: b._replace(x=b.x + dx, y=b.y + dy) for i, b in part.nodes.items()},
        whole.edges | {i: _moved(line, dx, dy) for i, line in part.edges.items()},
        whole.groups | {side: frame} | {i: b._replace(x=b.x + dx, y=b.y + dy) for i, b in part.groups.items()},
    )


def _moved(line: Line, dx: float, dy: float) -> Line:
    def pair(found: re.Match[str]) -> str:
        return f"{float(found[1]) + dx:g},{float(found[2]) + dy:g}"

    def point(at: tuple[float, float]) -> tuple[float, float]:
        return at[0] + dx, at[1] + dy

    path = re.sub(r"(-?[\d.]+),(-?[\d.]+)", pair, line.path)
    return Line(path, point(line.tip), point(line.before), point(line.label) if line.label else None)


# -- Graphviz ------------------------------------------------------------------------------------

_lock = threading.Lock()


def _graphviz(source: str) -> bytes | None:
    """What `dot -Tjson0` prints; None where there is neither pygraphviz nor a `dot` on the PATH."""
    library = _library()
    if library is None:
        return _dot_program(source)
    with _lock, _quiet_stderr():
        try:
            return _laid_out(library, source)
        except (OSError, ValueError):
            return _dot_program(source)


@functools.cache
def _library() -> Any:
    """Graphviz' own functions from inside pygraphviz, or None where there is no pygraphviz.

    Without its package, which loads forty other modules: more than a small picture takes altogether.
    """
    found = importlib.util.find_spec("pygraphviz")
    if found is None or found.origin is None:
        return None
    files = (Path(found.origin).with_name(f"_graphviz{suffix}") for suffix in importlib.machinery.EXTENSION_SUFFIXES)
    file = next((str(file) for file in files if file.exists()), "")
    try:
        if not file or sys.platform == "win32":  # there the package says where its DLLs are
            from pygraphviz import graphviz

            return graphviz
        loader = importlib.machinery.ExtensionFileLoader("_graphviz", file)
        spec = importlib.util.spec_from_loader("_graphviz", loader, origin=file)
        module = importlib.util.module_from_spec(spec) if spec is not None else None
        if module is not None:
            loader.exec_module(module)
        return module
    except ImportError:
        return None


def _laid_out(library: Any, source: str) -> bytes:
    with _file_of(source.encode()) as file:
        graph = library.agread(file, None)
    context = library.gvContextWithBuiltins()
    try:
        if library.gvLayout(context, graph, b"dot"):
            raise ValueError("Graphviz found no layout")
        error, drawn = library.gvRenderData(context, graph, b"json0")
        library.gvFreeLayout(context, graph)
        if error:
            raise ValueError("Graphviz printed no layout")
        return bytes(drawn)
    finally:
        library.agclose(graph)
        library.gvFreeContext(context)


def _file_of(text: bytes) -> IO[bytes]:
    """A file without a name, from its beginning: Graphviz reads files only."""
    if hasattr(os, "memfd_create"):
        file: IO[bytes] = os.fdopen(os.memfd_create("graph"), "w+b")
    else:
        import tempfile

        file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever called closes it
    file.write(text)
    file.seek(0)
    return file


def _dot_program(source: str) -> bytes | None:
    import graphviz

    try:
        return bytes(graphviz.Source(source).pipe("json0"))
    except (graphviz.ExecutableNotFound, graphviz.CalledProcessError):
        return None


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Graphviz' font library warns on the C side's stderr about fonts that nobody asked for."""
    try:
        kept = os.dup(2)
    except OSError:  # no stderr at all, as under pythonw
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)


def _from_json(diagram: Diagram, placed: bytes) -> Layout:
    graph = json.loads(placed)
    left, bottom, right, top = (float(n) for n in graph["bb"].split(","))

    def at(x: float, y: float) -> tuple[float, float]:
        return round(x - left + _MARGIN, 1), round(top - y + _MARGIN, 1)

    def point(pair: str) -> tuple[float, float]:
        x, y = pair.split(",")
        return round(float(x) - left + _MARGIN, 1), round(top - float(y) + _MARGIN, 1)

    nodes: dict[str, Box] = {}
    groups: dict[str, Box] = {}
    numbers: dict[int, str] = {}
    for obj in graph.get("objects", ()):
        name = obj["name"]
        if name.startswith("cluster_"):
            x0, y0, x1, y1 = (float(n) for n in obj["bb"].split(","))
            x, y = at(x0, y1)
            groups[diagram.groups[int(name[8:])].id] = Box(x, y, round(x1 - x0, 1), round(y1 - y0, 1))
        elif name.startswith("n"):
            node = diagram.nodes[int(name[1:])]
            numbers[obj["_gvid"]] = node.id
            width, height = float(obj["width"]) * 72, float(obj["height"]) * 72
            mx, my = map(float, obj["pos"].split(","))
            x, y = at(mx - width / 2, my + height / 2)
            nodes[node.id] = Box(x, y, round(width, 1), round(height, 1))
    lines: dict[tuple[str, str], list[Line]] = {}
    for edge in graph.get("edges", ()):
        ends = numbers[edge["tail"]], numbers[edge["head"]]
        lines.setdefault(ends, []).append(_line(edge, point))
    edges = {}
    for e in diagram.edges:
        waiting = lines.get((e.source, e.target))
        if waiting:
            edges[e.id] = waiting.pop(0)
    return Layout(right - left + 2 * _MARGIN, top - bottom + 2 * _MARGIN, nodes, edges, groups)


def _line(edge: dict[str, Any], point: Callable[[str], tuple[float, float]]) -> Line:
    words = edge["pos"].split()
    tip = None
    while words and words[0][:2] in ("e,", "s,"):
        word = words.pop(0)
        if word.startswith("e,"):
            tip = point(word[2:])
    points = [point(word) for word in words]
    path = f"M{points[0][0]:g},{points[0][1]:g}C" + " ".join(f"{x:g},{y:g}" for x, y in points[1:])
    label = point(edge["lp"]) if "lp" in edge else None
    return Line(path, tip or points[-1], points[-1], label)


# -- columns, for what is too large ---------------------------------------------------------------


def _columns(diagram: Diagram) -> Layout:
    """Nodes in columns by how far they are from a source; frames are left out, since they would cross."""
    rank = _ranks(diagram)
    columns: dict[int, list[str]] = {}
    for node in diagram.nodes:
        columns.setdefault(rank[node.id], []).append(node.id)
    sizes = {node.id: card(node) for node in diagram.nodes}
    nodes: dict[str, Box] = {}
    x, tallest = _MARGIN, 0.0
    for column in sorted(columns):
        y, widest = _MARGIN, max(sizes[i].width for i in columns[column])
        for node_id in columns[column]:
            nodes[node_id] = Box(x, y, sizes[node_id].width, sizes[node_id].height)
            y += sizes[node_id].height + 18
        x += widest + 90
        tallest = max(tallest, y)
    edges = {
        e.id: _curve(nodes[e.source], nodes[e.target]) for e in diagram.edges if e.source in nodes and e.target in nodes
    }
    return Layout(x - 90 + _MARGIN, tallest + _MARGIN, nodes, edges, {})


def _ranks(diagram: Diagram) -> dict[str, int]:
    """The longest way to each node from a source; edges that close a circle do not count."""
    after: dict[str, list[str]] = {node.id: [] for node in diagram.nodes}
    degree = dict.fromkeys(after, 0)
    for edge in diagram.edges:
        if edge.source in after and edge.target in after and edge.source != edge.target:
            after[edge.source].append(edge.target)
            degree[edge.target] += 1
    rank = dict.fromkeys(after, 0)
    todo = [i for i, n in degree.items() if n == 0]
    while todo:
        one = todo.pop()
        for other in after[one]:
            rank[other] = max(rank[other], rank[one] + 1)
            degree[other] -= 1
            if degree[other] == 0:
                todo.append(other)
    return rank


def _columns_passed(diagram: Diagram) -> int:
    rank = _ranks(diagram)
    ends = ((e.source, e.target) for e in diagram.edges if e.source in rank and e.target in rank)
    return sum(max(1, abs(rank[target] - rank[source])) for source, target in ends)


def _curve(a: Box, b: Box) -> Line:
    x0, y0, x1, y1 = a.x + a.width, a.y + a.height / 2, b.x, b.y + b.height / 2
    if x1 <= x0:
        x0, x1 = a.x + a.width / 2, b.x + b.width / 2
    bend = max(30.0, (x1 - x0) / 2)
    end = (x1 - 7, y1)
    path = f"M{x0:g},{y0:g}C{x0 + bend:g},{y0:g} {x1 - bend:g},{y1:g} {end[0]:g},{end[1]:g}"
    return Line(path, (x1, y1), end, ((x0 + x1) / 2, (y0 + y1) / 2))
