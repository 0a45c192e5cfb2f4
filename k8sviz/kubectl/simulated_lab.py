"""A lab's steps on the simulated cluster: the third place where they can happen."""

from __future__ import annotations

from collections.abc import Sequence

from k8sviz.cluster import RECORDED, Cluster, chances_of
from k8sviz.history import History, Result, Step
from k8sviz.kubectl.prompt import Prompt
from k8sviz.kubectl.simulated import Simulated
from k8sviz.sources.labs import LabSpec, StepSpec
from k8sviz.sources.recording import read
from k8sviz.words import say

__all__ = ["SimulatedLab"]


class SimulatedLab:
    """Runs a lab's steps on a cluster that begins as the recorded one did, and goes on as long as that did."""

    def __init__(self, spec: LabSpec, *, seed: int = 0) -> None:
        self._spec = spec
        self._recorded = read(spec.recording)
        first = self._recorded.steps[0].t if self._recorded.steps else 0.0
        self._cluster = Cluster(
            self._recorded.at(max(0.0, first - 0.001)), seed=seed, settings=RECORDED, chances=chances_of(self._recorded)
        )
        self._target = Simulated(self._cluster)
        self._prompt = Prompt(self._target, namespace=spec.namespace)

    @property
    def history(self) -> History:
        """All that happened."""
        return self._cluster.history

    def run(self, step: StepSpec) -> Result:
        """Run a step, and let as much time pass as passed in the recording."""
        self._prompt.files.update({name: self._spec.text(name) for name in step.files})
        began = self._cluster.clock.now
        files = {name: self._spec.text(name) for name in step.files}
        self.history.begin_step(Step(began, step.id, step.command, files, step.about))
        answer = self._target.outside(step.command) if step.command.startswith("#") else self._prompt.run(step.command)
        result = Result(self._cluster.clock.now, answer.code, answer.out, answer.err)
        self.history.end_step(step.id, result)
        recorded = self._recorded.step(step.id)
        lasted = self._recorded.settled(step.id) - recorded.t
        self._cluster.clock.run(max(self._cluster.clock.now, began + lasted))
        return result

    def now(self) -> float:
        """The cluster's clock."""
        return self._cluster.clock.now

    def notes(self, step_id: str) -> Sequence[str]:  # noqa: ARG002 - as every runner
        """That this was simulated."""
        return (say("kubectl.simulated"),)

    def cleanup(self) -> list[str]:
        """Nothing was made outside."""
        return []
