"""The solvers: gradient descent and L-BFGS, for K models on the same samples.

Models. A model is a neuron, or a layer of L neurons with a common cost. Its parameters are a single
vector: the weights and the bias of its first neuron, then those of the next.

Division of labour. A solver chooses parameters, and a problem (`problem.pxd`) scores them. Scoring
is a pass over the samples, which takes nearly all the time, so the solvers are judged by their
number of passes. The K models advance in lockstep: each pass scores the trial point of every
model that still needs one. Apart from that, the models know nothing of each other. Each has its
own step size, history, and reason for ending.

One round of the loop (`Solver.run`) has three parts. `propose` writes a model's next trial point.
The problem scores all trial points in one pass. `receive` looks at a model's score and decides. A
trial point that is accepted becomes the model's next iterate, and this is what counts as a step.
With gradient descent, every finite trial point is accepted. With L-BFGS, those of the line search
that are not good enough leave no trace outside.

If a pass is interrupted, its sums are lost, but nothing else has changed: the same trial points are
proposed again, and the run continues with the same bits.

Checkpoints. The constants of a solver define the run, and its variables define how far it has come.
Between two passes, also within a line search, the variables can be copied. Another solver with the
same constants continues from the copies with the same bits (`restore`). Trial points and the sums
of a pass are not among the variables, since they are computed again before they are used.

L-BFGS. Newton's method goes from the iterate x to x - H^-1 g, where g is the gradient of the cost
and H its Hessian. L-BFGS never forms H. It learns about it from the latest steps: each step s
changed the gradient by some y, and the Hessian takes s to about y. The two-loop recursion
(`multiply_by_inverse_hessian`; Nocedal and Wright, algorithm 7.4) begins with a guess of H, and
applies the inverse that also fits these pairs to the gradient.

Coordinates. The recursion works best if H is close to a multiple of the identity. The solver
therefore works in coordinates v with parameters = start + P v, in which the identity is an upper
bound on the Hessian. Only gradients, steps and directions are mapped; v itself is never needed.

The guess. That bound has two parts. In coordinate j, the penalty alone accounts for a share m_j of
it, and the samples for the rest. While a model learns, most samples get far from the boundary, and
the curvature of their cost falls to a fraction r of its bound, often a tenth. The curvature of the
penalty stays as it is. So the guess is a diagonal matrix, D = diag(r (1 - m_j) + m_j), with r = 1
at the start. After each step, r is chosen to make y.D^-1 y = s.y. Without a penalty, this is the
usual multiple of the identity, y.y / s.y. With one, it saves up to half of the passes. The shares
describe the penalty best where they are near 0 or 1, so a triangular P should have the features
with the largest variances first.

A draft. With very many samples, a part of them tells nearly as much as all, at a fraction of the
time. So a solver can take over the result of another one, which has minimised the cost of a part.
Its first search goes straight to that point, and its history starts with the pairs learned there,
since both costs have nearly the same curvature. From there, it takes about half of the passes.

The line search looks along the direction for a step size t that satisfies the weak Wolfe
conditions: the cost has fallen by a fair part of what the slope at 0 promised, and the slope is no
longer as steep as it was. They make s.y positive, so the learned Hessian is positive definite even
where the true one is not. Two bounds enclose what is looked for: at `low` the cost is low enough
but the slope still too steep, and at `high` the cost is too high. The next trial is the minimum of
the cubic through both, kept away from either end. As t = 1 is nearly always good, a step seldom
takes more than one pass.

Rounding. Near the minimum, the differences between costs drown in rounding errors long before the
slopes do. A cost that is within a few units of rounding of the iterate's therefore counts as low
enough if the slopes agree that it fell (the approximate Wolfe condition of Hager and Zhang). A
model has reached the limit of precision after several steps in a row that hardly lowered the cost,
or when the line search fails along the gradient itself. All tests are relative: multiplying the
cost by a power of two changes no iterate.

Sources
-------
D. C. Liu and J. Nocedal, On the limited memory BFGS method for large scale optimization,
Mathematical Programming 45 (1989).
J. Nocedal and S. J. Wright, Numerical Optimization, 2nd edition (2006), chapters 3 and 7.
W. W. Hager and H. Zhang, A new conjugate gradient method with guaranteed descent and an efficient
line search, SIAM Journal on Optimization 16 (2005).
"""

from collections import namedtuple

import numpy as np

from cpython.buffer cimport PyBUF_ANY_CONTIGUOUS, PyBuffer_Release, PyObject_GetBuffer
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport INFINITY, fabs, sqrt
from libc.stdint cimport INT64_MAX, int8_t, int64_t
from libc.string cimport memcpy, memset

from .problem cimport Problem

cdef extern from "waiting.h" nogil:
    int64_t LOAD(const int64_t *) noexcept
    int64_t ADD(int64_t *, int64_t) noexcept
    int64_t milliseconds() noexcept

cpdef enum State:
    RUNNING     # more steps can be made
    FLAT        # every derivative of the cost is within its limit
    PRECISION   # the cost cannot be lowered any further in this floating-point type
    DIVERGED    # the next step would have infinite parameters or an infinite cost

cdef enum:
    COSTS = 1024        # costs kept for each model
    # The most pairs that L-BFGS remembers of a model; more than 20 hardly save any passes. Of very
    # many parameters there are fewer, since more than these bytes take longer than a pass.
    PAIRS = 20
    LEAST_PAIRS = 5
    PAIR_BYTES = 67108864
    MOST_TRIALS = 20    # trial points of a line search
    STALLED_STEPS = 3   # steps in a row that hardly lower the cost, before a model ends
    LIKELY_PASSES = 10  # the passes that helpers are started for in L-BFGS, which may end soon
    NEWTON_ROUNDS = 3   # of the search for r; two would nearly always do

