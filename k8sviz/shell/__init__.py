"""The little of a POSIX shell that labs type, over any world that can run commands and hold files.

Replaces nothing and knows nothing of Kubernetes: `kubectl` lines outside a cluster and `sh -c` inside a container are
read by the same rules, which no library has without running a real process.
"""

from __future__ import annotations

from k8sviz.shell.parse import ShellSyntaxError
from k8sviz.shell.run import Answer, Shell, World
from k8sviz.shell.tools import TOOLS, Tool

__all__ = ["TOOLS", "Answer", "Shell", "ShellSyntaxError", "Tool", "World"]
