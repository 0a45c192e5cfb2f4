"""Every lab on a cluster with real kubelets, step by step beside its recording: `make test-real`.

Compared are exit codes and the relations of the lab's story at each step; generated names, nodes and which of several
equal volumes is taken are chance. Prints each difference, and last `N of M exit codes, R of S relations`. Ends with 1
where an exit code differs.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from k8sviz.diagrams.kit.model import Diagram, Edge
from k8sviz.errors import K8svizError
from k8sviz.lab import Lab
from k8sviz.sources.labs import lab_names

__all__ = ["Compared", "compare_lab", "plain", "relations", "story_of"]

_STORIES: Final = {"ch06": "storage", "ch07": "config", "ch08": "downward", "ch09": "rollout", "ch10": "stateful"}
_OTHER: Final = {"ch08-api-from-pod": "access", "ch10-order": "storage", "ch10-static-volumes": "storage"}
# what the API server and the PV controller put at the end of a name
_MADE: Final = re.compile(r"-([bcdfghjklmnpqrstvwxz2456789]{5}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})(?=$|/)")
_CHANCE: Final = re.compile(r"(^seat/.*/|PersistentVolume//pv-(?=[a-d]$)).+$")


def story_of(lab: str) -> str:
    """The story that a lab is about."""
    return _OTHER.get(lab, _STORIES[lab.partition("-")[0]])


def plain(node_id: str) -> str:
    """A node's id with what chance decides starred out: generated names, seats, which of several equal volumes."""
    return _CHANCE.sub(r"\1*", _MADE.sub("-*", node_id))


def relations(diagram: Diagram) -> Counter[tuple[str, str, str]]:
    """A picture's relations, each counted."""
    return Counter((plain(e.source), e.relation, _target(e)) for e in diagram.edges)


def _target(edge: Edge) -> str:
    """Where a relation leads; which node the scheduler takes is chance, and so is where its volumes are made."""
    chosen = edge.relation == "on-node" or edge.source.startswith("PersistentVolume//pvc-")
    return "Node//*" if chosen and edge.target.startswith("Node//") else plain(edge.target)


class Compared(NamedTuple):
    """One step, live and recorded."""

    lab: str
    step: str
    exit_code: int
    recorded_code: int
    same: int
    relations: int
    differences: tuple[str, ...]
    notes: tuple[str, ...]
    midway: bool

    @property
    def rows(self) -> Iterator[str]:
        """The step's lines in the table: none where nothing differs."""
        where = f"{self.lab} {self.step}" + (" (midway)" if self.midway else "")
        if self.exit_code != self.recorded_code:
            yield f"{where}: exit code {self.exit_code}, recorded {self.recorded_code}"
        for line in (*self.differences, *self.notes):
            yield f"{where}: {line}"


def compare_lab(name: str, *, yes: bool = False, by_hand: Sequence[str] = ()) -> Iterator[Compared]:
    """Each step of a lab, done on the cluster of K8SVIZ_CONTEXT. The lab is removed at the end, whatever happens.

    `by_hand` are shell commands for the steps that no kubectl does, in their order.
    """
    hands = iter(by_hand)
    live, recorded, story = Lab(name, source="live", yes=yes), Lab(name, source="recorded"), story_of(name)
    try:
        for step in live.steps:
            if step.command.startswith("#") and (command := next(hands, "")):
                subprocess.run(command, shell=True, check=True)  # noqa: S602 - the user's own command
            here, there = live.do(step.id), recorded.do(step.id)
            one, other = _drawn(live, story), _drawn(recorded, story)
            lines = [f"only live {edge}" for edge in (one - other)] + [f"only recorded {e}" for e in (other - one)]
            same = sum((one & other).values())
            notes, midway = tuple(here.notes), step.goes_on is not None
            codes = (here.exit_code, there.exit_code)
            yield Compared(name, step.id, *codes, same, sum(other.values()), tuple(lines), notes, midway)
    finally:
        live.cleanup()


def _drawn(lab: Lab, story: str) -> Counter[tuple[str, str, str]]:
    try:
        return relations(lab.draw(story).diagram)
    except K8svizError:  # nothing of it is there yet
        return Counter()


def main(argv: Sequence[str] | None = None) -> int:
    """Compare the labs that are named, or all; print what differs, and the sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lab", nargs="*", help="the labs (default: all)")
    parser.add_argument("--yes", action="store_true", help="the cluster is meant, although it is not on this machine")
    parser.add_argument(
        "--by-hand",
        action="append",
        default=[],
        metavar="COMMAND",
        help="for a step that no kubectl does; may come again",
    )
    options = parser.parse_args(argv)
    done: list[Compared] = []
    failed = []
    for name in options.lab or lab_names():
        try:
            for step in compare_lab(name, yes=options.yes, by_hand=options.by_hand):
                done.append(step)
                for row in step.rows:
                    print(row, flush=True)
        except K8svizError as error:
            failed.append(name)
            print(f"{name}: {error}", flush=True)
    codes = sum(step.exit_code == step.recorded_code for step in done)
    same, all_relations = sum(step.same for step in done), sum(step.relations for step in done)
    print(f"{codes} of {len(done)} exit codes, {same} of {all_relations} relations")
    return int(bool(failed) or codes < len(done))


if __name__ == "__main__":
    sys.exit(main())
