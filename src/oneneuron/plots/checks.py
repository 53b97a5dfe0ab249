"""What pictures are made of, checked before anything is drawn."""

from ..results import Descent


def recorded(descent):
    """The history of a descent that has recorded one."""
    if not isinstance(descent, Descent):
        raise TypeError(
            f"descent must be a Descent, as oneneuron.train returns it, found "
            f"{type(descent).__name__}."
        )
    if len(descent.history.step) == 0:
        raise ValueError(
            "descent must have a history to draw, found none recorded: train with record_every=1, "
            "or more steps apart."
        )
    return descent.history
