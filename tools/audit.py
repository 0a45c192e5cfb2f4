"""Asks pip-audit about the locked packages: `make audit`. Where its database cannot be reached, it says so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

__all__ = ["main", "verdict"]

_SECONDS: Final = 300


def verdict(told: str) -> tuple[str, int]:
    """What pip-audit's JSON means, as a line or more, and the exit code.

    >>> verdict('{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}')
    ('audit: 1 packages, no known weakness', 0)
    >>> verdict('{"dependencies": [{"name": "a", "skip_reason": "not found"}]}')
    ('audit: SKIPPED, the database of weaknesses cannot be reached', 0)
    """
    try:
        found: list[dict[str, Any]] = json.loads(told)["dependencies"]
    except (ValueError, KeyError):
        found = []
    asked = [each for each in found if "skip_reason" not in each]
    if not asked:
        return "audit: SKIPPED, the database of weaknesses cannot be reached", 0
    weak = [f"audit: {each['name']} {each['version']}: {w['id']}" for each in asked for w in each.get("vulns", [])]
    return "\n".join(weak) or f"audit: {len(asked)} packages, no known weakness", int(bool(weak))


def main() -> int:
    """Print what is known. Returns 1 where a package has a known weakness."""
    lock = Path(sys.argv[1] if len(sys.argv) > 1 else "requirements.lock")
    program = str(Path(sys.executable).with_name("pip-audit"))
    command = [program, "--requirement", str(lock), "--no-deps", "--disable-pip", "--format", "json"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS).stdout
    except subprocess.TimeoutExpired:
        told = ""
    said, code = verdict(told)
    print(said)
    return code


if __name__ == "__main__":
    sys.exit(main())
