"""Refuse a wheel that is large, or that brings more than the package, compiled."""

import sys
from fnmatch import fnmatch
from pathlib import Path
from zipfile import ZipFile

MOST_BYTES = 1_000_000
FOREIGN = ["*.pyx", "*.pxd", "*.c", "*.h", "*tests*", "*.libs/*", "*.dylibs/*", "*.dll"]


def faults(wheel):
    """What is wrong with a wheel, a sentence each."""
    size = wheel.stat().st_size
    if size > MOST_BYTES:
        yield f"has {size:,} bytes, at most {MOST_BYTES:,} are allowed"
    for name in ZipFile(wheel).namelist():
        if any(fnmatch(name, pattern) for pattern in FOREIGN):
            yield f"has {name} in it"
        if not name.startswith("oneneuron"):
            yield f"puts {name} beside the package"


def main(paths):
    """Print what is wrong with the wheels; true if nothing is."""
    found = [f"{path.name} {fault}" for path in paths for fault in faults(path)]
    print("\n".join(found) or f"{len(paths)} checked: nothing in them that doesn't belong there")
    return not found


if __name__ == "__main__":
    sys.exit(not main([Path(path) for path in sys.argv[1:]]))
