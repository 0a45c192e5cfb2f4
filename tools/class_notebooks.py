"""Makes the course as a class gets it: without solutions, without stored outputs: `make notebooks-for-class`.

The result is a small repository of its own in build/class, which nbgitpuller or a shared folder hands out. Answers of
questions stay: they are there to be learned from at once. Only the exercises' solutions go.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any, Final

__all__ = ["build", "main", "without_outputs", "without_solutions"]

ROOT: Final = Path(__file__).resolve().parents[1]
_WITH: Final = (
    "k8sviz",
    "data",
    "notebooks",
    "binder",
    "pyproject.toml",
    "hatch_build.py",
    "README.md",
    "LICENSE",
    "LICENSE-TEXTS",
)
_SOLUTION: Final = re.compile(r"^solution = (?P<quotes>'''|\"\"\").*?(?P=quotes)$", re.MULTILINE | re.DOTALL)
_LESSON: Final = re.compile(r"^lesson = .*$", re.MULTILINE)
_WRONG: Final = re.compile(r"^\[\[exercise\.wrong\]\]\n.*?(?=^\[\[|^# |\Z)", re.MULTILINE | re.DOTALL)
_GONE: Final = "Your teacher has the solution."


def without_solutions(exercises: str) -> str:
    """A file of exercises without solutions, lessons and wrong answers.

    >>> print(without_solutions("id = 1\\nsolution = '''\\nx: 1\\n'''\\nlesson = \\"So.\\"\\n"))
    id = 1
    solution = "# Your teacher has the solution."
    lesson = "Your teacher has the solution."
    <BLANKLINE>
    """
    text = _WRONG.sub("", exercises)
    text = _SOLUTION.sub(f'solution = "# {_GONE}"', text)
    return _LESSON.sub(f'lesson = "{_GONE}"', text)


def without_outputs(notebook: dict[str, Any]) -> dict[str, Any]:
    """A notebook as it was before anybody ran it. The argument stays."""
    bare: dict[str, Any] = json.loads(json.dumps(notebook))
    bare["metadata"].pop("widgets", None)
    for cell in bare["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    return bare


def build(target: Path) -> None:
    """Write everything below the target, which is made anew."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    unwanted = shutil.ignore_patterns("__pycache__", ".*")
    for name in _WITH:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, target / name, ignore=unwanted)
        else:
            shutil.copyfile(source, target / name)
    for path in (target / "data" / "exercises").rglob("*.toml"):
        path.write_text(without_solutions(path.read_text("utf-8")), encoding="utf-8")
    for path in (target / "notebooks").glob("*.ipynb"):
        bare = without_outputs(json.loads(path.read_text("utf-8")))
        path.write_text(json.dumps(bare, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> int:
    """Build into build/class, or into the folder that is named."""
    target = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "class").resolve()
    build(target)
    print(f"the course without solutions: {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
