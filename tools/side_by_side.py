"""The same YAML drawn by k8sviz and by KubeDiagrams, in one run on one machine: time, memory, bytes, growth.

KubeDiagrams gets an environment of its own in the user's cache. It needs Graphviz' `dot`, and Debian's libgraphviz-dev
with a C compiler to be installed; where that cannot be, k8sviz is measured alone and the reason is said.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
import venv
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools.many import cluster, write_json, write_yaml  # noqa: E402 - found by the line above

__all__ = ["SIZES", "Side", "Unavailable", "compare", "kubediagrams", "table"]

PACKAGE = "KubeDiagrams==0.8.0"
SIZES = {50: 9, 200: 5, 500: 3, 1000: 1, 5000: 1}  # objects, and how often each is drawn
DEADLINE = 120.0  # seconds for one picture


class Unavailable(Exception):  # noqa: N818 - not an error: the bench goes on
    """KubeDiagrams cannot run here, and why."""


@dataclass
class Side:
    """What one program did with one cluster: seconds, bytes of memory and of SVG; or why it did not finish."""

    seconds: float = math.nan
    inside: float = math.nan  # in a process that has everything loaded
    memory: int = 0
    svg: int = 0
    failed: str = ""
    times: list[float] = field(default_factory=list)


def kubediagrams() -> Path:
    """The Python of an environment with KubeDiagrams, made when it is not there. Raises Unavailable."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "k8sviz-bench" / "kubediagrams"
    program = folder / "bin" / "kube-diagrams"
    if shutil.which("dot") is None:
        raise Unavailable("it needs Graphviz' dot: apt-get install graphviz libgraphviz-dev")
    if not program.exists():
        venv.create(folder, with_pip=True)
        done = subprocess.run([folder / "bin" / "pip", "install", "--quiet", PACKAGE], capture_output=True, text=True)
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or ["pip failed"]
            raise Unavailable(f"it cannot be installed ({last[0][:120]}); apt-get install libgraphviz-dev may help")
    return folder / "bin" / "python"


def compare(sizes: dict[int, int] | None = None) -> tuple[dict[int, tuple[Side, Side]], str]:
    """For each size k8sviz and KubeDiagrams, taken in turns; and why there is no KubeDiagrams, or ''."""
    other, why = None, ""
    try:
        other = kubediagrams()
    except Unavailable as error:
        why = str(error)
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for size, runs in (sizes or SIZES).items():
            file = Path(folder) / f"{size}.yaml"
            write_yaml(cluster(size), file)
            found[size] = _size(file, runs, other, Path(folder))
    return found, why


def _size(file: Path, runs: int, other: Path | None, folder: Path) -> tuple[Side, Side]:
    ours, theirs = Side(), Side(failed="" if other else "not installed")
    drawn = folder / "drawn"
    our_command = [sys.executable, "-m", "k8sviz", "draw", "overview", "-f", str(file), "-o", f"{drawn}.svg"]
    for turn in range(runs + 1):  # the first warms up: bytecode, and the system's cache
        _once(ours, our_command, drawn, folder, count=turn > 0 or runs == 1)
        if other and not theirs.failed and (turn > 0 or runs > 1):
            script = str(other.with_name("kube-diagrams"))
            command = [str(other), script, str(file), "-o", str(drawn), "-f", "svg"]
            _once(theirs, command, drawn, folder, count=turn > 0)
    ours.inside = _inside(sys.executable, _OURS, file, drawn, runs + 2, folder)
    if other and not theirs.failed:
        theirs.inside = _inside(str(other), _THEIRS, file, drawn, min(runs, 3), folder)
    return ours, theirs


def environment(folder: Path) -> dict[str, str]:
    """The same for both: nobody's bytecode is left to be compiled at each start."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPYCACHEPREFIX": str(folder / "bytecode"), "PYTHONPATH": ""}


def _once(side: Side, command: list[str], drawn: Path, folder: Path, *, count: bool) -> None:
    begin = time.perf_counter()
    with (folder / "said").open("wb") as said:
        started = subprocess.Popen(command, stdout=said, stderr=said, cwd=ROOT, env=environment(folder))
        memory, code = _wait(started, begin)
    seconds = time.perf_counter() - begin
    if code:
        side.failed = "no end after two minutes" if seconds > DEADLINE else _reason(folder / "said", code)
    elif count:
        side.times.append(seconds)
        side.seconds = statistics.median(side.times)
        side.memory = max(side.memory, memory)
        side.svg = Path(f"{drawn}.svg").stat().st_size


def _wait(started: subprocess.Popen[bytes], begin: float) -> tuple[int, int]:
    """Peak memory of the process and those that it started, and its exit code; ended when the time is over."""
    while True:
        pid, status, usage = os.wait4(started.pid, os.WNOHANG)
        if pid:
            started.returncode = os.waitstatus_to_exitcode(status)
            scale = 1 if sys.platform == "darwin" else 1024
            return usage.ru_maxrss * scale, started.returncode
        if time.perf_counter() - begin > DEADLINE:
            started.kill()
        time.sleep(0.0005)


def _reason(said: Path, code: int) -> str:
    words = said.read_text(errors="replace")
    return "dot crashed (SIGSEGV)" if "SIGSEGV" in words else f"ended with {code}"


_OURS = """
    from k8sviz.diagrams.stories.overview import overview
    from k8sviz.render.layout import layout
    from k8sviz.render.picture import render
    from k8sviz.sources import manifests

    def draw(file, drawn):
        layout.cache_clear()
        picture = render(overview(manifests.read(file).at()), "svg")
        with open(drawn + ".svg", "w", encoding="utf-8") as out:
            out.write(picture)
