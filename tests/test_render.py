"""Every form of a picture says the same, and nothing that a cluster sends becomes markup in any of them."""

from __future__ import annotations

import json
import re
import struct
import subprocess
import sys
import zlib
from itertools import count
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8sviz.diagrams import story as tell
from k8sviz.diagrams.kit.model import Diagram, Edge, Group, Node, side_by_side
from k8sviz.errors import K8svizError
from k8sviz.kinds import Ref
from k8sviz.letters import printable
from k8sviz.render import layout as layouts
from k8sviz.render import png as pngs
from k8sviz.render.layout import LARGE, layout
from k8sviz.render.measure import shorten, text_width
from k8sviz.render.palette import DARK, LEVELS, LIGHT, Theme
from k8sviz.render.picture import FORMATS, Picture, render
from k8sviz.render.png import png
from k8sviz.render.svg import svg
from k8sviz.render.text import text
from k8sviz.sources import recording
from k8sviz.sources.labs import load_lab

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = {
    "markup": "<script>alert(1)</script><b>&amp;&#65;",
    "quotes": "\"'`",
    "end of CDATA": "]]>",
    "comment": "-->",
    "lines": "a\nb\r\nc\td\x0be\u2028f",
    "right to left": "\u202eevil\u2066",
    "zero width": "a\u200bb\u200d\ufeff",
    "control": "\x00\x01\x1b[31m\x7f\x9b",
    "lone surrogate": "\ud800x\udfff",
    "no character": "\ufffe\uffff",
    "backslash": "ends in \\",
    "backslashes": "\\\\",
    "DOT escapes": "\\N \\G \\l \\r \\E \\T",
    "DOT HTML": "<b>x</b>",
    "DOT breaks out": '"]; evil [label="x',
    "Mermaid": '"] click n0 "javascript:alert(1)" %%{init: {}}%% end ;|{}()',
    "Mermaid link": "click n0 href",
    "Mermaid list": "1. x",
    "Markdown": "`a` **b** _c_",
    "entity": "#35; &lt; &#x3c;",
    "format": "{0} {name} %s %(x)s",
    "style": "</style><style>*{display:none}",
    "empty": "",
    "spaces": "   ",
    "combining": "a" + "\u0301" * 50,
    "emoji": "👩‍👩‍👧",
    "astral": "𝒳",
    "中文": "卷与声明",
    "long": "x" * 1_000_000,
    "long in 中文": "卷" * 100_000,
}


def everything(word: str, level: Any = "bad") -> Diagram:
    """A Diagram in which a word stands wherever a word can stand."""
    nodes = (
        Node("a" + word, word, word, (word, word), word, level, "g" + word, Ref("Pod", word, word)),
        Node("b", "Pod", "other"),
        Node("c", "Volume", word, count=3, level=level, state=word),
    )
    edges = (Edge("a" + word, "b", word, word, level, word), Edge("b", "c", "claim", word), Edge("c", "c", "self"))
    groups = (Group("g" + word, word, word, word, level, (word,), count=2), Group("h", "Pod", word, parent="g" + word))
    return Diagram("storage", word, nodes, edges, groups, (word, "note"))


def parse(drawn: str | bytes) -> ElementTree.Element:
    assert isinstance(drawn, str)
    drawn.encode()  # a lone surrogate could not be written to a file
    return ElementTree.fromstring(drawn)


def sample() -> Diagram:
    return Diagram(
        "storage",
        "Storage of demo",
        (
            Node("c", "Container", "main", ("busybox",), "Running", "ok", "p"),
            Node("v", "Volume", "data", group="p"),
            Node("m", "PersistentVolumeClaim", "声明", ("asks 1Gi",), "Pending", "wait"),
            Node("x", "PersistentVolume", "pv", (), "not found", "unknown", count=4),
        ),
        (
            Edge("c", "v", "mounts", "mounts /a", key="/a"),
            Edge("c", "v", "mounts", "mounts /b\nread-only", key="/b"),
            Edge("v", "m", "claim", "uses"),
            Edge("m", "x", "bound", "bound", "bad"),
        ),
        (Group("p", "Pod", "fortune", "Running", "ok", ("on n1",)), Group("e", "Pod", "empty")),
        ("a note",),
    )


# -- nothing is markup ---------------------------------------------------------------------------


