"""Draws the README's pictures, each for light and for dark pages: `make pictures`."""

from __future__ import annotations

from pathlib import Path

import k8sviz

__all__ = ["PICTURES", "main"]

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "pictures"

# file name: story, lab, KIND/NAME or None, step, options
PICTURES: dict[str, tuple[str, str, str | None, str, dict[str, object]]] = {
    "storage": ("storage", "ch06-dynamic", None, "bound", {"token": False}),
    "config": ("config", "ch07-configmap-volume", "pod/demo-configmap-volume", "after", {}),
    "claim": ("storage", "ch06-binding-choice", "pvc/want-1500mi", "apply-smallest", {}),
}


def main() -> None:
    """Write every picture anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, (story, lab, what, at, options) in PICTURES.items():
        for theme in ("light", "dark"):
            picture = k8sviz.draw(story, lab, what, at=at, theme=theme, **options)
            print(picture.save(FOLDER / f"{name}-{theme}.svg"))
    print(k8sviz.lives("ch06-static-binding").save(FOLDER / "lives-light.svg"))
    print(k8sviz.chart("ch09-surge-unavailable", apart=True).save(FOLDER / "rollouts-light.png"))


if __name__ == "__main__":
    main()
