"""A model of the time of a pass over very many samples on many machines."""

import math
from time import perf_counter

import numpy as np
from scale_data import NUM_FEATURES

from oneneuron._engine.sums import add_up

# Assumptions. A node is like the machine of the measurements, with one rank on it. Its network and
# its disk are ordinary ones.
LATENCY = 20e-6  # seconds of a message
NETWORK = 1e9  # bytes per second
DISK = 2e9  # bytes per second, of a scratch file that is larger than memory
MEMORY = 64e9  # bytes of a node for samples

BAND = 2**14


def subtrees_of_node(num_bands):
    """Return about how many subtrees a node sends.

    A range of bands has at most two for each power of two.
    """
    return max(1, 2 * int(math.log2(max(2, num_bands))) - 2)


def seconds_of_addition():
    """Return the time of adding one subtree to those before, measured."""
    sums = np.zeros((1, NUM_FEATURES + 3))
    subtrees = [(i, 1, sums) for i in range(2**14)]
    start = perf_counter()
    add_up(subtrees)
    return (perf_counter() - start) / len(subtrees)


def seconds_of_pass(n, nodes, per_sample, addition):
    """Return the seconds of a node's own samples, of the gather, and of the additions."""
    own, row_bytes = n / nodes, 8 * NUM_FEATURES
    computing = own * per_sample
    if own * row_bytes > MEMORY:
        computing = max(computing, own * row_bytes / DISK)
    subtrees = nodes * subtrees_of_node(own / BAND)
    gather = LATENCY * math.log2(nodes) + 8 * (NUM_FEATURES + 3) * subtrees / NETWORK
    return computing, gather, subtrees * addition


def print_model(found):
    """Print a Markdown table, from the measured time per sample of the largest size in memory."""
    n = max(n for n, times in found.items() if "memory, 2 threads" in times)
    per_sample, addition = found[n]["memory, 2 threads"] / n, seconds_of_addition()
    print(
        f"\nA node takes {1e9 * per_sample:.2g} ns per sample, {1e6 * addition:.2g} us per subtree"
    )
    print("| samples | nodes | GB per node | own samples | gather | additions | a pass |")
    print("|---|---|---|---|---|---|---|")
    for n in 10**10, 10**12:
        for nodes in 100, 1000:
            parts = seconds_of_pass(n, nodes, per_sample, addition)
            cells = [f"{1e3 * part:.3g} ms" for part in (*parts, sum(parts))]
            gigabytes = 8e-9 * NUM_FEATURES * n / nodes
            name = f"10^{round(math.log10(n))} | {nodes:,} | {gigabytes:.3g}"
            print(f"| {name} | " + " | ".join(cells) + " |")
