"""Puts the labs and the notebooks into the wheel, so that `pip install` is enough to take the course.

A hook and not `force-include`, since that would also copy them into every editable install, and would fail where
there are no notebooks.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

__all__ = ["CourseHook"]

_FOLDERS = {"data": "k8sviz/_data", "notebooks": "k8sviz/_notebooks"}


class CourseHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds `data` as `k8sviz/_data` and `notebooks` as `k8sviz/_notebooks`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the files to add; an editable install finds them in the checkout."""
        if version == "editable":
            return
        root = Path(self.root)
        for folder, target in _FOLDERS.items():
            for path in sorted((root / folder).rglob("*")):
                inside = path.relative_to(root / folder)
                if path.is_file() and not any(part.startswith(".") for part in inside.parts):
                    build_data["force_include"][str(path)] = f"{target}/{inside.as_posix()}"