"""
_THEIRS = """
    import contextlib, copy, io, os, runpy, sys
    import yaml

    kept = copy.deepcopy(yaml.SafeLoader.yaml_implicit_resolvers)

    def draw(file, drawn):
        yaml.SafeLoader.yaml_implicit_resolvers = copy.copy(kept)  # its script takes one out, once a process
        script = os.path.join(os.path.dirname(sys.executable), "kube-diagrams")
        sys.argv = [script, file, "-o", drawn, "-f", "svg"]
        with contextlib.redirect_stdout(io.StringIO()):
            runpy.run_path(script, run_name="__main__")
"""
_TIMED = """
    import json, statistics, sys, time
    file, drawn, runs = sys.argv[1:4]
    draw(file, drawn)
    found = []
    for _ in range(int(runs)):
        begin = time.perf_counter()
        draw(file, drawn)
        found.append(time.perf_counter() - begin)
    print(json.dumps(statistics.median(found)))
"""


def _inside(python: str, code: str, file: Path, drawn: Path, runs: int, folder: Path) -> float:
    program = textwrap.dedent(code) + textwrap.dedent(_TIMED)
    try:
        done = subprocess.run(
            [python, "-c", program, str(file), str(drawn), str(runs)],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=environment(folder),
            timeout=4 * DEADLINE,
        )
    except subprocess.TimeoutExpired:
        return math.nan
    return float(done.stdout.splitlines()[-1]) if done.returncode == 0 else math.nan


def json_summary(count: int = 5000) -> Side:
    """That many objects as `kubectl get -o json` prints them, to SVG, as a whole process."""
    side = Side()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_json(cluster(count), folder / "cluster.json")
        command = [
            sys.executable,
            "-m",
            "k8sviz",
            "draw",
            "overview",
            "-f",
            str(folder / "cluster.json"),
            "-o",
            str(folder / "drawn.svg"),
        ]
        for turn in range(4):
            _once(side, command, folder / "drawn", folder, count=turn > 0)
    return side


def table(found: dict[int, tuple[Side, Side]]) -> list[str]:
    """Rows of Markdown, ratios first."""
    both = [f"{program}{what}" for what in ("", ", in process", ", memory", ", SVG") for program in ("k8sviz", "Other")]
    heads = ["objects", "whole process", "in the process", *(head.replace("Other", "KubeDiagrams") for head in both)]
    lines = ["| " + " | ".join(heads) + " |", "|" + "--:|" * len(heads)]
    for size, (ours, theirs) in found.items():
        lines.append(
            "| "
            + " | ".join(
                [
                    f"{size:,}",
                    _ratio(theirs.seconds, ours.seconds, theirs),
                    _ratio(theirs.inside, ours.inside, theirs),
                    _seconds(ours),
                    theirs.failed or _seconds(theirs),
                    _time(ours.inside),
                    _time(theirs.inside),
                    _bytes(ours.memory),
                    _bytes(theirs.memory),
                    _bytes(ours.svg),
                    _bytes(theirs.svg),
                ]
            )
            + " |"
        )
    return lines


def growth(found: dict[int, tuple[Side, Side]], which: int) -> list[str]:
    """How time grows from size to size, as a power of the number of objects."""
    rows = [(size, pair[which].inside) for size, pair in found.items() if not math.isnan(pair[which].inside)]
    return [
        f"{small:,} → {large:,}: n^{math.log(later / earlier) / math.log(large / small):.2f}"
        for (small, earlier), (large, later) in pairwise(rows)
    ]


def _ratio(theirs: float, ours: float, side: Side) -> str:
    return "–" if side.failed or math.isnan(theirs) else f"**{theirs / ours:.1f} ×**"


def _seconds(side: Side) -> str:
    return side.failed or _time(side.seconds)


def _time(seconds: float) -> str:
    return "–" if math.isnan(seconds) else f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _bytes(count: int) -> str:
    return "–" if not count else f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1e6:.1f} MB"


def to_json(found: dict[int, tuple[Side, Side]]) -> Any:
    """All numbers, for programs."""
    return json.loads(json.dumps({size: [vars(side) for side in pair] for size, pair in found.items()}))
