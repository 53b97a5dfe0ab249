"""The animation of a descent: the decision boundary, the path on the cost surface, and the cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.animation import FuncAnimation
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import ArrayLike
from scipy.special import expit

from .. import _checks
from .._formatting import rounded
from .._results import Descent, History
from .._typing import Float64Array, FloatArray
from . import _style
from ._arguments import recorded_history
from ._cost_surface import Surface
from ._curves import set_step_axis
from ._descent_paths import add_path, set_path
from ._dots import plot_dots
from ._player import Film

# A function that shows the record with a given index and returns the artists that have changed.
_Update: TypeAlias = Callable[[int], Iterable[Artist]]

_SIZE = (10.0, 5.0)  # inches
_GRID = 100  # pixels on each side
_SHADES = 20  # continuous shades would make a file four times as large
_MILLISECONDS = 80  # for each frame


def animate_training(
    X: ArrayLike, y: ArrayLike, descent: Descent, *, num_frames: int = 100,
    sample_weight: ArrayLike | None = None, alpha: float = 0.0,
) -> FuncAnimation:  # fmt: skip
    """Animate a descent on samples with two features.

    On the left are the samples, with shades of colour for f and a line where f = 0.5. On the right
    are the path of the weights over the contours of the cost, and the cost by step.

    Parameters
    ----------
    X : array-like of shape (n, 2)
        The samples of the descent.
    y : array-like of shape (n,)
        The labels, 0 and 1 or False and True.
    descent : Descent
        The descent, trained with ``record_every=1`` or more.
    num_frames : int, default 100
        The largest number of frames, 2 or more. The first frame shows the first record, and the
        last frame shows the last one. In between, the step grows by a constant factor from frame to
        frame, because most changes happen early.
    sample_weight : array-like of shape (n,), default None
        The weights of the samples, as in the training.
    alpha : float, default 0.0
        The strength of the L2 penalty, as in the training.

    Returns
    -------
    FuncAnimation
        The animation. As the last line of a cell of a notebook, it shows itself, with a button and
        a slider. Elsewhere it is on a new pyplot figure, which ``plt.show()`` plays in a window.
        Keep it in a variable: it stops when it is deleted. ``to_jshtml()`` returns what a notebook
        shows, and ``save("descent.gif")`` writes a file.

    Raises
    ------
    ValueError, TypeError
        If an argument is invalid, or if the recorded costs do not match these samples. No figure is
        made in that case.

    Examples
    --------
    >>> import oneneuron
    >>> X, y = [[0.0, 1.0], [2.0, 0.5], [1.0, 3.0]], [0, 1, 1]
    >>> descent = oneneuron.train(X, y, eta=0.5, num_steps=100, record_every=1)
    >>> animation = oneneuron.plots.animate_training(X, y, descent)
    >>> animation.save("descent.gif")  # doctest: +SKIP
    """
    history = recorded_history(descent)
    num_frames = _checks.as_count(num_frames, "num_frames", least=2)
    X = _checks.as_samples(X)
    if X.shape[1] != 2:
        raise ValueError(f"X must have two features to animate, found {X.shape[1]}.")
    surface = Surface(X, y, [descent], (0, 1), None, sample_weight, alpha)
    figure = plt.figure(figsize=_SIZE, layout="constrained")
    axes = figure.subplot_mosaic([["plane", "surface"], ["plane", "cost"]])
    title = figure.suptitle("step")
    updates = [
        _start_plane(axes["plane"], X, y, history),
        _start_path(surface.draw(axes["surface"]), history),
        _start_cost(axes["cost"], history),
    ]

    def draw(k: int) -> list[Artist]:
        title.set_text(
            f"step {history.step[k]}:  cost {rounded(history.cost[k])},  "
            f"accuracy {100 * history.accuracy[k]:.1f} %"
        )
        return [title, *(artist for update in updates for artist in update(k))]

    for name in ("surface", "cost"):
        axes[name].tick_params(labelsize="small")  # otherwise they may touch on a slide
    for ax in axes.values():
        _style.axes_or_new(ax, "animation")  # no other picture comes on top
    draw(0)
    # The layout is computed only once. Computing it for each frame would take longer than drawing,
    # and the picture would shake.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    if "inline" in plt.get_backend():
        # At the end of the cell, the notebook would show a still of every open figure.
        plt.close(figure)
    (shades,) = axes["plane"].images
    return _Animation(figure, draw, _records_to_show(len(history.step), num_frames), shades)


class _Animation(FuncAnimation):
    """An animation that shows itself in a notebook."""

    def __init__(
        self, figure: Figure, draw: _Update, frames: Sequence[int], shades: AxesImage
    ) -> None:
        super().__init__(figure, draw, frames=frames, interval=_MILLISECONDS, blit=False)
        self._film = Film(figure, shades, draw, frames, _MILLISECONDS)
        self._page: str | None = None

    def _repr_html_(self) -> str:
        if self._page is None:
            self._page = self._film.page()
        return self._page

    def to_jshtml(self, *args: Any, **kwargs: Any) -> str:
        """Return HTML that plays the animation; with arguments, in matplotlib's own way."""
        return super().to_jshtml(*args, **kwargs) if args or kwargs else self._repr_html_()

    def save(self, filename: str | Path, writer: Any = None, *args: Any, **kwargs: Any) -> None:
        """Write a GIF file; with more arguments or another writer, in matplotlib's own way."""
        is_gif = Path(filename).suffix.lower() == ".gif" and writer in (None, "pillow")
        if is_gif and not (args or kwargs):
            self._draw_was_started = True  # otherwise matplotlib warns that nothing was drawn
            self._film.save_gif(filename)
        else:
            super().save(filename, writer, *args, **kwargs)


