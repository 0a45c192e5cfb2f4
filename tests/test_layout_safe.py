"""No picture can end or hang the process that lays it out."""

import random
import subprocess
import sys
import textwrap
import time

import pytest

from k8sviz.diagrams.kit.model import Diagram, Edge, Group, Node
from k8sviz.render.layout import layout

TANGLE = """
    import random
    from k8sviz.diagrams.kit.model import Diagram, Edge, Group, Node
    from k8sviz.render.layout import layout

    for seed in range({first}, {first} + 60):
        rng = random.Random(seed)
        home = [rng.randrange(6) for _ in range(50)]
        nodes = tuple(Node(f"n{{i}}", "Pod", f"p{{i}}", group=f"g{{home[i]}}" if i % {every} else "")
                      for i in range(50))
        ends = (rng.sample(range(50), 2) for _ in range(120))
        edges = tuple(Edge(f"n{{a}}", f"n{{b}}", "r", "mounts", key=str(i)) for i, (a, b) in enumerate(ends))
        groups = tuple(Group(f"g{{i}}", "Namespace", f"g{{i}}") for i in range(6))
        assert len(layout(Diagram("x", "x", nodes, edges, groups)).nodes) == 50
"""


@pytest.mark.parametrize("every", [2, 99])
def test_words_on_lines_between_frames_end_no_process(every):
    code = textwrap.dedent(TANGLE.format(first=every * 100, every=every))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]


def chain_with_ties(count: int) -> Diagram:
    nodes = tuple(Node(f"n{i}", "Pod", f"p{i}") for i in range(count))
    chain = [Edge(f"n{i}", f"n{i + 1}", "owns") for i in range(count - 1)]
    return Diagram("x", "x", nodes, tuple(chain + [Edge("n0", f"n{i}", "ties") for i in range(2, count)]))


@pytest.mark.parametrize("count", [30, 60, 120, 249])
def test_long_lines_do_not_make_it_hang(count):
    begin = time.process_time()
    placed = layout(chain_with_ties(count))
    assert time.process_time() - begin < 2
    assert len(placed.nodes) == count


def test_many_things_without_relations_stand_in_rows():
    nodes = tuple(Node(f"n{i}", "ConfigMap", f"c{i}", group="g") for i in range(40))
    placed = layout(Diagram("x", "x", nodes, groups=(Group("g", "Namespace", "demo"),)))
    assert placed.height < 3 * placed.width
    assert len({box.x for box in placed.nodes.values()}) > 3
    assert {*placed.groups} == {"g"}


def test_rows_do_not_disturb_what_has_relations():
    rng = random.Random(1)
    nodes = tuple(Node(f"n{i}", "Pod", f"p{i}") for i in range(30))
    edges = tuple(Edge(f"n{i}", f"n{i + 1}", "owns") for i in range(0, 10, 2))
    placed = layout(Diagram("x", "x", tuple(rng.sample(nodes, 30)), edges))
    assert set(placed.edges) == {e.id for e in edges}
