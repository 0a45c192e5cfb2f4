"""What a History shows of a container: when it started, what it was given, and what commands printed from inside it.

A room of its own, since stories, predictions and charts all ask it: rules know no time, and a History no rules.
"""

from __future__ import annotations

from k8sviz.observed.outputs import Sighting, sightings
from k8sviz.observed.received import FileVersion, Received, objects_of, received, received_now
from k8sviz.observed.runs import Run, run_of

__all__ = [
    "FileVersion",
    "Received",
    "Run",
    "Sighting",
    "objects_of",
    "received",
    "received_now",
    "run_of",
    "sightings",
]
