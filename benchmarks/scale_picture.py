"""The times of `scale.py` as a picture: the time of a pass by the number of samples."""

from matplotlib.figure import Figure

# The colour, the marker and the dashes of each place. People with any kind of colour vision can
# distinguish them.
STYLES = {
    "memory, 1 thread": ("#0072B2", "o", "-"),
    "memory, 2 threads": ("#0072B2", "o", "--"),
    "scratch, 1 thread": ("#D55E00", "s", "-"),
    "scratch, 2 threads": ("#D55E00", "s", "--"),
    "1 rank": ("#009E73", "^", "-"),
    "2 ranks": ("#009E73", "^", "--"),
    "1 worker": ("#CC79A7", "D", "-"),
    "2 workers": ("#CC79A7", "D", "--"),
    "one read of the scratch file": ("#767676", "", ":"),
}
LABELS = {
    "memory, 1 thread": "in memory, 1 thread",
    "memory, 2 threads": "in memory, 2 threads",
    "scratch, 1 thread": "scratch file, 1 thread",
    "scratch, 2 threads": "scratch file, 2 threads",
    "1 rank": "1 rank of MPI",
    "2 ranks": "2 ranks of MPI",
    "1 worker": "1 worker of Dask",
    "2 workers": "2 workers of Dask",
}


def draw(found):
    """Return the figure of the times of a pass, by the number of samples and the place."""
    figure = Figure(figsize=(10, 6.5), dpi=100, layout="constrained")
    axes = figure.subplots()
    for name, (colour, marker, dashes) in STYLES.items():
        points = [(n, 1e3 * times[name]) for n, times in found.items() if name in times]
        if points:
            axes.plot(
                *zip(*points, strict=True), color=colour, marker=marker, linestyle=dashes,
                label=LABELS.get(name, name),
            )  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="samples of 10 features")
    axes.set_ylabel("milliseconds")
    axes.set_title("The time of one pass over the samples", fontsize=16)
    axes.grid(color="#E4E4E4")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=12)
    return figure
