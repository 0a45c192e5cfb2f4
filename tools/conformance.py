"""Replays recordings on the simulated cluster, step by step, and says where the two differ.

    python -m tools.conformance RECORDING… [--only STEP] [--known FILE]

Compared are each step's exit code and output (ages, times, addresses, generated suffixes and hashes aside), and at
every settled moment the objects: kinds, names, owners, references, phases, conditions, reasons. Prints each
difference, and as its last line `N of M steps equal, R of S relations`. The exit code is 1 when a step differs that
the file of known differences does not name, or names wrongly.
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from k8sviz.cluster import RECORDED, Cluster, chances_of
from k8sviz.errors import K8svizError
from k8sviz.history import History, Object, Snapshot, Step
from k8sviz.kubectl.prompt import Prompt
from k8sviz.kubectl.simulated import Simulated
from k8sviz.rules.fields import flag, integer, listed, mapped, mapping, text
from k8sviz.shell import Answer
from k8sviz.sources.recording import read
from tools.conformance_text import Names, normal_text

__all__ = ["Compared", "Replayed", "compare", "main", "relations", "replay"]

ROOT: Final = Path(__file__).resolve().parents[1]
KNOWN: Final = ROOT / "tests" / "conformance.toml"
_QUIET: Final = 1.0  # seconds without a change: the cluster has done what it was asked for
_LEFT_OUT: Final = frozenset({"Event", "Node", "Namespace", "ServiceAccount", "StorageClass", "Lease"})
_NODES: Final = ("k8sviz-worker", "k8sviz-worker2")
_SHOWN: Final = 14


@dataclass
class Replayed:
    """A step as it went on the simulated cluster: its answer, and when it ended there."""

    step: Step
    answer: Answer
    end: float


@dataclass
class Compared:
    """What a recording and its replay have in common."""

    name: str
    steps: int = 0
    equal: int = 0
    relations: int = 0
    same: int = 0
    differences: dict[str, list[str]] = field(default_factory=dict)
    seconds: float = 0.0


def replay(recorded: History, *, only: str = "") -> tuple[Cluster, list[Replayed]]:
    """Run the steps of a recording on a simulated cluster that begins as the recorded one did."""
    steps = [step for step in recorded.steps if step.result is not None]
    begin = max(0.0, steps[0].t - 0.001) if steps else 0.0
    cluster = Cluster(recorded.at(begin), settings=RECORDED, chances=chances_of(recorded))
    target = Simulated(cluster)
    prompt = Prompt(target, namespace=recorded.about.namespace)
    done: list[Replayed] = []
    for step in steps:
        prompt.files.update(step.files)
        cluster.clock.run(max(step.t, cluster.clock.now))
        done.append(Replayed(step, _run(target, prompt, step), cluster.clock.now))
        if step.id == only:
            break
    return cluster, done


def _run(target: Simulated, prompt: Prompt, step: Step) -> Answer:
    try:
        if step.command.startswith("#"):
            return target.outside(step.command)
        return prompt.run(step.command)
    except K8svizError as error:
        return Answer(99, "", f"{error}\n")


def compare(path: Path, *, only: str = "") -> Compared:
    """Replay one recording and compare."""
    began = time.process_time()
    recorded = read(path)
    result = Compared(recorded.about.name or path.stem)
    cluster, done = replay(recorded, only=only)
    before, after = Names(recorded), Names(cluster.history)
    for i, one in enumerate(done):
        result.steps += 1
        found = list(_output_differences(one, before, after))
        if i + 1 < len(done):
            moment = done[i + 1].step.t - 0.001
        else:
            moment = max(recorded.end, one.end)
            cluster.clock.run(max(moment, cluster.clock.now))
        if not found:
            result.equal += 1
        if _settled(recorded, moment) and done[i].end <= moment + 0.5:
            real = Counter(relations(recorded.at(moment), before))
            ours = Counter(relations(cluster.history.at(moment), after))
            result.relations += (real | ours).total()
            result.same += (real & ours).total()
            found += [f"- {line}" for line in sorted((real - ours).elements())]
            found += [f"+ {line}" for line in sorted((ours - real).elements())]
        if found:
            result.differences[one.step.id] = found
    result.seconds = time.process_time() - began
    return result


def _output_differences(one: Replayed, before: Names, after: Names) -> Iterator[str]:
    result = one.step.result
    if result is None:
        return
    if result.exit_code != one.answer.code:
        yield f"! exit code {one.answer.code}, recorded {result.exit_code}"
    for channel, real, ours in (("out", result.stdout, one.answer.out), ("err", result.stderr, one.answer.err)):
        wanted = normal_text(real, before)
        found = next((one for one in _chances(ours, after) if one == wanted), normal_text(ours, after))
        for line in list(difflib.unified_diff(wanted, found, n=0, lineterm=""))[2:]:
            if not line.startswith("@@"):
                yield f"{channel} {line}"


def _chances(said: str, names: Names) -> Iterator[list[str]]:
    """An output, and what it would be had the scheduler taken the other of two equal nodes: a real one draws lots."""
    yield normal_text(said, names)
    if _NODES[0] in said:
        swap = {_NODES[0]: _NODES[1], _NODES[1]: _NODES[0]}
        yield normal_text(re.sub(r"\bk8sviz-worker2?\b", lambda one: swap[one[0]], said), names)


def _settled(history: History, t: float) -> bool:
    """Whether nothing but Events and heartbeats came in the last second before a time."""
    return not any(event.object.get("kind") not in ("Event", "Node") for event in history.between(t - _QUIET, t))


def relations(snapshot: Snapshot, names: Names) -> Iterator[str]:
    """What can be said of each object and compared: one fact a line."""
    for obj in snapshot:
        kind = text(obj, "kind")
        if kind in _LEFT_OUT or text(obj, "metadata", "name") == "kube-root-ca.crt":
            continue
        if text(obj, "metadata", "namespace") not in ("", snapshot.about.namespace):
            continue
        what = f"{kind} {names.of(obj)}"
        yield what
        for fact in _facts(obj, snapshot, names):
            yield f"{what}: {fact}"


def _facts(obj: Object, snapshot: Snapshot, names: Names) -> Iterator[str]:
    if text(obj, "metadata", "deletionTimestamp"):
        yield "is being deleted"
    for owner in listed(obj, "metadata", "ownerReferences"):
        yield f"owner {text(owner, 'kind')} {names.normal(text(owner, 'name'))}"
    if text(obj, "status", "phase"):
        yield f"phase {text(obj, 'status', 'phase')}"
    for one in listed(obj, "status", "conditions"):
        yield f"condition {text(one, 'type')}={text(one, 'status')} {text(one, 'reason')}"
    for name in ("replicas", "readyReplicas", "availableReplicas", "updatedReplicas", "currentReplicas"):
        found = integer(obj, "status", name)
        if found:
            yield f"{name} {found}"
    for part in ("initContainerStatuses", "containerStatuses"):
        for status in listed(obj, "status", part):
            yield _container(status)
    yield from _references(obj, snapshot, names)


def _container(status: Object | Any) -> str:
    state = next(iter(mapping(status, "state")), "")
    reason = text(status, "state", state, "reason")
    ready = "ready" if flag(status, "ready") else "not ready"
    return f"container {text(status, 'name')} {state} {reason} {ready} restarts {integer(status, 'restartCount') or 0}"


def _references(obj: Object, snapshot: Snapshot, names: Names) -> Iterator[str]:
    volume = text(obj, "spec", "volumeName")
    if volume:
        held = snapshot.get("PersistentVolume", volume)
        yield f"volume {names.of(held) if held else volume}"
    claim = mapped(obj, "spec", "claimRef")
    if claim is not None:
        yield f"claim {text(claim, 'namespace')}/{text(claim, 'name')}"
    for one in listed(obj, "spec", "volumes"):
        for kind, ref in (("configMap", "name"), ("secret", "secretName"), ("persistentVolumeClaim", "claimName")):
            if mapped(one, kind) is not None:
                yield f"mounts {kind} {text(one, kind, ref)}"
    for endpoint in listed(obj, "endpoints"):
        ready = flag(endpoint, "conditions", "ready")
        yield f"endpoint {names.normal(text(endpoint, 'targetRef', 'name'))[:-6]} ready={ready}"


# -- printing ------------------------------------------------------------------------------------


def known_differences(path: Path = KNOWN) -> dict[str, dict[str, str]]:
    """By recording, the steps that differ and why."""
    if not path.exists():
        return {}
    found: dict[str, dict[str, str]] = tomllib.loads(path.read_text(encoding="utf-8"))
    return found


def main(argv: list[str] | None = None) -> int:
    """Replay, print, and say by the exit code whether all is as the file of known differences has it."""
    parser = argparse.ArgumentParser(description="replay recordings on the simulated cluster")
    parser.add_argument("recordings", nargs="*", type=Path)
    parser.add_argument("--only", default="", help="stop after this step")
    parser.add_argument("--brief", action="store_true", help="name the steps that differ, not how")
    args = parser.parse_args(argv)
    paths = args.recordings or sorted(ROOT.glob("data/labs/*/recording.jsonl"))
    known = known_differences()
    total = Compared("all")
    surprises = 0
    for path in paths:
        try:
            one = compare(path, only=args.only)
        except K8svizError as error:
            print(f"conformance: {error}", file=sys.stderr)
            return 2
        surprises += _shown(one, known.get(one.name, {}), brief=args.brief)
        total.steps, total.equal = total.steps + one.steps, total.equal + one.equal
        total.relations, total.same = total.relations + one.relations, total.same + one.same
        total.seconds += one.seconds
    print(f"{total.seconds:.1f} s of CPU")
    print(f"{total.equal} of {total.steps} steps equal, {total.same} of {total.relations} relations")
    return int(surprises > 0)


def _shown(one: Compared, known: dict[str, str], *, brief: bool) -> int:
    """Print one recording's differences; how many are not known, or known and gone."""
    print(
        f"{one.name}: {one.equal} of {one.steps} steps, {one.same} of {one.relations} relations ({one.seconds:.1f} s)"
    )
    for step, lines in one.differences.items():
        print(f"  {step}" + (f"  ({known[step]})" if step in known else ""))
        if not brief:
            for line in lines[:_SHOWN]:
                print(f"    {line[:200]}")
            if len(lines) > _SHOWN:
                print(f"    … and {len(lines) - _SHOWN} more lines")
    gone = [step for step in known if step not in one.differences]
    for step in gone:
        print(f"  {step} is equal now: take it out of {KNOWN.name}")
    return len(gone) + len([step for step in one.differences if step not in known])


if __name__ == "__main__":
    raise SystemExit(main())
