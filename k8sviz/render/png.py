"""SVG to PNG with resvg, which comes inside a wheel: no Cairo, no browser."""

from __future__ import annotations

import importlib.util
from pathlib import Path

__all__ = ["png"]


def png(svg: str, *, zoom: float = 2.0) -> bytes:
    """The picture as PNG bytes, `zoom` pixels for each of the SVG's. Fonts: the system's, and DejaVu Sans."""
    import resvg_py

    drawn = resvg_py.svg_to_bytes(
        svg_string=svg, zoom=zoom, font_files=_dejavu(), font_family="DejaVu Sans", sans_serif_family="DejaVu Sans"
    )
    return bytes(drawn)


def _dejavu() -> list[str]:
    """matplotlib's own copy of DejaVu Sans: a machine without any font still draws Latin text."""
    spec = importlib.util.find_spec("matplotlib")
    if spec is None or spec.origin is None:
        return []
    folder = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf"
    return [str(folder / name) for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf") if (folder / name).exists()]