@pytest.mark.parametrize("word", HOSTILE.values(), ids=HOSTILE)
def test_svg_is_well_formed_and_holds_only_our_elements(word: str) -> None:
    root = parse(svg(everything(word), alt=text(everything(word))))
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "style", "rect", "g", "text", "path", "circle"}, (
        "no element came from a name"
    )
    for element in root.iter():
        assert not [a for a in element.attrib if a.startswith("on") or "href" in a]
    (style,) = root.iter(SVG + "style")
    assert "display:none" not in (style.text or "")
    assert len([g for g in root.iter(SVG + "g") if "kv-node" in g.get("class", "").split()]) == 3
    assert float(root.get("width", "0")) < 5000, "a long word does not make an endless picture"


def read_by_graphviz(source: str) -> tuple[dict[str, str], list[str], list[str]]:
    """The labels of nodes, edges and clusters as Graphviz reads DOT, with its escapes undone."""
    import pygraphviz

    graph = pygraphviz.AGraph(source)

    def plain(label: str | None) -> str:
        return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], label or "")

    nodes = {n: plain(graph.get_node(n).attr["label"]) for n in graph.nodes() if n.startswith("n")}
    frames = [plain(s.graph_attr["label"]) for s in graph.subgraphs_iter()]
    return nodes, [plain(e.attr["label"]) for e in graph.edges()], frames


@pytest.mark.parametrize("word", HOSTILE.values(), ids=HOSTILE)
def test_dot_read_by_graphviz_has_the_words_and_nothing_more(word: str) -> None:
    source = str(render(everything(word), "dot"))
    assert "<" not in re.sub(r'"(?:\\.|[^"\\])*"', "", source), "a label outside quotes is HTML to Graphviz"
    nodes, edges, frames = read_by_graphviz(source)
    shown = printable(shorten(word, 400))
    assert set(nodes) == {"n0", "n1", "n2"}
    assert len(edges) == 3
    assert len(frames) == 1, "one frame, in which another stands"
    assert shown in nodes["n0"].split("\n"), "a name reads as it is: \\N is not the node's name"
    assert nodes["n1"].split("\n") == ["Pod", "other"]


@pytest.mark.parametrize("form", ["dot", "mermaid"])
@pytest.mark.parametrize("story", ["storage", "stateful", "node", "overview"])
def test_exports_have_every_name_in_full(form: str, story: str) -> None:
    history = recording.read(load_lab("ch10-identity").recording)
    snapshot = history.at(history.settled("get"))
    diagram = tell(story, history)(snapshot)
    drawn = str(render(diagram, form))
    volumes = [node.ref.name for node in diagram.nodes if node.kind == "PersistentVolume" and node.ref]
    assert volumes
    assert [name for name in volumes if name not in drawn] == []


def test_dot_keeps_ordinals_in_order() -> None:
    pods = [Node(f"Pod/demo/db-{i}", "Pod", f"db-{i}") for i in (10, 2, 0, 1)]
    owner = Node("StatefulSet/demo/db", "StatefulSet", "db")
    edges = tuple(Edge(owner.id, pod.id, "owns") for pod in pods)
    source = str(render(Diagram("stateful", "", (owner, *pods), edges), "dot"))
    placed = json.loads(layouts._graphviz(source) or b"")
    high = {found["name"]: float(found["pos"].split(",")[1]) for found in placed["objects"] if "pos" in found}
    rows = {pod.name: high[f"n{i}"] for i, pod in enumerate(pods, 1)}
    assert sorted(rows, key=lambda name: -rows[name]) == ["db-0", "db-1", "db-2", "db-10"], "from top to bottom"


@pytest.mark.parametrize("word", HOSTILE.values(), ids=HOSTILE)
def test_mermaid_keeps_its_own_language_to_itself(word: str) -> None:
    drawn = str(render(everything(word), "mermaid"))
    drawn.encode()
    head, title, *lines = drawn.split("\n")
    assert head == "flowchart LR"
    assert re.fullmatch(r"  accTitle: [^;#%{}\"<>\[\]|`\\]*", title)
    quoted = r'"[^"\[\]{}<>`;#\\]*"'
    shapes = (
        rf"\s+n\d+\[{quoted}\]:::\w+",
        rf"\s+subgraph g\d+\[{quoted}\]",
        r"\s+end",
        rf"\s+n\d+ (-->|-\.->)(\|{quoted}\|)? n\d+",
        r"\s+classDef \w+ fill:#\w{6},stroke:#\w{6},color:#\w{6}",
    )
    for line in lines:
        plain = re.sub(r"<br/>|#\d+;", "", line)  # the only markup, and letters written as numbers
        assert any(re.fullmatch(shape, plain) for shape in shapes), f"not one of ours: {line[:200]!r}"


