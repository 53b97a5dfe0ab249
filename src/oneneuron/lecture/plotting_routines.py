"""The lecture's pictures."""

from .. import plots


def plot_dots(pos, value, ax=None):
    """Draw the samples pos (n, 2) by their class value (n,); returns the Axes, never blocks."""
    return plots.plot_dots(pos, value, ax=ax)


def plot_decision_boundary(pos, value, model, predict, ax=None):
    """Draw where ``predict(x, model)`` says which class, with the samples over it.

    Parameters
    ----------
    pos : array-like of shape (n, 2)
    value : array-like of shape (n,)
    model : whatever `predict` takes
    predict : callable
        ``predict(x, model)`` gives the probability of class 1 for x of shape (m, 2).
    ax : Axes, default None
        None draws on the current Axes.

    Returns
    -------
    Axes
    """
    return plots.plot_decision_boundary(pos, value, lambda x: predict(x, model), ax=ax)
