"""What went wrong in a training, in a student's words."""

import warnings


def warn_of_divergence(step, eta):
    """Warn that the parameters left the finite numbers after `step` steps of size `eta`."""
    warnings.warn(
        f"Training stopped at step {step}: the next step would have made the parameters infinite. "
        f"eta = {eta:g} is too large for these features. Use a smaller eta or eta='auto', or "
        f"scale the features. The best model seen so far is returned.",
        RuntimeWarning,
        stacklevel=3,
    )