@pytest.mark.parametrize("word", HOSTILE.values(), ids=HOSTILE)
def test_text_has_a_line_for_each_thing_and_nothing_that_steers_a_terminal(word: str) -> None:
    said = text(everything(word))
    said.encode()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", said)
    lines = said.split("\n")
    title = 1 if word else 0
    # 2 frames, 3 things and one named again by its circle, 2 notes
    assert len(lines) == title + 2 + 4 + 2, said[:2000]


@given(st.text(max_size=30))
@settings(max_examples=60)
def test_any_name_is_drawn_in_every_form(word: str) -> None:
    diagram = everything(word)
    parse(render(diagram, "svg"))
    for form in ("dot", "mermaid", "text"):
        str(render(diagram, form)).encode()


# -- all forms say the same ----------------------------------------------------------------------


def test_text_names_everything_that_the_svg_has() -> None:
    diagram = side_by_side([sample(), sample()], "both")
    for one in (sample(), diagram):
        root, said = parse(svg(one)), text(one)
        spoken = [t.text or "" for g in root.iter(SVG + "g") for t in g.findall(SVG + "title")]
        assert len(spoken) == len(one.nodes) + len(one.edges) + len(one.groups)
        for node in one.nodes:
            assert f"{node.kind} {node.name}" in said
            assert not node.state or node.state in said
        assert said.count("└─") == len(one.edges), "each relation is named once"
        for edge in one.edges:
            assert edge.label.replace("\n", " ") in said
        for group in one.groups:
            assert f"[{f'{group.kind} {group.name}'.strip()}" in said
        assert "× 4" in said
        assert "note: a note" in said


def test_the_parts_of_an_svg_are_named_by_their_ids() -> None:
    """The player swaps them one by one."""
    ids = [g.get("data-id") for g in parse(svg(sample())).iter(SVG + "g") if g.get("data-id")]
    one = sample()
    assert sorted(map(str, ids)) == sorted(
        [*(n.id for n in one.nodes), *(e.id for e in one.edges), *(g.id for g in one.groups)]
    )


def test_a_frame_that_others_lead_into_is_named_too() -> None:
    diagram = Diagram(
        "s",
        "t",
        (Node("d", "Deployment", "web"), Node("p", "Pod", "web-1", group="rs")),
        (Edge("d", "p", "makes"),),
        (Group("rs", "ReplicaSet", "web-7"),),
    )
    assert text(diagram).split("\n") == [
        "t",
        "Deployment web",
        "  └─ makes → Pod web-1",
        "[ReplicaSet web-7]",
        "  Pod web-1 ↑",
    ]


def test_frames_that_take_turns_are_named_at_each_turn() -> None:
    nodes = tuple(Node(str(i), "Pod", f"p{i}", group="ab"[i % 2]) for i in range(3))
    said = text(Diagram("s", "", nodes, (), (Group("a", "Node", "n1", "Ready", "ok"), Group("b", "Node", "n2"))))
    assert said.split("\n") == ["[Node n1]  ✓ Ready", "  Pod p0", "[Node n2]", "  Pod p1", "[Node n1] ↑", "  Pod p2"]


def test_a_chain_longer_than_pythons_stack_and_a_circle_are_drawn() -> None:
    size = 3000
    nodes = tuple(Node(str(i), "Pod", f"p{i}") for i in range(size))
    chain = tuple(Edge(str(i), str((i + 1) % size), "next") for i in range(size))
    for edges in (chain[:-1], chain):
        assert text(Diagram("s", "", nodes, edges)).count("Pod p") == size + (edges is chain)
    deep = tuple(Group(f"g{i}", "Pod", f"f{i}", parent=f"g{i - 1}") for i in range(100))
    said = text(Diagram("s", "", (Node("n", "Pod", "p", group="g99"),), (), deep))
    assert [f"[Pod f{i}]" in said for i in range(100)] == [True] * 100
    round_and_round = (Group("a", "Pod", "x", parent="b"), Group("b", "Pod", "y", parent="a"))
    assert "Pod p" in text(Diagram("s", "", (Node("n", "Pod", "p", group="a"),), (), round_and_round))