cdef:
    double LOG2_E = 1.4426950408889634
    double DOUBLE_EPSILON = 2.0 ** -52
    double SINGLE_EPSILON = 2.0 ** -23

    # The line search. The cost must fall by this part of what the slope promised,
    double SUFFICIENT_DECREASE = 1e-4
    # and the slope must be no steeper than this part of the slope at 0.
    double STEEPNESS = 0.9
    # Where costs cannot be told apart, an upward slope must be no steeper than this part of the
    # slope at 0. A steeper one shows that the minimum is far behind.
    double OVERSHOOT = 0.8
    # Costs that differ by at most this many units of rounding cannot be told apart.
    double INDISTINCT_UNITS = 4.0
    # A step hardly lowers the cost if it does so by at most this many units of rounding.
    double STALLED_UNITS = 64.0
    # Without an upper bound, the step size is multiplied by this for the next trial.
    double EXPANSION = 4.0
    # Between two bounds, the next trial keeps this part of the interval away from either.
    double MARGIN = 0.1
    # A round of the search for r leaves at least this part of it.
    double LEAST_RATIO = 0.1

COSTS_KEPT = COSTS

Models = namedtuple("Models", ["parameters", "cost", "wrong", "step"])
Models.__doc__ = """All models, each after some step of its training.

Attributes
----------
parameters : ndarray of shape (K, L (d + 1))
    The weights and the bias of each neuron of a model, the bias last.
cost : ndarray of shape (K,)
    The cost with its penalty.
wrong : ndarray of shape (K,)
    The total weight of the samples on the wrong side.
step : ndarray of shape (K,), int64
    The number of updates that led to the model.
"""

# The same arrays as `Models`, for compiled code.
cdef struct Rows:
    double *parameters
    double *cost
    double *wrong
    int64_t *step


# Vectors. The loops over elements are plain, so that the compiler can vectorise them; none of them
# leaves it a choice in the order of a sum.

cdef inline void add_multiple(
    Py_ssize_t n, double a, const double *x, double *y
) noexcept nogil:
    """Add a x to y."""
    cdef Py_ssize_t j
    for j in range(n):
        y[j] += a * x[j]


