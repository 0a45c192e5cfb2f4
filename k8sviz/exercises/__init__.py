"""Exercises: an answer is judged by what a cluster would be like with it, never by its wording."""

from __future__ import annotations

from k8sviz.exercises.judge import Judge, Judged, Predicting, Verdict, judge
from k8sviz.exercises.world import World

__all__ = ["Judge", "Judged", "Predicting", "Verdict", "World", "judge"]
