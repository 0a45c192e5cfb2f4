"""`python -m k8sviz`, for where the console script is not on PATH."""

import sys

from k8sviz.cli import main

if __name__ == "__main__":
    sys.exit(main())
