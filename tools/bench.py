"""The speed that the project promises, measured: times, ratios, and for each promise whether it holds.

Each number is the median of several runs in processes of their own, the data are generated from a fixed seed, and
what is cold and what is warm is said. Exits with 1 only when a promise is broken by more than twice, since machines
are noisy; tests/test_speed.py counts what does not depend on the machine.

    make bench            everything, in a quarter of an hour; the table goes to bench/RESULTS.md
    make bench SKIP="others course"
    python tools/bench.py --events 10000 --only history
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools import bench_course, side_by_side  # noqa: E402 - found by the line above

RESULTS = ROOT / "bench" / "RESULTS.md"
SEED = 20260101


@dataclass(frozen=True)
class Measured:
    """One number beside the number that was promised (None: nothing was promised, it is only good to know)."""

    what: str
    value: float
    unit: str
    promised: float | None = None
    note: str = ""
    least: bool = False  # the promise is "at least"

    @property
    def kept(self) -> bool:
        """Whether the promise holds; True where there is none."""
        if self.promised is None:
            return True
        return self.value >= self.promised if self.least else self.value < self.promised

    @property
    def broken(self) -> bool:
        """Whether it is broken by more than a noisy machine explains."""
        if self.promised is None:
            return False
        return self.value < self.promised / 2 if self.least else self.value > 2 * self.promised

    @property
    def promise(self) -> str:
        """The promise in words."""
        return f"{'≥' if self.least else '<'} {_number(self.promised)} {self.unit}" if self.promised is not None else ""

    def __str__(self) -> str:
        mark = " " if self.promised is None else "✓" if self.kept else "✗"
        value = f"{_number(self.value)} {self.unit}"
        return f"{mark} {self.what:58} {value:>13}  {self.promise:14} {self.note}".rstrip()


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def child(code: str, *arguments: str) -> Any:
    """Run Python code in a process of its own; it prints one line of JSON."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return json.loads(done.stdout)


def median(run: Callable[[], float], times: int) -> float:
    """The middle of several runs."""
    return statistics.median(run() for _ in range(times))


# -- starting ------------------------------------------------------------------------------------

_START = """
    import json, subprocess, sys, time
    def start(code):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return time.perf_counter() - begin
    print(json.dumps(start(sys.argv[1])))
"""
_COMMAND = "import sys; sys.argv = ['k8sviz', 'labs']; from k8sviz.cli import main; main()"


def starting() -> Iterable[Measured]:
    """`import k8sviz` against Python's own start."""
    child(_START, "import k8sviz")  # so that every .pyc is there, and every file in the system's cache
    bare = median(lambda: child(_START, "pass"), 7)
    package = median(lambda: child(_START, "import k8sviz"), 7)
    drawing = median(lambda: child(_START, "import k8sviz; k8sviz.draw"), 5)
    yield Measured("python starts, and does nothing", bare * 1000, "ms")
    yield Measured("import k8sviz: what it adds", max(0.0, package - bare) * 1000, "ms", 150, _times(package, bare))
    yield Measured("import k8sviz and k8sviz.draw: what it adds", max(0.0, drawing - bare) * 1000, "ms")


def _times(one: float, other: float) -> str:
    return f"{one / other:.2f} × the bare start"


# -- drawing -------------------------------------------------------------------------------------

_DRAW = """
    import json, statistics, sys, time
    sys.path.insert(0, "tools")
    from bench import storage_objects
    begin = time.perf_counter()
    from k8sviz.diagrams.stories.storage import storage
    from k8sviz.history import History
    from k8sviz.render.layout import layout
    from k8sviz.render.svg import svg
    from k8sviz.render.text import text
    imported = time.perf_counter() - begin
    snapshot = History.of(storage_objects(int(sys.argv[1]))).at()

    def draw():
        layout.cache_clear()
        begin = time.perf_counter()
        told = storage(snapshot)
        said = text(told)
        drawn = svg(told, alt=said)
        assert drawn.endswith("</svg>")
        return time.perf_counter() - begin, len(told.nodes), len(told.edges)

    cold, nodes, edges = draw()
    warm = statistics.median(draw()[0] for _ in range(15))
    print(json.dumps({"import": imported, "cold": cold, "warm": warm, "nodes": nodes, "edges": edges}))
"""


