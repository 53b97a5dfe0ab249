"""A training that moves: the plane, the way on the cost's surface and the cost, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from numpy.typing import ArrayLike
from scipy.special import expit

from .. import _checks
from .._results import Descent, History
from .._text import rounded
from .._typing import Float64Array, FloatArray
from . import _style
from ._arguments import recorded
from ._curves import scale_steps
from ._dots import plot_dots
from ._paths import lay, path_on
from ._surface import Surface

# Shows a record, by its index, and returns what has changed.
_Update: TypeAlias = Callable[[int], Iterable[Artist]]

_SIZE = (10.0, 5.0)  # inches
_GRID = 100
_BANDS = 20  # shades; smooth ones make a file four times as large
_MILLISECONDS = 80  # a frame


def animate_training(
    X: ArrayLike, y: ArrayLike, descent: Descent, *, num_frames: int = 100,
    sample_weight: ArrayLike | None = None, alpha: float = 0.0,
) -> FuncAnimation:  # fmt: skip
    """Animate a descent on two features: what f says in the plane, where it is, what it costs.

    Parameters
    ----------
    X : array-like of shape (n, 2)
        The samples of the descent.
    y : array-like of shape (n,)
        Labels, 0 and 1.
    descent : Descent
        Trained with ``record_every=1`` or more.
    num_frames : int, default 100
        The most frames, 2 or more. The first shows the first record, the last the last; between
        them the steps grow by the same factor, as the first ones do the most.
    sample_weight, alpha
        As the descent was trained with.

    Returns
    -------
    FuncAnimation
        On a new pyplot figure; keep it in a variable for as long as it is to move.
        ``save("descent.gif", writer="pillow")`` writes it to a file, ``to_jshtml()`` makes HTML of
        it for a notebook.

    Raises
    ------
    TypeError, ValueError
        If something is not as above.
    """
    history = recorded(descent)
    num_frames = _checks.as_count(num_frames, "num_frames", least=2)
    X = _checks.as_samples(X)
    if X.shape[1] != 2:
        raise ValueError(f"X must have two features to animate, found {X.shape[1]}.")
    surface = Surface(X, y, [descent], (0, 1), None, sample_weight, alpha)
    figure = plt.figure(figsize=_SIZE, layout="constrained")
    axes = figure.subplot_mosaic([["plane", "surface"], ["plane", "cost"]])
    title = figure.suptitle("step")
    parts = [
        _plane(axes["plane"], X, y, history),
        _path(surface.draw(axes["surface"]), history),
        _curve(axes["cost"], history),
    ]

    def draw(k: int) -> list[Artist]:
        title.set_text(
            f"step {history.step[k]}:  cost {rounded(history.cost[k])},  "
            f"accuracy {100 * history.accuracy[k]:.1f} %"
        )
        return [title, *(artist for part in parts for artist in part(k))]

    draw(0)
    # Laid out once: to do it for each frame takes longer than to draw it, and makes them tremble.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    frames = _frames(len(history.step), num_frames)
    return FuncAnimation(figure, draw, frames=frames, interval=_MILLISECONDS, blit=False)


def _frames(num_records: int, num_frames: int) -> list[int]:
    """Which records are shown, the first and the last among them."""
    num_frames = min(num_frames, num_records)
    spread = np.rint(np.geomspace(1, num_records, num_frames)) - 1
    # The first of them would be the same record several times.
    records: list[int] = np.maximum(spread, np.arange(num_frames)).astype(int).tolist()
    return records


def _plane(ax: Axes, X: FloatArray, y: ArrayLike, history: History) -> _Update:
    """The samples, f as shades and the line f = 1/2."""
    plot_dots(X, y, ax=ax)
    ax.locator_params(axis="x", nbins=6)  # room for numbers such as -6000
    x1_limits, x2_limits = ax.get_xlim(), ax.get_ylim()
    # f at the middle of each pixel.
    x1, x2 = (np.linspace(*limits, 2 * _GRID + 1)[1::2] for limits in (x1_limits, x2_limits))
    points = np.stack(np.meshgrid(x1, x2), axis=-1)
    bands = _style.shades(0, 1).resampled(_BANDS)
    shades = ax.imshow(
        np.zeros((_GRID, _GRID)), vmin=0, vmax=1, cmap=bands,
        extent=(*x1_limits, *x2_limits), origin="lower", aspect="auto", interpolation="bilinear",
        zorder=0,
    )  # fmt: skip
    (line,) = ax.plot([], [], color="black", lw=2, label="$f = 0.5$", zorder=2)
    _style.legend_above(ax)
    center = np.mean([x1_limits, x2_limits], axis=1)
    reach = np.hypot(np.ptp(x1_limits), np.ptp(x2_limits))

    def update(k: int) -> Iterable[Artist]:
        w, b = history.weights[k].astype(np.float64), history.bias[k]
        shades.set_data(expit(points @ w + b))
        line.set_data(*_line(w, b, center, reach))
        return shades, line

    return update


def _line(
    w: Float64Array, b: float, center: Float64Array, reach: float
) -> tuple[ArrayLike, ArrayLike] | Float64Array:
    """Two points (x1, x2) of w.x + b = 0, so far to either side of the one nearest the center.

    None if the line does not come so near.
    """
    length = np.hypot(*w)
    if abs(center @ w + b) >= reach * length:
        return [], []
    normal = w / length
    nearest = center - normal * (center @ normal + b / length)
    along = reach * np.array([-normal[1], normal[0]])
    return np.transpose([nearest - along, nearest + along])


def _path(ax: Axes, history: History) -> _Update:
    artists = path_on(ax, _style.COLORS[1], _style.DASHES[0])

    def update(k: int) -> Iterable[Artist]:
        lay(artists, history.weights[: k + 1])
        return artists

    return update


def _curve(ax: Axes, history: History) -> _Update:
    (curve,) = ax.plot([], [], color=_style.COLORS[0], lw=2)
    (mark,) = ax.plot([], [], "o", color=_style.COLORS[0], markersize=8, clip_on=False)
    scale_steps(ax, history.step, history.step[-1])
    ax.set(ylabel="cost $C$", ylim=(0, 1.05 * history.cost.max() or 1.0))

    def update(k: int) -> Iterable[Artist]:
        curve.set_data(history.step[: k + 1], history.cost[: k + 1])
        mark.set_data(history.step[k, None], history.cost[k, None])
        return curve, mark

    return update
