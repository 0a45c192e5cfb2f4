"""A Diagram as SVG. Every node, edge and frame is a fragment of its own, so that a player can swap one.

All text passes through `_esc`; nothing that comes from a cluster is ever markup.
"""

from __future__ import annotations

import math
from html import escape
from typing import Final

from k8sviz.diagrams.kit.model import Diagram, Edge, Group, Level, Node
from k8sviz.letters import printable
from k8sviz.render.cards import FACT, KIND, LABEL, NAME, card, group_state, group_title, headline, label_lines
from k8sviz.render.layout import Box, Layout, Line, layout
from k8sviz.render.measure import shorten, text_width
from k8sviz.render.palette import DARK, LIGHT, Theme, family

__all__ = ["FONTS", "edge_svg", "group_svg", "node_svg", "style", "svg"]

FONTS: Final = (
    "system-ui,-apple-system,'Segoe UI','Helvetica Neue',Arial,'Noto Sans','DejaVu Sans',"
    "'Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif"
)
_TITLE: Final = 15.0
_NOTE: Final = 11.0
_MOST_SPOKEN: Final = 2000  # letters of a card's hint
_PAGE: Final = 900
_LEAST: Final = 0.72  # letters of 11 pixels stay readable


def _esc(text: str) -> str:
    return escape(printable(text))


def style(theme: Theme, within: str = ".kv") -> str:
    """The style sheet for everything drawn, for one theme, below one CSS selector."""
    t = theme
    rules = [
        f"text{{font-family:{FONTS};fill:{t.text}}}",
        f".kv-page{{fill:{t.page};stroke:{t.frame}}}",
        f".kv-title{{font-size:{_TITLE:g}px;font-weight:600}}",
        f".kv-note{{font-size:{_NOTE:g}px;fill:{t.soft}}}",
        f".kv-box{{fill:{t.card};stroke:{t.frame};stroke-width:1.2}}",
        f".kv-kind{{font-size:{KIND:g}px;font-weight:600;letter-spacing:.02em}}",
        f".kv-name{{font-size:{NAME:g}px;font-weight:700}}",
        f".kv-fact{{font-size:{FACT:g}px;fill:{t.soft}}}",
        f".kv-state{{font-size:{FACT:g}px;font-weight:700}}",
        f".kv-frame{{fill:{t.page};stroke:{t.frame};stroke-width:1.2}}",
        f".kv-frame-name{{font-size:{LABEL:g}px;font-weight:600;fill:{t.soft}}}",
        f".kv-line{{fill:none;stroke:{t.line};stroke-width:1.4}}",
        f".kv-tip{{fill:{t.line};stroke:{t.line}}}",
        f".kv-label{{font-size:{LABEL:g}px;fill:{t.soft};stroke:{t.page};stroke-width:3px;paint-order:stroke}}",
        ".kv-unknown .kv-box,.kv-off .kv-box,.kv-ending .kv-box{stroke-dasharray:5 3}",
        ",".join(f".kv-edge.kv-{bad} .kv-line" for bad in ("unknown", "bad", "ending", "off"))
        + "{stroke-dasharray:5 4}",
        f".kv-bad>.kv-box{{stroke:{t.levels['bad']};stroke-width:2}}",
    ]
    rules += [f".kv-f-{name} .kv-kind{{fill:{color}}}" for name, color in t.families.items()]
    rules += [f".kv-f-{name} .kv-bar{{fill:{color}}}" for name, color in t.families.items()]
    for level, color in t.levels.items():
        if level:
            rules.append(f".kv-{level} .kv-state{{fill:{color}}}")
            rules.append(f".kv-{level} .kv-mark{{fill:{color};stroke:{color}}}")
            rules.append(f".kv-edge.kv-{level} .kv-line{{stroke:{color}}}")
            rules.append(f".kv-edge.kv-{level} .kv-tip{{fill:{color};stroke:{color}}}")
    return "".join(",".join(f"{within} {one}" for one in _selectors(rule)) + rule[rule.index("{") :] for rule in rules)


def _selectors(rule: str) -> list[str]:
    return rule[: rule.index("{")].split(",")