cdef double dot(Py_ssize_t n, const double *x, const double *y) noexcept nogil:
    """Return x.y, from eight partial sums."""
    cdef:
        Py_ssize_t i, j
        double parts[8]
    for j in range(8):
        parts[j] = 0.0
    for i in range(n // 8):
        for j in range(8):
            parts[j] += x[8 * i + j] * y[8 * i + j]
    for j in range(n % 8):
        parts[j] += x[n - n % 8 + j] * y[n - n % 8 + j]
    return (
        ((parts[0] + parts[4]) + (parts[2] + parts[6]))
        + ((parts[1] + parts[5]) + (parts[3] + parts[7]))
    )


# The cost of a model.

cdef inline bint is_finite(double x) noexcept nogil:
    return x - x == 0.0


cdef bint fits(Py_ssize_t n, const double *parameters, bint single) noexcept nogil:
    """Return whether the parameters, times log2 e, are finite in the dtype of the samples.

    This is how the kernel needs them.
    """
    cdef:
        Py_ssize_t j
        int num_unfit = 0
    for j in range(n):
        if single:
            num_unfit += not is_finite(<float>(LOG2_E * parameters[j]))
        else:
            num_unfit += not is_finite(LOG2_E * parameters[j])
    return num_unfit == 0


cdef double twice_penalised(
    Py_ssize_t d, const double *parameters, const double *sums, double alpha
) noexcept nogil:
    """Return twice the cost of a neuron, with its penalty."""
    cdef:
        Py_ssize_t j
        double squares = 0.0
    if alpha > 0.0:
        for j in range(d):
            squares += parameters[j] * parameters[j]
    return sums[d + 1] + alpha * squares


cdef inline void write_gradient(
    Py_ssize_t d, const double *parameters, const double *sums, double alpha, bint intercept,
    double *gradient_out
) noexcept nogil:
    """Write the gradient of the penalised cost for a neuron. There is no penalty on the bias."""
    cdef Py_ssize_t j
    for j in range(d):
        gradient_out[j] = alpha * parameters[j] - sums[j]
    gradient_out[d] = -sums[d] if intercept else 0.0


cdef bint is_flat(
    Py_ssize_t d, const double *gradient, const double *means, const double *limits, double factor
) noexcept nogil:
    """Return whether every derivative of a neuron is within its limit times a factor.

    Those of the weights are taken with centred features.
    """
    cdef Py_ssize_t j
    if not fabs(gradient[d]) <= factor * limits[d]:  # nor if it is NaN
        return False
    for j in range(d):
        if not fabs(gradient[j] - means[j] * gradient[d]) <= factor * limits[j]:
            return False
    return True


cdef class Solver:
    """The common part of the solvers `GradientDescent` and `LBFGS`.

    Attributes
    ----------
    last, best, lowest : Models
        The current iterates, those with the fewest wrong samples, and those with the lowest cost;
        the first of several such iterates. The start is only a stand-in for the best and the
        lowest: iterates are ranked after each step.
    gradient : ndarray of shape (K, L (d + 1))
        The gradient of the cost at the current iterates.
    state : ndarray of shape (K,), int8
        A `State` for each model.
    costs : ndarray of shape (K, COSTS_KEPT)
        The cost of model k after step i is at ``[k, i % COSTS_KEPT]``.
    num_rises : ndarray of shape (K,), int64
        The number of steps of each model that raised its cost.
    num_passes : int
        The number of passes over the samples since the solver was made.
    constants, variables : dict of str to ndarray
        What defines the run, apart from the samples and the starts; and what defines how far it has
        come. They are the solver's own arrays, so nobody else may change them.
    """

    cdef:
        readonly object last, best, lowest, gradient, state, costs, num_rises
        readonly dict constants, variables
        int64_t passes              # that have been made
        object arrays               # those that only pointers refer to
        Problem *problem
        Py_ssize_t num_models, num_neurons  # K, and L in each model
        Py_ssize_t side, size       # d + 1, and L times as many parameters of a model
        double alpha
        bint intercept, single
        int64_t likely_passes       # the largest number that helpers are started for
        const double *means         # (d,)
        const double *limits        # (K, size)
        const double *low_costs     # (K,)
        Rows lasts, bests, lowests
        double *gradients           # (K, size), as `gradient`
        int8_t *states
        double *cost_rings
        int64_t *rises
        double *trials              # (K, size), the trial points
        double *trial_gradients     # (K, size)
        double *trial_costs         # (K,)
        double *sums                # (K, L, d + 3), as the problem writes them
        unsigned char *active       # whether a model's trial point is scored by the next pass
        int64_t *steps_left         # the steps of each model before it waits for the others

    cdef int prepare(
        self, owner, double alpha, bint intercept, limits, means, bint single, low_costs,
        int64_t likely_passes,
    ) except -1:
        """Set what every solver needs."""
        cdef Py_ssize_t models, size
        self.problem = <Problem *>PyCapsule_GetPointer(owner.problem, b"oneneuron.problem")
        self.num_models = models = self.problem.num_models
        self.num_neurons = self.problem.num_neurons
        self.side = self.problem.num_features + 1
        self.size = size = self.num_neurons * self.side
        self.alpha, self.intercept, self.single = alpha, intercept, single
        self.likely_passes = likely_passes
        self.arrays = [owner]
        self.constants = {
            "alpha": np.array(alpha), "intercept": np.array(intercept), "single": np.array(single),
        }
        self.variables = {}
        self.limits = self.constant("limits", limits, (models, size))
        self.low_costs = self.constant("low_costs", low_costs, (models,))
        self.means = self.constant("means", means, (self.side - 1,))
        self.last = self.new_models("last", &self.lasts)
        self.best = self.new_models("best", &self.bests)
        self.lowest = self.new_models("lowest", &self.lowests)
        self.gradient = np.zeros((models, size))
        self.gradients = <double *>self.variable("gradient", self.gradient)
        self.state = np.zeros(models, np.int8)
        self.states = <int8_t *>self.variable("state", self.state)
        self.costs = np.zeros((models, COSTS_KEPT))
        self.cost_rings = <double *>self.variable("costs", self.costs)
        self.num_rises = np.zeros(models, np.int64)
        self.rises = <int64_t *>self.variable("num_rises", self.num_rises)
        self.trials = self.doubles(np.zeros((models, size)))
        self.trial_gradients = self.doubles(np.zeros((models, size)))
        self.trial_costs = self.doubles(np.zeros(models))
        self.sums = self.doubles(np.zeros((models, self.num_neurons, self.side + 2)))
        self.active = <unsigned char *>self.pointer(np.zeros(models, np.uint8))
        self.steps_left = <int64_t *>self.pointer(np.zeros(models, np.int64))
        return 0

    cdef void *pointer(self, array) except? NULL:
        """Return a pointer to the elements of a new array, and keep the array alive."""
        cdef Py_buffer buffer
        PyObject_GetBuffer(array, &buffer, PyBUF_ANY_CONTIGUOUS)
        self.arrays.append(array)
        elements = buffer.buf
        PyBuffer_Release(&buffer)
        return elements

    cdef double *doubles(self, array) except? NULL:
        return <double *>self.pointer(array)

    cdef const double *constant(self, name, values, shape) except? NULL:
        """Return a pointer to a copy of a caller's array, which becomes one of the constants."""
        self.constants[name] = array = np.empty(shape)
        array[...] = values
        return self.doubles(array)

    cdef void *variable(self, name, array) except? NULL:
        """Return a pointer to the elements of a new array, which becomes one of the variables."""
        self.variables[name] = array
        return self.pointer(array)

    cdef object new_models(self, name, Rows *rows_out):
        models = Models(
            np.zeros((self.num_models, self.size)), np.zeros(self.num_models),
            np.zeros(self.num_models), np.zeros(self.num_models, np.int64),
        )
        rows_out.parameters = <double *>self.variable(f"{name}.parameters", models.parameters)
        rows_out.cost = <double *>self.variable(f"{name}.cost", models.cost)
        rows_out.wrong = <double *>self.variable(f"{name}.wrong", models.wrong)
        rows_out.step = <int64_t *>self.variable(f"{name}.step", models.step)
        return models

    def restore(self, variables):
        """Continue from where a solver with the same constants has been, between two passes.

        Parameters
        ----------
        variables : mapping of str to ndarray
            Copies of its variables.

        Raises
        ------
        ValueError
            If these cannot be the variables of such a solver. This one stays unchanged.
        """
        for name, own in self.variables.items():
            array = variables.get(name)
            if array is None or array.dtype != own.dtype or array.shape != own.shape:
                raise ValueError(f"{name} must be an array of {own.dtype}, of shape {own.shape}")
        self.check(variables)
        for name, own in self.variables.items():
            own[...] = variables[name]

    cdef int check(self, variables) except -1:
        """Raise an error for values that would lead out of an array."""
        if not ((0 <= variables["state"]) & (variables["state"] <= DIVERGED)).all():
            raise ValueError("state must hold values of State")
        if not (0 <= variables["last.step"]).all():
            raise ValueError("last.step must be 0 or more")
        return 0

    @property
    def num_passes(self):
        return LOAD(&self.passes)

    def start(self, const double[:, ::1] parameters):
        """Score the starts, as step 0.

        A model whose cost is not finite there has diverged.

        Parameters
        ----------
        parameters : ndarray of shape (K, L (d + 1)), float64
        """
        cdef:
            Py_ssize_t k, n = self.size
            size_t size = n * sizeof(double)
        if parameters.shape[0] != self.num_models or parameters.shape[1] != n:
            raise ValueError("parameters must be of shape (K, L (d + 1))")
        with nogil:
            memcpy(self.trials, &parameters[0, 0], self.num_models * size)
            memset(self.active, 1, self.num_models)
            self.problem.start_helpers(self.problem.context, 1)
            try:
                self.problem.evaluate(self.problem.context, self.trials, self.active, self.sums)
            finally:
                self.problem.stop_helpers(self.problem.context)
            ADD(&self.passes, 1)  # other threads may read it
            for k in range(self.num_models):
                self.states[k] = RUNNING
                self.score(k)
                self.accept(k, 0)
                self.rises[k] = 0
                if not is_finite(self.lasts.cost[k]):
                    self.states[k] = DIVERGED
                if not fits(n, self.trials + n * k, self.single):
                    self.states[k] = DIVERGED
                self.begin(k)

    def advance(self, int64_t num_steps):
        """Make steps with every running model.

        A model that has made its steps waits until all others have, too. If an exception comes
        from a pass, the next call continues from the last iterates as if nothing had happened.

        Parameters
        ----------
        num_steps : int
            The number of steps of each model, unless it ends earlier.
        """
        cdef Py_ssize_t k
        with nogil:
            for k in range(self.num_models):
                self.steps_left[k] = num_steps
            self.run_with_helpers(num_steps, INT64_MAX)

    def advance_to(self, int64_t step, most_milliseconds=None):
        """Make steps until every running model has made `step` of them since its start.

        As in `advance`, models wait for each other, and an interrupted call can be repeated.

        Parameters
        ----------
        step : int
        most_milliseconds : int, default None
            The time after which to return, at the end of a pass; None for no limit.

        Returns
        -------
        bool
            Whether it is done. False means that time was up; then another call may do nothing.
        """
        cdef:
            Py_ssize_t k
            int64_t num_steps = 0, end = INT64_MAX
            bint is_done
        if most_milliseconds is not None:
            end = milliseconds() + <int64_t>most_milliseconds
        with nogil:
            for k in range(self.num_models):
                self.steps_left[k] = step - self.lasts.step[k]
                if self.states[k] == RUNNING:
                    num_steps = max(num_steps, self.steps_left[k])
            is_done = self.run_with_helpers(num_steps, end)
        return is_done

    cdef bint run_with_helpers(self, int64_t num_steps, int64_t end) except -1 nogil:
        """Run with the helpers that pay off in at most `num_steps` steps."""
        self.problem.start_helpers(self.problem.context, min(num_steps, self.likely_passes))
        try:
            return self.run(end)
        finally:
            self.problem.stop_helpers(self.problem.context)

    cdef bint run(self, int64_t end) except -1 nogil:
        """Propose, score and receive until every model has ended or made its steps.

        Return false if this has been cut short after a pass, because it was time to end.
        """
        cdef Py_ssize_t k
        while self.propose_all():
            self.problem.evaluate(self.problem.context, self.trials, self.active, self.sums)
            ADD(&self.passes, 1)  # other threads may read it
            for k in range(self.num_models):
                if self.active[k]:
                    self.score(k)
                    self.receive(k)
            if end != INT64_MAX and milliseconds() >= end:
                return False
        return True

    cdef bint propose_all(self) noexcept nogil:
        """Let models propose trial points; return false if none has any."""
        cdef:
            Py_ssize_t k
            bint any_active = False
        for k in range(self.num_models):
            self.active[k] = (
                self.states[k] == RUNNING and self.steps_left[k] > 0 and self.propose(k)
            )
            any_active |= self.active[k]
        return any_active

    cdef void begin(self, Py_ssize_t k) noexcept nogil:
        """Forget what was learned from another start; or end the model."""

    cdef bint propose(self, Py_ssize_t k) noexcept nogil:
        """Write a model's trial point; or end the model, and return false."""

    cdef void receive(self, Py_ssize_t k) noexcept nogil:
        """Decide what to do with a trial point that has been scored."""

    cdef void score(self, Py_ssize_t k) noexcept nogil:
        """Turn the sums of a pass into the cost and the gradient of a trial point."""
        cdef:
            Py_ssize_t d = self.side - 1
            const double *parameters = self.trials + self.size * k
            const double *sums = self.sums + self.num_neurons * (d + 3) * k
            double *gradient = self.trial_gradients + self.size * k
            double twice_cost = 0.0
        for _ in range(self.num_neurons):
            twice_cost += twice_penalised(d, parameters, sums, self.alpha)
            write_gradient(d, parameters, sums, self.alpha, self.intercept, gradient)
            parameters += d + 1
            gradient += d + 1
            sums += d + 3
        self.trial_costs[k] = 0.5 * twice_cost

    cdef double wrong(self, Py_ssize_t k) noexcept nogil:
        """Return the weight of the samples that a scored trial point has on the wrong side."""
        cdef:
            Py_ssize_t i, row = self.side + 2
            double total = 0.0
        for i in range(self.num_neurons * k, self.num_neurons * (k + 1)):
            total += self.sums[row * i + row - 1]
        return total

    cdef bint is_flat(self, Py_ssize_t k) noexcept nogil:
        """Return whether every derivative of a model at its iterate is within its limit."""
        cdef:
            Py_ssize_t at = self.size * k
            double cost = self.lasts.cost[k], low_cost = self.low_costs[k]
            double factor = cost / low_cost if cost < low_cost else 1.0
        for _ in range(self.num_neurons):
            if not is_flat(
                self.side - 1, self.gradients + at, self.means, self.limits + at, factor
            ):
                return False
            at += self.side
        return True

    cdef void accept(self, Py_ssize_t k, int64_t step) noexcept nogil:
        """Make a model's trial point its iterate after `step` steps."""
        cdef:
            Py_ssize_t n = self.size
            # The start is only a stand-in: models are ranked after each update.
            bint first = step <= 1
        self.steps_left[k] -= 1
        self.rises[k] += self.trial_costs[k] > self.lasts.cost[k]
        memcpy(self.lasts.parameters + n * k, self.trials + n * k, n * sizeof(double))
        memcpy(self.gradients + n * k, self.trial_gradients + n * k, n * sizeof(double))
        self.lasts.cost[k] = self.cost_rings[COSTS * k + step % COSTS] = self.trial_costs[k]
        self.lasts.wrong[k] = self.wrong(k)
        self.lasts.step[k] = step
        if first or self.lasts.wrong[k] < self.bests.wrong[k]:
            copy_model(n, k, &self.lasts, &self.bests)
        if first or self.lasts.cost[k] < self.lowests.cost[k]:
            copy_model(n, k, &self.lasts, &self.lowests)
        if self.is_flat(k):
            self.states[k] = FLAT


cdef inline void copy_model(
    Py_ssize_t n, Py_ssize_t k, const Rows *source, Rows *target
) noexcept nogil:
    memcpy(target.parameters + n * k, source.parameters + n * k, n * sizeof(double))
    target.cost[k] = source.cost[k]
    target.wrong[k] = source.wrong[k]
    target.step[k] = source.step[k]


cdef class GradientDescent(Solver):
    """Gradient descent with a fixed step size.

    Parameters
    ----------
    owner : object
        Its attribute `problem` is a capsule that points to a Problem (`problem.pxd`).
    eta : float
        The step size.
    alpha : float
        The cost contains the penalty 1/2 alpha |w|^2.
    intercept : bool
        If false, the bias keeps its initial value.
    limits : array_like of shape (K, L (d + 1))
        A model ends when every derivative of its cost is within its limit in absolute value. For
        the weights, it is the derivative with centred features. A negative limit is never reached.
    means : array_like of shape (d,)
        The means of the features; zeros without an intercept.
    single : bool
        Whether the samples are in float32.
    low_costs : array_like of shape (K,)
        Where a model costs less than this, its limits are smaller in proportion to its cost.
    """

    cdef double eta

    def __init__(
        self, owner, double eta, double alpha, bint intercept, limits, means, bint single,
        low_costs=0.0,
    ):
        self.prepare(owner, alpha, intercept, limits, means, single, low_costs, INT64_MAX)
        self.eta = eta
        self.constants["eta"] = np.array(eta)

    cdef bint propose(self, Py_ssize_t k) noexcept nogil:
        cdef:
            Py_ssize_t j, n = self.size
            const double *parameters = self.lasts.parameters + n * k
            const double *gradient = self.gradients + n * k
            double *trial = self.trials + n * k
        for j in range(n):
            trial[j] = parameters[j] - self.eta * gradient[j]
        if fits(n, trial, self.single):
            return True
        self.states[k] = DIVERGED
        return False

    cdef void receive(self, Py_ssize_t k) noexcept nogil:
        if is_finite(self.trial_costs[k]):
            self.accept(k, self.lasts.step[k] + 1)
        else:
            self.states[k] = DIVERGED


# A point on the line along which L-BFGS searches: the step size t, the cost there, and the slope.
cdef struct Point:
    double t
    double cost
    double slope

# What L-BFGS knows about a model, beside the vectors.
cdef struct Memory:
    bint searching              # a line search is under way
    bint drafted                # and leads to the point of a draft
    Point origin                # the iterate
    Point low                   # the cost is low enough, but the slope too steep
    Point high                  # the cost is too high; t is infinite if there is no such point yet
    double t                    # the next trial
    int64_t num_trials
    int64_t num_stalled         # the latest steps in a row that hardly lowered the cost
    int64_t num_pairs           # pairs in the history
    int64_t oldest              # the oldest pair
    double data_curvature       # r, the curvature of the samples as a fraction of its bound
    double products[PAIRS]      # s.y of each pair
    double multiples[PAIRS]     # room for the two-loop recursion


cdef bint is_acceptable(const Memory *memory, Point trial, double tolerance) noexcept nogil:
    """Return whether the cost is low enough, if costs within `tolerance` cannot be told apart."""
    cdef:
        Point origin = memory.origin
        double decrease = origin.cost - trial.cost
    return (
        decrease >= -SUFFICIENT_DECREASE * trial.t * origin.slope
        or (decrease >= -tolerance and trial.slope <= -OVERSHOOT * origin.slope)
    )


cdef double cubic_minimum(Point low, Point high) noexcept nogil:
    """Return where the cubic with these costs and slopes has its minimum; the middle if nowhere.

    Nocedal and Wright, equation 3.59.
    """
    cdef:
        double width = high.t - low.t
        double a = low.slope + high.slope - 3.0 * (high.cost - low.cost) / width
        double square = a * a - low.slope * high.slope
        double root, share
    if not square >= 0.0:
        return low.t + 0.5 * width
    root = sqrt(square)
    share = 1.0 - (high.slope + root - a) / (high.slope - low.slope + 2.0 * root)
    return low.t + width * share if is_finite(share) else low.t + 0.5 * width


cdef double next_trial(Point low, Point high) noexcept nogil:
    """Return the next step size to try between two bounds."""
    cdef double width = high.t - low.t
    if high.t == INFINITY:
        return EXPANSION * low.t
    if high.cost == INFINITY:
        return low.t + MARGIN * width
    return min(
        max(cubic_minimum(low, high), low.t + MARGIN * width), high.t - MARGIN * width
    )


cdef double fitting_data_curvature(
    Py_ssize_t n, const double *change, double product, const double *shares, double guess
) noexcept nogil:
    """Return the r with which y.D^-1 y = s.y; `change` is y and `product` s.y.

    Newton's method solves the equation of the reciprocals. The left one is a concave function of r,
    and linear without a penalty, so that a single round is exact then. Where no r is small enough,
    it stays positive.
    """
    cdef:
        Py_ssize_t _round, j
        double curvature, term, value, slope, r = guess
    for _round in range(NEWTON_ROUNDS):
        value = 0.0
        slope = 0.0
        for j in range(n):
            curvature = r * (1.0 - shares[j]) + shares[j]
            term = change[j] * change[j] / curvature
            value += term
            slope += term * (1.0 - shares[j]) / curvature
        if not slope > 0.0:
            break
        r = max(LEAST_RATIO * r, r + (value / product - 1.0) * value / slope)
    return r


cdef class LBFGS(Solver):
    """L-BFGS in coordinates v, where parameters = start + P v.

    Parameters
    ----------
    owner, alpha, intercept, limits, means, single, low_costs
        As for `GradientDescent`.
    preconditioner : ndarray of shape (d + 1, d + 1) or (d + 1,)
        P for the parameters of each neuron, or its diagonal if P is a diagonal matrix. An upper
        bound on the Hessian becomes (close to) the identity in v. Zeros at the beginning of a row
        of P take no time.
    """

    cdef:
        double epsilon
        Py_ssize_t pairs            # that are remembered
        bint is_diagonal
        const double *preconditioner
        const double *shares        # (size,), the penalty's share of the bound in each coordinate
        int64_t *row_starts         # (d + 1,), the first element of each row of P that is not zero
        Memory *memories            # (K,)
        double *directions          # (K, size), of the line search
        double *v_directions        # (K, size), the same in v
        double *v_gradients         # (K, size), at the iterate, in v
        double *v_steps             # (K, pairs, size), the s of each pair
        double *v_changes           # (K, pairs, size), the y of each pair
        double *v_new               # (size,)

    def __init__(
        self, owner, double alpha, bint intercept, limits, means, bint single, preconditioner,
        low_costs=0.0,
    ):
        self.prepare(owner, alpha, intercept, limits, means, single, low_costs, LIKELY_PASSES)
        self.epsilon = SINGLE_EPSILON if single else DOUBLE_EPSILON
        self.pairs = max(LEAST_PAIRS, min(PAIRS, PAIR_BYTES // (16 * self.size)))
        self.prepare_coordinates(preconditioner)
        models, size = self.num_models, self.size
        vectors, history = (models, size), (models, self.pairs, size)
        self.memories = <Memory *>self.variable(
            "memories", np.zeros((models, sizeof(Memory)), np.uint8)
        )
        self.directions = <double *>self.variable("directions", np.zeros(vectors))
        self.v_directions = <double *>self.variable("v_directions", np.zeros(vectors))
        self.v_gradients = <double *>self.variable("v_gradients", np.zeros(vectors))
        # Zeros, since a checkpoint must not hold what others have left in memory.
        self.v_steps = <double *>self.variable("v_steps", np.zeros(history))
        self.v_changes = <double *>self.variable("v_changes", np.zeros(history))
        self.v_new = self.doubles(np.zeros(size))

    cdef int prepare_coordinates(self, preconditioner) except -1:
        """Copy P, and find out what its columns and rows are like."""
        cdef:
            Py_ssize_t i, j, k, n = self.side, width
            double p
            double *rows
            double *shares = self.doubles(np.zeros((self.num_neurons, n)))
            int64_t *row_starts = <int64_t *>self.pointer(np.zeros(n, np.int64))
        self.is_diagonal = preconditioner.ndim == 1
        width = 1 if self.is_diagonal else n
        array = np.array(preconditioner, dtype=np.float64, order="C")
        self.constants["preconditioner"] = array
        rows = self.doubles(array)
        if not self.intercept:
            memset(rows + width * (n - 1), 0, width * sizeof(double))  # the bias does not move
        for i in range(n):
            while row_starts[i] < width - 1 and rows[width * i + row_starts[i]] == 0.0:
                row_starts[i] += 1
        for i in range(n - 1):
            for j in range(width):
                p = rows[width * i + j]
                shares[i if self.is_diagonal else j] += self.alpha * (p * p)
        for j in range(n):
            shares[j] = min(shares[j], 1.0)
        for k in range(1, self.num_neurons):
            memcpy(shares + n * k, shares, n * sizeof(double))
        self.preconditioner, self.shares, self.row_starts = rows, shares, row_starts
        return 0

    cdef int check(self, variables) except -1:
        cdef:
            const unsigned char[:, ::1] memories = np.ascontiguousarray(variables["memories"])
            Memory memory
            Py_ssize_t k
            int num_wrong = 0
        Solver.check(self, variables)
        for k in range(self.num_models):
            memcpy(&memory, &memories[k, 0], sizeof(Memory))
            num_wrong += not (
                0 <= memory.num_pairs <= self.pairs and 0 <= memory.oldest < self.pairs
            )
        if num_wrong > 0:
            raise ValueError("memories must hold numbers of pairs in their range")
        return 0

    cdef void begin(self, Py_ssize_t k) noexcept nogil:
        memset(&self.memories[k], 0, sizeof(Memory))
        self.memories[k].data_curvature = 1.0
        self.gradient_in_v(self.gradients + self.size * k, self.v_gradients + self.size * k)
        if not fits(self.size, self.gradients + self.size * k, False):
            self.states[k] = DIVERGED  # there is no direction to begin with

    def adopt(self, LBFGS draft, const int64_t[::1] models, bint with_pairs=True):
        """Take over what another solver has found, on a part of the samples or for another cost.

        The next search of each model leads to its last iterate in the draft, unless the cost of
        all samples does not fall in that direction.

        Parameters
        ----------
        draft : LBFGS
            With the same preconditioner, alpha and intercept.
        models : ndarray of shape (num_drafted,), int64
            The model of this solver that each model of the draft stands for.
        with_pairs : bool, default True
            Whether to take over what the draft has learned of the Hessian, too.
        """
        cdef Py_ssize_t i
        with nogil:
            for i in range(draft.num_models):
                if self.states[models[i]] == RUNNING and draft.states[i] != DIVERGED:
                    self.adopt_model(draft, i, models[i], with_pairs)

    cdef void adopt_model(
        self, LBFGS draft, Py_ssize_t i, Py_ssize_t k, bint with_pairs
    ) noexcept nogil:
        cdef:
            Py_ssize_t j, n = self.size, size = n * self.pairs
            Memory *memory = &self.memories[k]
            double *direction = self.directions + n * k
            double slope
        for j in range(n):
            direction[j] = draft.lasts.parameters[n * i + j] - self.lasts.parameters[n * k + j]
        slope = dot(n, direction, self.gradients + n * k)
        if not (slope < 0.0 and is_finite(slope)):
            return
        if with_pairs:
            memory[0] = draft.memories[i]
            memcpy(self.v_steps + size * k, draft.v_steps + size * i, size * sizeof(double))
            memcpy(self.v_changes + size * k, draft.v_changes + size * i, size * sizeof(double))
        memory.num_stalled = 0
        memory.drafted = True
        self.search_along(k, slope)

    cdef bint propose(self, Py_ssize_t k) noexcept nogil:
        cdef:
            Py_ssize_t j, n = self.size
            const double *parameters = self.lasts.parameters + n * k
            const double *direction = self.directions + n * k
            double *trial = self.trials + n * k
            Memory *memory = &self.memories[k]
        if not memory.searching and not self.open_search(k):
            self.states[k] = PRECISION
            return False
        for j in range(n):
            trial[j] = parameters[j] + memory.t * direction[j]
        return True

    cdef void receive(self, Py_ssize_t k) noexcept nogil:
        cdef:
            Memory *memory = &self.memories[k]
            double tolerance = INDISTINCT_UNITS * self.epsilon * fabs(memory.origin.cost)
            Point trial = self.trial_point(k)
        if not is_acceptable(memory, trial, tolerance):
            memory.high = trial
        elif trial.slope >= STEEPNESS * memory.origin.slope:
            self.finish_step(k, trial)
            return
        else:
            memory.low = trial
        memory.t = next_trial(memory.low, memory.high)
        memory.num_trials += 1
        if memory.num_trials == MOST_TRIALS:
            self.give_up_search(k)

    cdef Point trial_point(self, Py_ssize_t k) noexcept nogil:
        """Return the scored trial, at an infinite cost if any number is not finite there."""
        cdef:
            Py_ssize_t n = self.size
            Point trial
        trial.t = self.memories[k].t
        trial.cost = self.trial_costs[k]
        trial.slope = dot(n, self.directions + n * k, self.trial_gradients + n * k)
        if not (
            is_finite(trial.cost) and is_finite(trial.slope)
            and fits(n, self.trials + n * k, self.single)
        ):
            trial.cost = INFINITY
            trial.slope = INFINITY
        return trial

    cdef bint open_search(self, Py_ssize_t k) noexcept nogil:
        """Begin a line search; return false if no direction leads down."""
        cdef:
            Py_ssize_t n = self.size
            Memory *memory = &self.memories[k]
            double *direction = self.directions + n * k
            double slope
        self.multiply_by_inverse_hessian(k)
        self.direction_in_parameters(self.v_directions + n * k, direction)
        slope = dot(n, direction, self.gradients + n * k)
        if not (slope < 0.0 and is_finite(slope)):
            if memory.num_pairs == 0:
                return False
            self.forget_pairs(k)
            return self.open_search(k)
        self.search_along(k, slope)
        return True

    cdef void search_along(self, Py_ssize_t k, double slope) noexcept nogil:
        """Begin a line search along the current direction, in which the cost has this slope."""
        cdef Memory *memory = &self.memories[k]
        memory.origin = Point(0.0, self.lasts.cost[k], slope)
        memory.low = memory.origin
        memory.high = Point(INFINITY, INFINITY, INFINITY)
        memory.t = 1.0
        memory.num_trials = 0
        memory.searching = True

    cdef void give_up_search(self, Py_ssize_t k) noexcept nogil:
        """Let the next search follow the gradient; if this one did, the model ends."""
        self.memories[k].searching = self.memories[k].drafted = False
        if self.memories[k].num_pairs == 0:
            self.states[k] = PRECISION
        else:
            self.forget_pairs(k)

    cdef void forget_pairs(self, Py_ssize_t k) noexcept nogil:
        self.memories[k].num_pairs = 0
        self.memories[k].data_curvature = 1.0

    cdef void finish_step(self, Py_ssize_t k, Point trial) noexcept nogil:
        """Accept the trial point, and learn from the step."""
        cdef:
            Memory *memory = &self.memories[k]
            double decrease = memory.origin.cost - trial.cost
        memory.searching = False
        if memory.drafted:
            # So long a step says little about the curvature at its end.
            memory.drafted = False
            self.gradient_in_v(
                self.trial_gradients + self.size * k, self.v_gradients + self.size * k
            )
        else:
            self.learn(k)
        self.accept(k, self.lasts.step[k] + 1)
        if decrease > STALLED_UNITS * self.epsilon * fabs(trial.cost):
            memory.num_stalled = 0
        else:
            memory.num_stalled += 1
            if memory.num_stalled == STALLED_STEPS and self.states[k] == RUNNING:
                self.states[k] = PRECISION

    cdef void learn(self, Py_ssize_t k) noexcept nogil:
        """Add the step to the history, in place of the oldest pair if that is full.

        A pair that says nothing about the curvature but rounding errors is left out.
        """
        cdef:
            Py_ssize_t j, n = self.size
            Memory *memory = &self.memories[k]
            int64_t newest = (memory.oldest + memory.num_pairs) % self.pairs
            double *step = self.v_directions + n * k  # overwritten here; the search is over
            double *gradient = self.v_gradients + n * k
            double *change = self.v_new  # first the new gradient
            double old, product
        self.gradient_in_v(self.trial_gradients + n * k, change)
        for j in range(n):
            step[j] *= memory.t
            old = gradient[j]
            gradient[j] = change[j]
            change[j] -= old
        product = dot(n, step, change)
        if not product > self.epsilon * sqrt(dot(n, step, step)) * sqrt(dot(n, change, change)):
            return
        memcpy(self.v_steps + n * (self.pairs * k + newest), step, n * sizeof(double))
        memcpy(self.v_changes + n * (self.pairs * k + newest), change, n * sizeof(double))
        memory.products[newest] = product
        memory.data_curvature = fitting_data_curvature(
            n, change, product, self.shares, memory.data_curvature
        )
        if memory.num_pairs < self.pairs:
            memory.num_pairs += 1
        else:
            memory.oldest = (memory.oldest + 1) % self.pairs

    cdef void multiply_by_inverse_hessian(self, Py_ssize_t k) noexcept nogil:
        """Write the direction in v: minus the learned inverse Hessian times the gradient."""
        cdef:
            Py_ssize_t i, j, pair, n = self.size
            Memory *memory = &self.memories[k]
            const double *steps = self.v_steps + n * self.pairs * k
            const double *changes = self.v_changes + n * self.pairs * k
            const double *gradient = self.v_gradients + n * k
            double *direction = self.v_directions + n * k
            double multiple, r = memory.data_curvature
        for j in range(n):
            direction[j] = -gradient[j]
        for i in range(memory.num_pairs - 1, -1, -1):
            pair = (memory.oldest + i) % self.pairs
            multiple = dot(n, steps + n * pair, direction) / memory.products[pair]
            memory.multiples[pair] = multiple
            add_multiple(n, -multiple, changes + n * pair, direction)
        for j in range(n):
            direction[j] /= r * (1.0 - self.shares[j]) + self.shares[j]
        for i in range(memory.num_pairs):
            pair = (memory.oldest + i) % self.pairs
            multiple = dot(n, changes + n * pair, direction) / memory.products[pair]
            add_multiple(n, memory.multiples[pair] - multiple, steps + n * pair, direction)

    cdef void direction_in_parameters(self, const double *v, double *out) noexcept nogil:
        """Write P v to `out`, for each neuron of a model."""
        cdef Py_ssize_t i, first, n = self.side
        for _ in range(self.num_neurons):
            for i in range(n):
                if self.is_diagonal:
                    out[i] = self.preconditioner[i] * v[i]
                else:
                    first = self.row_starts[i]
                    out[i] = dot(n - first, self.preconditioner + n * i + first, v + first)
            v += n
            out += n

    cdef void gradient_in_v(self, const double *gradient, double *out) noexcept nogil:
        """Write P^T times a gradient to `out`, for each neuron of a model.

        It is computed from rows of P, since these are contiguous.
        """
        cdef Py_ssize_t i, first, n = self.side
        if self.is_diagonal:
            self.direction_in_parameters(gradient, out)
            return
        memset(out, 0, self.size * sizeof(double))
        for _ in range(self.num_neurons):
            for i in range(n):
                first = self.row_starts[i]
                add_multiple(
                    n - first, gradient[i], self.preconditioner + n * i + first, out + first
                )
            gradient += n
            out += n
