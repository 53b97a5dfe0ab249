"""Results as tables: the times of `run.py` and the ratios beside their targets, or any rows."""

import platform
from importlib.metadata import PackageNotFoundError, version

from oneneuron._engine.dispatch import level
from oneneuron._formatting import three_digits

LIBRARIES = ("numpy", "numba", "jax", "torch")

# A target: size, contender, "at most" or "at least", limit, other contender. "At most" limits the
# ratio of their times, "at least" the ratio of their speeds. All were set for AVX-512.
ONE_THREAD = (
    ("400x2", "oneneuron", "at most", 1.0, "np.exp alone"),
    ("400x2", "oneneuron", "at least", 250, "the lecture's style"),
    ("10000x2", "oneneuron", "at most", 1.5, "np.exp alone"),
    ("1000000x2", "oneneuron", "at most", 1.6, "np.exp alone"),
    ("1000000x2", "oneneuron", "at least", 5, "NumPy at its best"),
    ("10000x30", "oneneuron", "at least", 2.5, "NumPy at its best"),
    ("100000x100", "oneneuron", "at most", 1.15, "one read of X"),
    ("100000x100", "oneneuron", "at least", 1.3, "NumPy at its best"),
    ("10000x2", "oneneuron, float32", "at least", 1.9, "oneneuron"),
    ("100000x100", "oneneuron, float32", "at least", 1.9, "oneneuron"),
)
SEVERAL_THREADS = (
    # No slower than one thread, with 5 % for the noise of the measurement.
    ("400x2", "oneneuron", "at most", 1.05, "oneneuron, 1 thread"),
    ("10000x2", "oneneuron", "at least", 1.6, "oneneuron, 1 thread"),
    ("1000000x2", "oneneuron", "at least", 1.85, "oneneuron, 1 thread"),
    ("10000x30", "oneneuron", "at least", 1.8, "oneneuron, 1 thread"),
    ("100000x100", "oneneuron", "at least", 1.8, "NumPy at its best"),
)


def about(threads, rounds):
    """Return a record that says how a run is made, with no times yet."""
    return {
        "threads": threads,
        "rounds": rounds,
        "instruction_set": level,
        "versions": _versions(LIBRARIES),
        "sizes": {},
    }


def _versions(libraries):
    """Return the versions of Python and of those libraries that are installed."""
    found = {"python": platform.python_version()}
    for name in libraries:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _how(threads, versions):
    """Return a line that says how a run was made."""
    number = "1 thread" if threads == 1 else f"{threads} threads"
    listed = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"{number}; kernel {level}; {listed}"


def setting(threads, rounds, libraries):
    """Return a line that says how a run was made, with the versions of these libraries."""
    return f"{rounds} rounds; {_how(threads, _versions(libraries))}"


def aligned(head, rows):
    """Return a Markdown table whose columns are aligned in the source, too."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]

    def line(cells):
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        return "| " + " | ".join(padded) + " |"

    rule = ["-" * width for width in widths]
    return "\n".join(line(cells) for cells in (head, rule, *rows))


def times(run):
    """Return the table of times, one line for each contender."""
    sizes = run["sizes"]
    lines = [
        f"Nanoseconds per sample and step: minimum and median of {run['rounds']} rounds.",
        _how(run["threads"], run["versions"]),
        "",
        " " * 20 + "".join(f"{size:>18}" for size in sizes),
    ]
    for name in next(iter(sizes.values())):
        cells = (
            f"{three_digits(t[name]['min']):>8} {three_digits(t[name]['median']):>8}"
            for t in sizes.values()
        )
        lines.append(f"{name:20}" + "".join(f"{cell:>18}" for cell in cells))
    return "\n".join(lines)


def targets(run):
    """Return the table of targets, with ratios of minima."""
    lines = [f"{'':12}{'target':58}{'measured':>8}"]
    for size, name, kind, limit, other in ONE_THREAD if run["threads"] == 1 else SEVERAL_THREADS:
        found = run["sizes"].get(size, {})
        if name not in found or other not in found:
            continue
        ratio = found[name]["min"] / found[other]["min"]
        if kind == "at least":
            ratio = 1 / ratio
        ratio = round(ratio, 2)
        met = ratio <= limit if kind == "at most" else ratio >= limit
        what = "the time of" if kind == "at most" else "as fast as"
        text = f"{name}: {kind} {limit:g} x {what} {other}"
        lines.append(f"{size:12}{text:58}{ratio:8.2f}  {'met' if met else 'NOT MET'}")
    return "\n".join(lines)