def drawing() -> Iterable[Measured]:
    """A cluster's objects to SVG, by Graphviz within the process; every run lays out anew."""
    found = [child(_DRAW, "50") for _ in range(3)]
    size = f"{found[0]['nodes']} nodes, {found[0]['edges']} edges"
    warm = statistics.median(f["warm"] for f in found)
    cold = statistics.median(f["cold"] for f in found)
    first = statistics.median(f["import"] for f in found)
    yield Measured("50 objects to SVG and text, warm", warm * 1000, "ms", 50, size)
    yield Measured("the same, a process's first (Graphviz is loaded)", cold * 1000, "ms", None, _ratio(cold, warm))
    yield Measured("importing what it takes", first * 1000, "ms")
    many = child(_DRAW, "2500")
    yield Measured(
        "2,500 objects to SVG and text, warm",
        many["warm"] * 1000,
        "ms",
        None,
        f"summed up to {many['nodes']} nodes; {_ratio(many['warm'], warm)}",
    )


def _ratio(one: float, other: float) -> str:
    return f"{one / other:.1f} × the warm one of 50"


def storage_objects(count: int) -> list[dict[str, Any]]:
    """About `count` objects of a cluster: Pods of StatefulSets, each with a claim, a volume and a ConfigMap or so."""
    rng = random.Random(SEED)  # noqa: S311 - the same numbers each time are what is wanted
    made: list[dict[str, Any]] = [_object("StorageClass", "fast", provisioner="disk.csi.example.org")]
    made += [_object("Node", f"node-{i}", labels={"kubernetes.io/hostname": f"node-{i}"}) for i in range(2)]
    made.append(_object("ConfigMap", "config", "demo", data={"a": "b"}))
    i = 0
    while len(made) + 3 <= count:
        claim = {"namespace": "demo", "name": f"data-kubia-{i}"}
        uses = {"name": "data", "persistentVolumeClaim": {"claimName": claim["name"]}}
        container = {"name": "main", "image": "kubia:1", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}
        spec = {"containers": [container], "volumes": [uses], "nodeName": f"node-{rng.randrange(2)}"}
        owner = {"kind": "StatefulSet", "name": "kubia", "uid": "set", "controller": True}
        size = {"requests": {"storage": "1Gi"}}
        made += [
            _object("Pod", f"kubia-{i}", "demo", owners=[owner], spec=spec, status={"phase": "Running"}),
            _object(
                "PersistentVolumeClaim",
                claim["name"],
                "demo",
                status={"phase": "Bound"},
                spec={
                    "accessModes": ["ReadWriteOnce"],
                    "resources": size,
                    "volumeName": f"pv-{i}",
                    "storageClassName": "fast",
                },
            ),
            _object(
                "PersistentVolume",
                f"pv-{i}",
                status={"phase": "Bound"},
                spec={
                    "accessModes": ["ReadWriteOnce"],
                    "capacity": {"storage": "1Gi"},
                    "claimRef": claim,
                    "csi": {"driver": "disk.csi.example.org", "volumeHandle": f"h-{i}"},
                    "storageClassName": "fast",
                },
            ),
        ]
        i += 1
    return made


def _object(
    kind: str, name: str, namespace: str = "", *, labels: Any = None, owners: Any = None, **fields: Any
) -> dict[str, Any]:
    meta: dict[str, Any] = {"name": name, "labels": labels or {}, "ownerReferences": owners or []}
    if namespace:
        meta["namespace"] = namespace
    return {"apiVersion": "v1", "kind": kind, "metadata": meta, **fields}


# -- a long history ------------------------------------------------------------------------------

_OPEN = """
    import json, statistics, sys, time

    def memory(what):
        try:
            with open("/proc/self/status") as file:
                return next(int(line.split()[1]) * 1024 for line in file if line.startswith(what))
        except OSError:  # no Linux: the highest of all times is known, in bytes
            import resource
            return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    from k8sviz.sources import recording
    import random
    before = memory("VmRSS")
    begin = time.perf_counter()
    history = recording.read(sys.argv[1])
    opened = time.perf_counter() - begin
    peak = memory("VmHWM") - before
    rng = random.Random(7)

    def timed(ask, runs):
        found = []
        for _ in range(runs):
            t = rng.uniform(history.end / 2, history.end)
            begin = time.perf_counter()
            size = ask(t)
            found.append((time.perf_counter() - begin, size))
        return statistics.median(f[0] for f in found), found[0][1]

    def one(t):
        return history.at(t).get("Pod", f"pod-{rng.randrange(1000)}", "demo") is not None

    first = rng.uniform(history.end / 2, history.end)
    begin = time.perf_counter()
    listed = history.at(first).objects()
    cold = time.perf_counter() - begin
    begin = time.perf_counter()
    assert history.at(first).objects() == listed
    again = time.perf_counter() - begin

    def near(t):  # a player's next frame: nearly all objects are those of the frame before
        now[0] += (history.end - first) / 5000
        return len(history.at(now[0]).objects())

    now = [first]
    warm, size = timed(near, 30)
    one_object, _ = timed(one, 200)
    moment, _ = timed(lambda t: history.at(t) is not None, 200)
    print(json.dumps({"events": len(history), "opened": opened, "peak": peak, "cold": cold, "again": again,
                      "warm": warm, "size": size, "one": one_object, "moment": moment}))
"""


