"""Numbers as one reads them out."""


def digits(value: float) -> str:
    """Three digits, or all that are before the point."""
    return f"{value:,.{0 if value >= 99.95 else 1 if value >= 9.995 else 2}f}"


def duration(seconds: float) -> str:
    """Seconds in the largest unit that leaves 1 or more of it."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= 0.9995 * size:
            return f"{digits(seconds / size)} {unit}"
    return f"{digits(1e6 * seconds)} µs"


def counted(number: int, noun: str) -> str:
    """A number of things, as in "1 sample" and "1,000 samples"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