def _records_to_show(num_records: int, num_frames: int) -> list[int]:
    """Return the index of the record for each frame, from the first record to the last."""
    num_frames = min(num_frames, num_records)
    spread = np.rint(np.geomspace(1, num_records, num_frames)) - 1
    # Rounding alone would show some of the first records several times.
    records: list[int] = np.maximum(spread, np.arange(num_frames)).astype(int).tolist()
    return records


def _start_plane(ax: Axes, X: FloatArray, y: ArrayLike, history: History) -> _Update:
    """Draw the samples, and return a function that updates the shades and the line f = 0.5."""
    plot_dots(X, y, ax=ax)
    ax.locator_params(axis="x", nbins=6)  # room for numbers such as -6000
    x1_limits, x2_limits = ax.get_xlim(), ax.get_ylim()
    # The middle of each pixel.
    x1, x2 = (np.linspace(*limits, 2 * _GRID + 1)[1::2] for limits in (x1_limits, x2_limits))
    points = np.stack(np.meshgrid(x1, x2), axis=-1)
    colors = _style.probability_colors(0, 1).resampled(_SHADES)
    shades = ax.imshow(
        np.zeros((_GRID, _GRID)), vmin=0, vmax=1, cmap=colors,
        extent=(*x1_limits, *x2_limits), origin="lower", aspect="auto", interpolation="bilinear",
        zorder=0,
    )  # fmt: skip
    (line,) = ax.plot([], [], color="black", lw=_style.width(2), label="$f = 0.5$", zorder=2)
    _style.add_legend_above(ax)
    center = np.mean([x1_limits, x2_limits], axis=1)
    reach = np.hypot(np.ptp(x1_limits), np.ptp(x2_limits))

    def update(k: int) -> Iterable[Artist]:
        w, b = history.weights[k].astype(np.float64), history.bias[k]
        shades.set_data(expit(points @ w + b))
        line.set_data(*_boundary_ends(w, b, center, reach))
        return shades, line

    return update


def _boundary_ends(
    w: Float64Array, b: float, center: Float64Array, reach: float
) -> tuple[ArrayLike, ArrayLike] | Float64Array:
    """Return x1 and x2 of two points on the line w.x + b = 0, one beyond each side of the picture.

    Each is at a distance of `reach` from the point of the line that is nearest to `center`. Both
    lists are empty if the line is further than `reach` from `center`.
    """
    length = np.hypot(*w)
    if abs(center @ w + b) >= reach * length:
        return [], []
    normal = w / length
    nearest = center - normal * (center @ normal + b / length)
    along = reach * np.array([-normal[1], normal[0]])
    return np.transpose([nearest - along, nearest + along])


def _start_path(ax: Axes, history: History) -> _Update:
    """Return a function that updates the path on the cost surface."""
    artists = add_path(ax, _style.COLORS[1], _style.DASHES[0])

    def update(k: int) -> Iterable[Artist]:
        set_path(artists, history.weights[: k + 1])
        return artists

    return update


def _start_cost(ax: Axes, history: History) -> _Update:
    """Return a function that updates the curve of the cost."""
    color = _style.COLORS[0]
    (curve,) = ax.plot([], [], color=color, lw=_style.width(2))
    (dot,) = ax.plot([], [], "o", color=color, markersize=_style.size(8), clip_on=False)
    set_step_axis(ax, history.step, history.step[-1])
    ax.set(ylabel="cost $C$", ylim=(0, 1.05 * history.cost.max() or 1.0))

    def update(k: int) -> Iterable[Artist]:
        curve.set_data(history.step[: k + 1], history.cost[: k + 1])
        dot.set_data(history.step[k, None], history.cost[k, None])
        return curve, dot

    return update