def svg(diagram: Diagram, *, theme: str = "light", placed: Layout | None = None, alt: str = "") -> str:
    """The whole picture: one `<svg>` element with its own style sheet, title and description.

    `theme` is 'light' or 'dark'; `alt` is the long description for those who do not see it.
    """
    placed = placed or layout(diagram)
    colors = DARK if theme == "dark" else LIGHT
    name = "kv-dark" if theme == "dark" else "kv-light"
    title, notes = headline(diagram.title), [headline(note) for note in diagram.notes]
    spoken = _esc(headline(diagram.spoken))
    head = 34.0 if title else 0.0
    foot = 16.0 * len(notes) + (8 if notes else 0)
    words = [text_width(title, _TITLE, bold=True), *(text_width(note, _NOTE) for note in notes)]
    width = math.ceil(max(placed.width, *(w + 30 for w in words), 120))
    height = math.ceil(placed.height + head + foot)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="kv {name}" {_shown(width, height)}',
        f' viewBox="0 0 {width} {height}" role="img" aria-label="{spoken}"',
        ' style="max-width:100%;height:auto">',
        f"<title>{spoken}</title>",
        f"<desc>{escape(alt)}</desc>" if alt else "",
        f"<style>{style(colors, '.' + name)}</style>",
        f'<rect class="kv-page" x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8"/>',
    ]
    if title:
        parts.append(f'<text class="kv-title" x="14" y="24">{_esc(title)}</text>')
    parts.append(f'<g transform="translate(0 {head:g})">{body(diagram, placed)}</g>')
    for i, note in enumerate(notes):
        y = head + placed.height + 10 + 16 * i
        parts.append(f'<text class="kv-note" x="14" y="{y:g}">{_esc(note)}</text>')
    parts.append("</svg>")
    return "".join(parts)


def _shown(width: int, height: int) -> str:
    """The size on a page: a notebook's cell is some 900 pixels wide and cuts the rest, so the wide shrink."""
    scale = max(_PAGE / width, _LEAST) if width > _PAGE else 1.0
    return f'width="{round(width * scale)}" height="{round(height * scale)}"'


def body(diagram: Diagram, placed: Layout) -> str:
    """Frames, then lines, then nodes, then words on lines: what may lie over what."""
    groups = [group_svg(g, placed.groups[g.id]) for g in diagram.groups if g.id in placed.groups]
    edges = [edge_svg(e, placed.edges[e.id]) for e in diagram.edges if e.id in placed.edges]
    nodes = [node_svg(n, placed.nodes[n.id]) for n in diagram.nodes if n.id in placed.nodes]
    return "".join((*groups, *edges, *nodes))


def node_svg(node: Node, box: Box) -> str:
    """One node's card, drawn into its box."""
    it = card(node)
    x = box.x + 16
    y = box.y + 17
    parts = [
        f'<g class="kv-node kv-f-{family(node.kind)}{_level(node.level)}" data-id="{_esc(node.id)}">',
        f"<title>{_esc(_spoken(node))}</title>",
    ]
    if node.count > 1:  # a pile of cards: many alike, drawn once
        parts += [_rect(box, 7, -5), _rect(box, 3.5, -2.5)]
    parts += [
        _rect(box, 0, 0),
        f'<path class="kv-bar" d="M{box.x + 6:g},{box.y:g}h2v{box.height:g}h-2a6,6 0 0 1 -6,-6',
        f'v-{box.height - 12:g}a6,6 0 0 1 6,-6z"/>',
        f'<text class="kv-kind" x="{x:g}" y="{y:g}">{_esc(it.kind)}</text>',
        f'<text class="kv-name" x="{x:g}" y="{y + 16:g}">{_esc(it.name)}</text>',
    ]
    y += 16
    for fact in it.facts:
        y += 15
        parts.append(f'<text class="kv-fact" x="{x:g}" y="{y:g}">{_esc(fact)}</text>')
    if it.state:
        y += 18
        parts.append(_mark(node.level, x + 5, y - 4))
        parts.append(f'<text class="kv-state" x="{x + 16:g}" y="{y:g}">{_esc(it.state)}</text>')
    return "".join((*parts, "</g>"))


