"""
From pure Python to the kernel
==============================

The same steps, timed in several implementations on the machine that made this page. Each rung does
the work of the one above in less time. ``oneneuron compare`` does this for all of the lecture's
steps.
"""

from oneneuron import compare, plots

timings = compare.ladder(compare.lecture_problem(), num_steps=1000)
ax = plots.plot_ladder(timings)
