"""Run the command line: ``python -m oneneuron`` is the same as ``oneneuron``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
