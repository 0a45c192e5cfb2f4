"""Where a lab's steps happen, and the place that needs no cluster: the lab's own recording."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from k8sviz.history import History, Result
from k8sviz.sources.labs import LabSpec, StepSpec
from k8sviz.sources.recording import read

__all__ = ["Recorded", "Runner"]


class Runner(Protocol):
    """Where a lab's steps happen: in a recording, or on a cluster."""

    @property
    def history(self) -> History:
        """All that happened, and in a recording also what is still to come."""

    def run(self, step: StepSpec) -> Result:
        """Let the step happen, and say how its command ended."""

    def now(self) -> float:
        """The moment, in seconds of the History, that the lab has come to."""

    def notes(self, step_id: str) -> Sequence[str]:
        """What a person should know about how a step went."""

    def cleanup(self) -> list[str]:
        """Remove what the lab has made. Returns what went."""


class Recorded:
    """Runs nothing: moves a recording's clock to when the step's consequences were in."""

    def __init__(self, spec: LabSpec) -> None:
        self.history = read(spec.recording)
        first = self.history.steps[0].t if self.history.steps else 0.0
        self._now = max(0.0, first - 0.001)

    def run(self, step: StepSpec) -> Result:
        """The recorded result of the step."""
        recorded = self.history.step(step.id)
        self._now = max(self._now, self.history.settled(step.id))
        return recorded.result or Result(recorded.t, 0)

    def now(self) -> float:
        """The clock."""
        return self._now

    def notes(self, step_id: str) -> Sequence[str]:  # noqa: ARG002 - as every runner
        """None: a recorded step went as it went."""
        return ()

    def cleanup(self) -> list[str]:
        """Nothing was made."""
        return []