def _spoken(node: Node) -> str:
    state = f" ({node.state})" if node.state else ""
    return shorten(" · ".join((f"{node.kind} {node.name}{state}", *node.facts)), _MOST_SPOKEN)


def _level(level: Level) -> str:
    return f" kv-{level}" if level else ""


def _rect(box: Box, dx: float, dy: float) -> str:
    return (
        f'<rect class="kv-box" x="{box.x + dx:g}" y="{box.y + dy:g}" width="{box.width:g}" '
        f'height="{box.height:g}" rx="6"/>'
    )


def _mark(level: Level, x: float, y: float) -> str:
    """A level's own shape: disc, half disc, triangle, square, dash, diamond."""
    shapes = {
        "ok": f'<circle cx="{x:g}" cy="{y:g}" r="4.5" stroke="none"/>',
        "wait": f'<circle cx="{x:g}" cy="{y:g}" r="4.2" fill="none" style="fill:none" stroke-width="1.6"/>'
        f'<path d="M{x:g},{y - 4.2:g}a4.2,4.2 0 0 1 0,8.4z" stroke="none"/>',
        "bad": f'<path d="M{x:g},{y - 5.5:g}l5.8,10h-11.6z" stroke="none"/>',
        "ending": f'<path d="M{x - 4:g},{y - 4:g}l8,8m0,-8l-8,8" stroke-width="2.2"/>',
        "off": f'<path d="M{x - 4.5:g},{y:g}h9" stroke-width="2.4"/>',
        "unknown": f'<path d="M{x:g},{y - 5:g}l5,5l-5,5l-5,-5z" fill="none" style="fill:none" stroke-width="1.6"/>',
        "": f'<circle cx="{x:g}" cy="{y:g}" r="3" stroke="none"/>',
    }
    return f'<g class="kv-mark">{shapes[level]}</g>'


def edge_svg(edge: Edge, line: Line) -> str:
    """One edge: its line, its arrow head and the words on it."""
    spoken = f"{edge.relation}: {edge.label}" if edge.label else edge.relation
    parts = [
        f'<g class="kv-edge{_level(edge.level)}" data-id="{_esc(edge.id)}"><title>{_esc(spoken)}</title>',
        f'<path class="kv-line" d="{line.path}"/>',
        _arrow(line),
    ]
    if edge.label and line.label:
        x, y = line.label
        lines = label_lines(edge.label)
        y -= 14 * (len(lines) - 1) / 2 - 4
        for i, words in enumerate(lines):
            at = f'x="{x:g}" y="{y + 14 * i:g}"'
            parts.append(f'<text class="kv-label" {at} text-anchor="middle">{_esc(words)}</text>')
    return "".join((*parts, "</g>"))


def _arrow(line: Line) -> str:
    (x, y), (bx, by) = line.tip, line.before
    length = math.hypot(x - bx, y - by) or 1.0
    ux, uy = (x - bx) / length, (y - by) / length
    size = min(8.0, max(length, 6.0))
    ax, ay = x - ux * size, y - uy * size
    return (
        f'<path class="kv-tip" d="M{x:.1f},{y:.1f}L{ax - uy * 3.4:.1f},{ay + ux * 3.4:.1f}'
        f'L{ax + uy * 3.4:.1f},{ay - ux * 3.4:.1f}z"/>'
    )


def group_svg(group: Group, box: Box) -> str:
    """One frame with its title."""
    title = group_title(group)
    parts = [
        f'<g class="kv-group{_level(group.level)}" data-id="{_esc(group.id)}"><title>{_esc(title)}</title>',
        f'<rect class="kv-frame" x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="8"/>',
        f'<text class="kv-frame-name" x="{box.x + 10:g}" y="{box.y + 16:g}">{_esc(title)}</text>',
    ]
    if group.state:
        x = box.x + 18 + text_width(title, LABEL, bold=True)
        parts.append(_mark(group.level, x + 5, box.y + 12))
        parts.append(f'<text class="kv-state" x="{x + 16:g}" y="{box.y + 16:g}">{_esc(group_state(group))}</text>')
    return "".join((*parts, "</g>"))
