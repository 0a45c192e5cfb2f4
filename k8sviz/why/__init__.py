"""Why an object is in its state, or why a step was refused: by Kubernetes' rules, and with the evidence."""

from __future__ import annotations

from k8sviz.why.dispatch import explain_snapshot, why
from k8sviz.why.model import Evidence, Explanation, Trouble
from k8sviz.why.roots import troubles

__all__ = ["Evidence", "Explanation", "Trouble", "explain_snapshot", "troubles", "why"]
