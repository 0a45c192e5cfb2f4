"""Makes the folders in `data/` from recordings: `python tools/unpack_labs.py RECORDING... -o data/labs`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from k8sviz.errors import K8svizError
from k8sviz.sources.unpack import unpack

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Unpack each recording and print the folder it became; 2 when one cannot be unpacked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recording", nargs="+", type=Path)
    parser.add_argument("-o", dest="data", type=Path, default=Path("data/labs"), help="the folder for the labs")
    options = parser.parse_args(argv)
    try:
        for recording in options.recording:
            print(unpack(recording, options.data))
    except K8svizError as error:
        print(f"unpack_labs: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
