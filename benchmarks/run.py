"""Time one step of gradient descent by every contender, in turn, round after round.

    python benchmarks/run.py --threads 1 --json one.json --picture one.png

Each contender must first reach the same parameters as `oneneuron.reference`; otherwise the run ends
with an error. A round times every contender once, so a busy machine slows all of them alike.
"""

import argparse
import json
import os
import sys
from dataclasses import dataclass, field
from importlib import import_module
from statistics import median
from time import perf_counter, sleep

SECONDS_PER_TIMING = 0.1
# Threads of the previous contender may wait for more work in a busy loop, for up to this time.
SECONDS_OF_PAUSE = 0.03
# These are not contenders, since they only do a part of a step and return no parameters.
YARDSTICKS = ("null_exp", "null_read")


@dataclass
class Entry:
    """A contender at one size, with the steps per timing and the times of a step so far."""

    name: str
    advance: callable
    num_steps: int
    seconds: list = field(default_factory=list)

    def time(self):
        """Time some steps, after one that brings this contender's data back into the caches."""
        sleep(SECONDS_OF_PAUSE)
        if self.num_steps > 1:
            self.advance(1)
        start = perf_counter()
        self.advance(self.num_steps)
        self.seconds.append((perf_counter() - start) / self.num_steps)


def confine(threads):
    """Restrict this process to this number of cores, before any import that counts them."""
    cores = sorted(os.sched_getaffinity(0))
    if not 1 <= threads <= len(cores):
        sys.exit(f"--threads {threads}: there are {len(cores)} cores.")
    os.sched_setaffinity(0, cores[-threads:])  # the first cores serve the system too
    os.environ["OMP_NUM_THREADS"] = os.environ["NUMBA_NUM_THREADS"] = str(threads)
    # The NumPy contender has its own threads; BLAS could only distribute a part of a step.
    os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"


def enter(name, contender, problem, expected, threads, seconds):
    """Prepare and check a contender; return its entry."""
    from oneneuron.compare import _ladder

    advance = contender.prepare(problem, threads)
    start = perf_counter()
    found = advance(problem.check_steps)
    step_seconds = (perf_counter() - start) / problem.check_steps
    if found is not None:
        _ladder.check_parameters(name, contender, found, expected)
    return Entry(name, advance, max(1, round(seconds / step_seconds)))


def measure(size, contenders, threads, rounds, seconds):
    """Return nanoseconds per sample and step: {name: {"min": ..., "median": ...}}."""
    import problems

    from oneneuron.compare import _ladder

    problem = problems.make(size)
    expected = _ladder.expected_parameters(problem)
    entries = [
        enter(name, contender, problem, expected, n, seconds) for name, contender, n in contenders
    ]
    for _ in range(rounds):
        for entry in entries:
            entry.time()
    unit = 1e9 / len(problem.y)
    return {
        e.name: {"min": unit * min(e.seconds), "median": unit * median(e.seconds)} for e in entries
    }


def line_up(names, threads):
    """Return (name, module, threads) for all that can be imported, and why the others cannot."""
    from oneneuron.compare import _contenders

    entries, reasons = [], []
    for name in (*_contenders.ORDER, *YARDSTICKS):
        if names and name not in names:
            continue
        try:
            module = import_module(name) if name in YARDSTICKS else _contenders.load(name)
        except ImportError as error:
            reasons.append(f"{name} skipped: {error}")
            continue
        if threads > 1 and module.NAME == "oneneuron":  # for the ratio within one run
            entries.append(("oneneuron, 1 thread", module, 1))
        entries.append((module.NAME, module, threads))
    return entries, reasons


def arguments():
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1, help="threads and cores (default: 1)")
    parser.add_argument(
        "--sizes",
        nargs="+",
        metavar="NxD",
        help="sizes of the data (default: the five of the table)",
    )
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="modules of contenders, without .py"
    )
    parser.add_argument("--rounds", type=int, help="rounds (default: 7)")
    parser.add_argument(
        "--quick", action="store_true", help="only 2 short rounds, at the two smallest sizes"
    )
    parser.add_argument("--json", metavar="FILE", help="write the times to this file")
    parser.add_argument("--picture", metavar="FILE", help="draw the times to this file")
    return parser.parse_args()


def main():
    """Measure and print; exit with code 1 if a contender reaches the wrong parameters."""
    options = arguments()
    confine(options.threads)
    # Imported only now, so that NumPy and the package count the cores that they may use.
    import problems
    import tables

    entries, reasons = line_up(options.only, options.threads)
    print(*reasons, sep="\n", end="\n\n" if reasons else "")
    sizes = options.sizes or (problems.SIZES[:2] if options.quick else problems.SIZES)
    rounds = options.rounds or (2 if options.quick else 7)
    seconds = SECONDS_PER_TIMING / 10 if options.quick else SECONDS_PER_TIMING
    run = tables.about(options.threads, rounds)
    for size in sizes:
        print(f"timing {size}", file=sys.stderr)
        run["sizes"][size] = measure(size, entries, options.threads, rounds, seconds)
    print(tables.times(run), tables.targets(run), sep="\n\n")
    if options.json:
        with open(options.json, "w") as file:
            json.dump(run, file, indent=1)
    if options.picture:
        import speed_picture

        speed_picture.draw(run).savefig(options.picture)


if __name__ == "__main__":
    main()
