"""Kubernetes' own rules as pure functions over plain JSON objects: written once, asked by why, predict and diagrams.

Nothing here draws, knows the time or touches a file, and nothing here speaks to people: a rule answers with data and
with `Reason`s, whose sentences are in `k8sviz/words/`.
"""

from __future__ import annotations

from k8sviz.rules.reasons import Reason

__all__ = ["Reason"]
