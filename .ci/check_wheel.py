"""Refuse a wheel that is too large, incomplete, or contains more than the compiled package."""

import sys
from fnmatch import fnmatch
from pathlib import Path
from zipfile import ZipFile

MOST_BYTES = 1_000_000
FOREIGN = [
    "*.pyx", "*.pxd", "*.c", "*.h", "*.pyc", "*meson.build", "*tests*", "*.libs/*", "*.dylibs/*",
    "*.dll",
]  # fmt: skip
# What `oneneuron code` shows of the compiled code.
SHOWN = {"oneneuron/_engine/kernel.pyx", "oneneuron/compare/_naive_loop.pyx"}
SOURCE = Path(__file__).parents[1] / "src"
INSTALLED = ("*.py", "*.pyi", "*.html", "*/py.typed")


def expected():
    """Return the names of the files that a wheel must contain, according to the sources."""
    names = (path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*"))
    return SHOWN | {name for name in names if any(fnmatch(name, pattern) for pattern in INSTALLED)}


def faults(wheel):
    """Yield the faults of a wheel, as sentences without their subject."""
    size = wheel.stat().st_size
    if size > MOST_BYTES:
        yield f"has {size:,} bytes, at most {MOST_BYTES:,} are allowed"
    names = set(ZipFile(wheel).namelist())
    for name in sorted(names):
        if name not in SHOWN and any(fnmatch(name, pattern) for pattern in FOREIGN):
            yield f"contains {name}"
        if not name.startswith("oneneuron"):
            yield f"puts {name} beside the package"
    for name in sorted(expected() - names):
        yield f"lacks {name}"


def main(paths):
    """Print what is wrong with the wheels, and return whether all of them are right."""
    found = [f"{path.name} {fault}" for path in paths for fault in faults(path)]
    print("\n".join(found) or f"{len(paths)} checked: each has the package, and nothing else")
    return not found


if __name__ == "__main__":
    sys.exit(not main([Path(path) for path in sys.argv[1:]]))
