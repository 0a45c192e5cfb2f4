"""How a Pod of a workload stands: its stage at a moment, in words, as a level and as a sign."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from k8sviz.diagrams.kit.model import Level
from k8sviz.history import Snapshot
from k8sviz.rules.availability import Stage, pod_stage
from k8sviz.rules.fields import JSON
from k8sviz.rules.pods import pod_status
from k8sviz.rules.times import epoch
from k8sviz.words import say

__all__ = ["GLYPHS", "STAGE_LEVELS", "now_of", "seats_line", "stage_of"]

STAGE_LEVELS: Final[dict[Stage, Level]] = {
    "pending": "wait",
    "starting": "wait",
    "failing": "bad",
    "ready": "wait",
    "available": "ok",
    "terminating": "ending",
    "ended": "off",
}
GLYPHS: Final[dict[Stage, str]] = {
    "available": "●",
    "ready": "◐",
    "starting": "◔",
    "pending": "○",
    "failing": "▲",
    "terminating": "×",
    "ended": "–",
}
_PER_LINE: Final = 20


def now_of(snapshot: Snapshot) -> float | None:
    """The Snapshot's moment in seconds since 1970; None when it is the newest, or nobody knows the wall clock."""
    base = epoch(snapshot.about.started_at)
    return None if base is None or math.isinf(snapshot.t) else base + snapshot.t


def stage_of(pod: JSON, min_ready: int, now: float | None) -> tuple[Stage, str, Level]:
    """A Pod's stage, the words for it and how it feels; a failing Pod has kubectl's word."""
    stage = pod_stage(pod, min_ready, now)
    word = pod_status(pod) if stage == "failing" else say(f"rollout.stage.{stage}")
    return stage, word, STAGE_LEVELS[stage]


def seats_line(stages: Sequence[tuple[int, Stage]]) -> list[str]:
    """Seats as signs, twenty in a line, an empty one as a dot: forty Pods at one look.

    >>> seats_line([(0, "available"), (2, "starting")])
    ['●·◔']
    """
    by_seat = dict(stages)
    signs = "".join(GLYPHS[by_seat[i]] if i in by_seat else "·" for i in range(max(by_seat, default=-1) + 1))
    return [signs[i : i + _PER_LINE] for i in range(0, len(signs), _PER_LINE)]