def test_chinese_names_are_whole_in_every_form_and_get_the_room_they_need() -> None:
    name = "数据卷声明-用于测试"
    diagram = Diagram("s", name, (Node("a", "Pod", name, (name,), name, "ok"),), (), (), (name,))
    for form in FORMATS:
        drawn = render(diagram, form)
        if isinstance(drawn, str):
            assert drawn.count(name) >= 3, form
    assert layout(diagram).nodes["a"].width >= 13 * len(name), "a wide letter takes a full square"
    assert text_width("卷", 10) == 10.0


def test_each_level_has_a_mark_and_a_shape_of_its_own() -> None:
    def drawn(level: Any, form: str) -> str:
        return str(render(Diagram("s", "", (Node("a", "Pod", "p", (), "state", level),)), form))

    marks = {re.findall(r'<g class="kv-mark">.*?</g>', drawn(level, "svg"))[0] for level in LEVELS}
    assert len(marks) == len(LEVELS), "two levels have the same shape, and only colour tells them apart"
    assert len({drawn(level, "text") for level in LEVELS}) == len(LEVELS), "in the text a mark tells them apart"


# -- PNG -----------------------------------------------------------------------------------------


def png_size(data: bytes) -> tuple[int, int]:
    """Width and height, after every chunk's checksum held and the pixels were unpacked."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, pixels, size = 8, b"", (0, 0)
    while at < len(data):
        (length,), kind = struct.unpack(">I", data[at : at + 4]), data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length]) == (zlib.crc32(kind + body),)
        if kind == b"IHDR":
            size = struct.unpack(">II", body[:8])
        elif kind == b"IDAT":
            pixels += body
        at += 12 + length
    assert len(zlib.decompress(pixels)) == size[1] * (size[0] * 4 + 1), "a row is a filter byte and RGBA"
    return size


def test_a_png_has_two_pixels_for_each_of_the_svgs() -> None:
    root = parse(svg(sample()))
    drawn = render(sample(), "png")
    assert isinstance(drawn, bytes)
    assert png_size(drawn) == (2 * int(root.get("width", "0")), 2 * int(root.get("height", "0")))


def test_a_huge_picture_becomes_a_smaller_png_and_not_an_endless_one(monkeypatch: pytest.MonkeyPatch) -> None:
    huge = '<svg xmlns="http://www.w3.org/2000/svg" class="x" width="9000" height="90000"></svg>'
    monkeypatch.setattr(pngs, "MOST_PIXELS", 500_000)
    width, height = png_size(png(huge))
    assert width * height <= 500_000 * 1.01
    assert 9 < height / width < 11


# -- layout ----------------------------------------------------------------------------------------


def test_a_layout_is_the_same_each_time_and_in_another_process() -> None:
    layout.cache_clear()
    first = svg(sample())
    layout.cache_clear()
    assert svg(sample()) == first
    code = "import hashlib, tests.test_render as t; print(hashlib.sha256(t.svg(t.sample()).encode()).hexdigest())"
    sums = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(sums) == 1


def boxes_are_apart(diagram: Diagram) -> None:
    placed = layout(diagram)
    boxes = sorted(placed.nodes.values(), key=lambda box: box.x)
    assert len(boxes) == len(diagram.nodes)
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 :]:
            if b.x >= a.x + a.width:
                break
            assert a.y + a.height <= b.y or b.y + b.height <= a.y, "two cards lie over each other"
    assert all(b.x >= 0 and b.x + b.width <= placed.width for b in boxes)
    assert all(b.y >= 0 and b.y + b.height <= placed.height for b in boxes)


def test_cards_keep_apart_and_frames_hold_their_own() -> None:
    boxes_are_apart(sample())
    placed = layout(sample())
    frame = placed.groups["p"]
    for node in ("c", "v"):
        box = placed.nodes[node]
        assert frame.x <= box.x
        assert frame.y <= box.y
        assert box.x + box.width <= frame.x + frame.width
        assert box.y + box.height <= frame.y + frame.height
    assert placed.groups["e"].width > 30, "a frame around nothing is there too"


def test_parallel_relations_keep_their_own_lines_and_words() -> None:
    edges = [Edge("a", "b", "mounts", f"{'long ' * i}path {i}", key=str(i)) for i in range(6)]
    edges += [Edge("b", "a", "back", "back"), Edge("a", "a", "self", "self"), Edge("a", "b", "quiet")]
    diagram = Diagram("s", "", (Node("a", "Pod", "a"), Node("b", "Pod", "b")), tuple(edges))
    placed = layout(diagram)
    assert set(placed.edges) == {e.id for e in edges}
    assert len({line.path for line in placed.edges.values()}) == len(edges)
    assert len({line.label for line in placed.edges.values() if line.label}) == 8
    assert placed.edges["a quiet b"].label is None
    a, b = placed.nodes["a"], placed.nodes["b"]
    for edge in edges:
        line = placed.edges[edge.id]
        end = b if edge.target == "b" else a
        assert end.x - 2 <= line.tip[0] <= end.x + end.width + 2, f"{edge.id} ends at its target"
        assert end.y - 2 <= line.tip[1] <= end.y + end.height + 2, f"{edge.id} ends at its target"


def many(size: int) -> Diagram:
    """As many Pods with a volume each as make `size` nodes, in frames, with relations to a few claims."""
    nodes, edges, groups = [], [], []
    for i in range(size // 2):
        groups.append(Group(f"g{i}", "Pod", f"pod-{i}"))
        nodes += [Node(f"c{i}", "Container", "main", group=f"g{i}"), Node(f"v{i}", "Volume", "data", group=f"g{i}")]
        edges += [Edge(f"c{i}", f"v{i}", "mounts", "mounts /a"), Edge(f"v{i}", f"v{i // 2}", "x")]
    return Diagram("s", "many", tuple(nodes), tuple(edges), tuple(groups))


def test_what_is_too_large_for_graphviz_falls_to_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(source: str) -> bytes:
        raise AssertionError("a large diagram went to Graphviz, whose time grows without limit")

    monkeypatch.setattr(layouts, "_graphviz", never)
    diagram = many(2 * LARGE)
    boxes_are_apart(diagram)
    assert set(layout(diagram).edges) == {e.id for e in diagram.edges}
    parse(svg(diagram))
    for size in (0, 1):
        edges = tuple(Edge("0", "1", "x", key=str(i)) for i in range(2 * LARGE + size))
        dense = Diagram("s", "", (Node("0", "Pod", "a"), Node("1", "Pod", "b")), edges)
        if size:
            assert len(layout(dense).edges) == 2 * LARGE + 1
        else:
            with pytest.raises(AssertionError):
                layout(dense)


def test_columns_survive_circles_and_things_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layouts, "_graphviz", lambda source: None)
    edges = tuple(Edge(a, b, "x") for a, b in (("a", "b"), ("b", "a"), ("a", "a"), ("a", "nowhere")))
    circle = Diagram("s", "", (Node("a", "Pod", "a"), Node("b", "Pod", "b")), edges)
    layout.cache_clear()
    boxes_are_apart(circle)
    assert set(layout(circle).edges) == {"a x b", "b x a", "a x a"}
    parse(svg(circle))
    layout.cache_clear()


@pytest.mark.parametrize(
    "diagram",
    [
        Diagram("s", ""),
        Diagram("s", "t"),
        Diagram("s", "t", groups=(Group("g", "Pod", "empty"),)),
        Diagram(
            "s", "t", (Node("a", "Pod", "a"),), groups=(Group("g", "Pod", "x"), Group("h", "Pod", "y", parent="g"))
        ),
        Diagram("s", "t", (Node("a", "Pod", "a", group="nowhere"),), (Edge("a", "nowhere", "x"),)),
        side_by_side([]),
        side_by_side([Diagram("s", "empty"), Diagram("s", "t", (Node("a", "Pod", "a"),))], "two"),
    ],
)
def test_diagrams_with_little_in_them_are_drawn_too(diagram: Diagram) -> None:
    for form in FORMATS:
        assert render(diagram, form) is not None
    root = parse(svg(diagram))
    drawn = [g for g in root.iter(SVG + "g") if "kv-group" in g.get("class", "").split()]
    assert len(drawn) == len(diagram.groups)


def test_drawing_says_nothing_on_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    layout.cache_clear()
    for theme in ("light", "dark"):
        for form in FORMATS:
            render(everything("中文 \\N"), form, theme=theme)
    print("still open", file=sys.stderr)
    out, err = capfd.readouterr()
    assert out == ""
    assert err == "still open\n", "the font library's warnings are not for a person, our own words are"


# -- showing itself ------------------------------------------------------------------------------


def test_a_picture_shows_svg_and_the_same_in_words() -> None:
    data, about = Picture(sample())._repr_mimebundle_()
    assert set(data) == {"image/svg+xml", "text/plain"}
    root = parse(data["image/svg+xml"])
    assert data["text/plain"] == text(sample()) == str(Picture(sample()))
    assert root.get("role") == "img"
    assert root.get("aria-label") == "Storage of demo"
    assert root.find(SVG + "desc").text == text(sample())  # type: ignore[union-attr]
    assert about["image/svg+xml"]["alt"] == "Storage of demo"


@pytest.mark.parametrize(
    ("suffix", "start"),
    [
        ("svg", b"<svg"),
        ("SVG", b"<svg"),
        ("png", b"\x89PNG"),
        ("dot", b"digraph"),
        ("gv", b"digraph"),
        ("mmd", b"flowchart"),
        ("mermaid", b"flowchart"),
        ("txt", b"Storage"),
    ],
)
def test_a_files_suffix_chooses_the_format(suffix: str, start: bytes, tmp_path: Any) -> None:
    path = Picture(sample()).save(tmp_path / f"x.{suffix}")
    assert path.read_bytes().startswith(start)


def test_saving_where_it_cannot_be_saved_says_why(tmp_path: Any) -> None:
    with pytest.raises(K8svizError, match=r"cannot tell a format from 'x\.pdf'; end it in .*\.svg"):
        Picture(sample()).save(tmp_path / "x.pdf")
    with pytest.raises(K8svizError, match="cannot write"):
        Picture(sample()).save(tmp_path / "none" / "x.svg")
    with pytest.raises(K8svizError, match="unknown format 'svgg'; did you mean svg"):
        render(sample(), "svgg")


# -- colours -------------------------------------------------------------------------------------


def luminance(color: str) -> float:
    assert re.fullmatch("#[0-9a-f]{6}", color), "old Graphviz knows six-digit colours only"
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG 2's contrast ratio."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_all_words_can_be_read_on_what_lies_behind_them(theme: Theme) -> None:
    words = {f"level {k}": v for k, v in theme.levels.items()} | {f"family {k}": v for k, v in theme.families.items()}
    words |= {"text": theme.text, "soft": theme.soft}
    for name, color in words.items():
        for behind, back in (("card", theme.card), ("page", theme.page)):
            assert contrast(color, back) >= 4.5, f"{name} on the {behind}: {contrast(color, back):.2f}"
    for back in (theme.page, theme.card):
        assert contrast(theme.line, back) >= 3, "lines are not words: 3 to 1"


def test_both_themes_know_the_same_levels_and_families() -> None:
    assert set(LIGHT.levels) == set(DARK.levels) == set(LEVELS)
    assert set(LIGHT.families) == set(DARK.families)
    assert svg(sample(), theme="dark") != svg(sample(), theme="light")


def test_two_pictures_on_a_page_do_not_take_each_others_colours() -> None:
    for theme in ("light", "dark"):
        (style,) = parse(svg(sample(), theme=theme)).iter(SVG + "style")
        rules = re.findall(r"([^{}]+)\{", style.text or "")
        assert rules
        for rule in rules:
            assert all(one.startswith(f".kv-{theme} ") for one in rule.split(",")), rule


# -- several pictures ------------------------------------------------------------------------------


def test_pictures_side_by_side_keep_apart_and_in_order() -> None:
    numbers = count()
    parts = [Diagram("s", f"part {next(numbers)}", sample().nodes, sample().edges, sample().groups) for _ in range(3)]
    both = side_by_side(parts, "three")
    placed = layout(both)
    assert len(placed.nodes) == 12
    tops = [placed.groups[f"side/{i}"].y for i in range(3)]
    assert tops == sorted(tops), "the first stands first"
    for i in range(3):
        frame = placed.groups[f"side/{i}"]
        for box in (b for node, b in placed.nodes.items() if node.startswith(f"{i}:")):
            assert frame.y <= box.y
            assert box.y + box.height <= frame.y + frame.height
            assert box.x + box.width <= frame.x + frame.width
    boxes_are_apart(both)
    parse(svg(both))