def write_events(path: Path, count: int, objects: int = 1000, size: int = 2000) -> int:
    """A recording of this many events about so many Pods, each line of about `size` bytes. Returns its bytes."""
    rng = random.Random(SEED)  # noqa: S311 - the same numbers each time are what is wanted
    header = {
        "format": "k8sviz.recording/v1",
        "name": "bench",
        "namespace": "demo",
        "startedAt": "2026-01-01T00:00:00Z",
    }
    with path.open("w", encoding="utf-8") as file:
        file.write(json.dumps(header) + "\n")
        for i in range(count):
            n = i if i < objects else rng.randrange(objects)
            row = {"t": round(i * 0.01, 3), "type": "ADDED" if i < objects else "MODIFIED", "object": _pod(n, i, rng)}
            short = size - len(json.dumps(row, separators=(",", ":"))) - 40
            row["object"]["metadata"]["annotations"] = {"padding": "x" * max(0, short)}  # type: ignore[index]
            file.write(json.dumps(row, separators=(",", ":")) + "\n")
        file.write(json.dumps({"t": count * 0.01, "type": "END"}) + "\n")
    return path.stat().st_size


def _pod(number: int, version: int, rng: random.Random) -> dict[str, Any]:
    """A Pod with the fields that a real one has most of."""
    time = "2026-01-01T00:00:00Z"
    digest = f"sha256:{rng.getrandbits(256):064x}"
    conditions = [
        {"type": name, "status": rng.choice(["True", "False"]), "lastProbeTime": None, "lastTransitionTime": time}
        for name in ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")
    ]
    state = {
        "name": "main",
        "ready": True,
        "restartCount": rng.randrange(9),
        "image": "busybox:1.36",
        "imageID": digest,
        "state": {"running": {"startedAt": time}},
    }
    made = _object("Pod", f"pod-{number}", "demo", labels={"app": f"app-{number % 7}"})
    made["metadata"] |= {"uid": f"{number:08d}-0000-4000-8000-000000000000", "resourceVersion": str(version)}
    made["spec"] = {
        "containers": [
            {
                "name": "main",
                "image": "busybox:1.36",
                "env": [{"name": "A", "value": "b"}],
                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
            }
        ],
        "volumes": [{"name": "data", "emptyDir": {}}],
        "nodeName": f"node-{number % 5}",
        "restartPolicy": "Always",
    }
    made["status"] = {"phase": "Running", "conditions": conditions, "containerStatuses": [state], "podIP": "10.0.0.1"}
    return made


def history(events: int) -> Iterable[Measured]:
    """A long recording: opening it, the memory it takes, and what was at a time."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.jsonl"
        size = write_events(path, events)
        # the file's own speed is the disk's, not ours: the first opening of a large one brings it into memory
        found = [child(_OPEN, str(path)) for _ in range(3 if events <= 100_000 else 2)]
    middle = {key: statistics.median(f[key] for f in found) for key in found[0]}
    scale = events / 100_000
    note = f"{size / 1e6:.0f} MB, {size / middle['opened'] / 1e6:.0f} MB/s"
    objects = f"{middle['size']:.0f} objects"
    yield Measured(
        f"{events:,} events of {size // events:,} bytes open", middle["opened"], "s", max(0.2, 3 * scale), note
    )
    yield Measured("their peak memory, for each byte of the file", middle["peak"] / size, "×", 3)
    yield Measured("at(t)", middle["moment"] * 1000, "ms", 5)
    yield Measured("at(t) and one object, parsed when it is asked for", middle["one"] * 1000, "ms", 5)
    yield Measured("at(t) and all objects, a moment after another", middle["warm"] * 1000, "ms", 5, objects)
    yield Measured("at(t) and all objects, none of them parsed yet", middle["cold"] * 1000, "ms", None, objects)
    yield Measured(
        "the same once more", middle["again"] * 1000, "ms", 5, f"{middle['cold'] / middle['again']:.0f} × faster"
    )


# -- side by side ----------------------------------------------------------------------------------

_FOR_RESULTS: dict[str, list[str]] = {}


def others() -> Iterable[Measured]:
    """The same YAML by k8sviz and by KubeDiagrams."""
    found, why = side_by_side.compare()
    if why:
        print(f"  KubeDiagrams is left out: {why}")
    for size, (ours, theirs) in found.items():
        took = f"{ours.seconds * 1000:.0f} ms against {theirs.failed or f'{theirs.seconds * 1000:.0f} ms'}"
        if not theirs.failed:
            times = theirs.seconds / ours.seconds
            yield Measured(f"{size:,} objects, whole process: times faster", times, "×", 3, took, least=True)
            inside = f"{ours.inside * 1000:.0f} ms against {theirs.inside * 1000:.0f} ms"
            times = theirs.inside / ours.inside
            yield Measured(f"{size:,} objects, in the process: times faster", times, "×", 10, inside, least=True)
        else:
            yield Measured(
                f"{size:,} objects, whole process", ours.seconds, "s", None, f"KubeDiagrams: {theirs.failed}"
            )
    summary = side_by_side.json_summary()
    yield Measured("5,000 objects as kubectl get -o json prints them", summary.seconds, "s", 2)
    yield Measured("its peak memory", summary.memory / 1e6, "MB", 300)
    _FOR_RESULTS["others"] = [
        *side_by_side.table(found),
        "",
        f"Growth in the process, k8sviz: {', '.join(side_by_side.growth(found, 0))}.",
        f"KubeDiagrams: {', '.join(side_by_side.growth(found, 1)) or 'not measured'}.",
        *([f"KubeDiagrams was left out: {why}."] if why else []),
    ]


# -- what learners wait for ------------------------------------------------------------------------


def player() -> Iterable[Measured]:
    """A film of 40 Pods and 1,000 changes as a page."""
    found = [child(bench_course.PLAYER) for _ in range(3)]
    size = f"{found[0]['bytes'] / 1000:.0f} kB of HTML"
    yield Measured(
        "a player of 40 Pods and 1,000 changes", statistics.median(f["seconds"] for f in found), "s", None, size
    )


def notebooks() -> Iterable[Measured]:
    """Each notebook, from its kernel's start to its last cell."""
    for name, seconds in bench_course.notebook_seconds():
        yield Measured(f"notebook {name}", seconds, "s")


