"""
Steps on a parabola
===================

On C = w², a step of eta multiplies w by 1 - 2 eta. A small step size creeps, a larger one jumps to
and fro, and one above 1 leads away from the minimum.
"""

import matplotlib.pyplot as plt

from oneneuron import plots

figure, axes = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
for ax, eta in zip(axes, (0.1, 0.9, 1.05), strict=True):
    plots.plot_parabola(eta, ax=ax)
