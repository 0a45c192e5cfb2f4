"""Says whether a tag, the project's version and the changelog agree: `python tools/check_version.py v0.1.0`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

__all__ = ["disagreements", "main"]

ROOT: Final = Path(__file__).resolve().parents[1]
VERSION: Final = ROOT / "k8sviz" / "__init__.py"


def disagreements(tag: str, version: str, changelog: str) -> list[str]:
    """What does not fit, a sentence each.

    >>> disagreements("v0.2.0", "0.1.0", "## 0.1.0")
    ['the tag is v0.2.0, but k8sviz/__init__.py has version 0.1.0']
    """
    wrong = []
    if tag != f"v{version}":
        wrong.append(f"the tag is {tag}, but k8sviz/__init__.py has version {version}")
    if not any(line.startswith(f"## {version}") for line in changelog.splitlines()):
        wrong.append(f"CHANGELOG.md has no section ## {version}")
    return wrong


def main() -> int:
    """Print what does not fit; returns 1 when there is something."""
    found = re.search(r'^__version__ = "([^"]+)"$', VERSION.read_text(encoding="utf-8"), re.MULTILINE)
    version = found[1] if found else ""
    tag = sys.argv[1] if len(sys.argv) > 1 else f"v{version}"
    wrong = disagreements(tag, version, (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    print("\n".join(wrong) or f"{tag} it is")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