def course() -> Iterable[Measured]:
    """`make course` from nothing."""
    seconds = bench_course.seconds_to_the_course()
    if seconds is not None:
        yield Measured("make course, from nothing to a page", seconds, "s")


# -- all -----------------------------------------------------------------------------------------

_LENGTHS = (1_000, 10_000, 100_000, 1_000_000)


def _parts(events: int | None) -> dict[str, Callable[[], Iterable[Measured]]]:
    lengths = (events,) if events else _LENGTHS
    return {
        "others": others,
        "starting": starting,
        "drawing": drawing,
        "player": player,
        "history": lambda: (one for length in lengths for one in history(length)),
        "notebooks": notebooks,
        "course": course,
    }


def main() -> int:
    """Print all measurements. Returns 1 when a promise is broken by more than twice."""
    names = tuple(_parts(None))
    parser = argparse.ArgumentParser(description="Measure what the project promises about its speed.")
    parser.add_argument("--events", type=int, help=f"how long the long history is (default: each of {_LENGTHS})")
    parser.add_argument("--only", choices=names, help="one part")
    parser.add_argument("--skip", nargs="*", choices=names, default=[], help="parts to leave out")
    options = parser.parse_args()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    machine = f"Python {platform.python_version()}, {_processor()}, {os.cpu_count()} cores, load {load:.1f}"
    print(machine)
    found: dict[str, list[Measured]] = {}
    for name, part in _parts(options.events).items():
        if options.only in (None, name) and name not in options.skip:
            print()
            for one in part():
                print(one, flush=True)
                found.setdefault(name, []).append(one)
    measured = [one for part in found.values() for one in part]
    kept = sum(one.kept for one in measured if one.promised is not None)
    print(f"\n{kept} of {sum(one.promised is not None for one in measured)} promises kept")
    if options.only is None:
        write_results(found, machine)
    return int(any(one.broken for one in measured))


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def write_results(found: dict[str, list[Measured]], machine: str) -> None:
    """bench/RESULTS.md: ratios first, then every number of this run, and what it was measured on."""
    date = time.strftime("%Y-%m-%d")
    lines = [
        "# Measured",
        "",
        f"Made by `make bench` on {date}: {machine}, {platform.platform()}. No number is older.",
        "",
    ]
    if "others" in _FOR_RESULTS:
        lines += [
            "## The same YAML, k8sviz and KubeDiagrams",
            "",
            "Times KubeDiagrams takes for each one that k8sviz takes; medians, taken in turns.",
            "",
            *_FOR_RESULTS["others"],
            "",
        ]
    for name, part in found.items():
        lines += [f"## {name.capitalize()}", "", "| | measured | promised | |", "|---|--:|--:|---|"]
        for one in part:
            mark = "" if one.promised is None else " ✓" if one.kept else " ✗"
            lines.append(f"| {one.what} | {_number(one.value)} {one.unit} | {one.promise}{mark} | {one.note} |")
        lines.append("")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join(lines), encoding="utf-8")
    print(f"wrote {RESULTS.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(main())
