"""Jobs that the threads of one call share: each thread takes the next one until none is left."""

from libc.stdint cimport int64_t

cdef extern from "waiting.h" nogil:
    int64_t milliseconds() noexcept
    void STORE(int64_t *, int64_t) noexcept
    int64_t ADD(int64_t *, int64_t) noexcept

cdef extern from "helpers.h" nogil:
    ctypedef struct Crew:
        int64_t started
    void start_helpers(Crew *, void (*)(void *, int64_t) noexcept nogil, void *, int64_t) noexcept
    bint helpers_exist(const Crew *) noexcept
    void join_helpers(Crew *) noexcept

ctypedef void (*Work)(void *context, int64_t job, int64_t rank) noexcept nogil

# It is on the heap, as its `Crew` must be.
cdef struct Jobs:
    Work work                   # does the job of this number, on the thread of this rank
    void *context
    int64_t num_jobs
    int64_t next_job            # the first that no thread has taken yet
    Crew crew


cdef inline bint do_next_job(Jobs *jobs, int64_t rank) noexcept nogil:
    """Take a job and do it; return false if none was left."""
    cdef int64_t job = ADD(&jobs.next_job, 1)
    if job >= jobs.num_jobs:
        return False
    jobs.work(jobs.context, job, rank)
    return True


cdef inline void help_with_jobs(void *jobs, int64_t rank) noexcept nogil:
    """Do jobs until none is left: the work of a helper."""
    while do_next_job(<Jobs *>jobs, rank):
        pass


cdef inline int lead_jobs(Jobs *jobs, void *turn, int64_t patience) except -1 nogil:
    """Do jobs until none is left, and call `turn` in between."""
    cdef int64_t last_turn = milliseconds()
    while do_next_job(jobs, 0):
        if milliseconds() - last_turn >= patience:
            with gil:
                (<object>turn)()
            last_turn = milliseconds()
    return 0


cdef inline int share_jobs(
    Jobs *jobs, Work work, void *context, int64_t num_jobs, int64_t num_helpers, void *turn,
    int64_t patience
) except -1 nogil:
    """Do all jobs, with helpers; call `turn` whenever `patience` milliseconds have passed.

    `turn` is a borrowed reference to a callable, so that callers do without Python's lock.
    """
    jobs.work, jobs.context, jobs.num_jobs = work, context, num_jobs
    STORE(&jobs.next_job, 0)
    start_helpers(&jobs.crew, help_with_jobs, jobs, min(num_helpers, num_jobs - 1))
    try:
        lead_jobs(jobs, turn, patience)
        if jobs.crew.started > 0 and not helpers_exist(&jobs.crew):
            # `turn` has forked this process, and the jobs that helpers had taken are not done.
            STORE(&jobs.next_job, 0)
            lead_jobs(jobs, turn, patience)
    finally:
        STORE(&jobs.next_job, num_jobs)  # after an exception, helpers take no more
        join_helpers(&jobs.crew)
    return 0


cdef inline int do_jobs(
    Jobs *jobs, Work work, void *context, int64_t num_jobs, int64_t num_helpers, turn,
    int64_t patience
) except -1:
    """Call `share_jobs` without Python's lock."""
    cdef void *borrowed = <void *>turn
    with nogil:
        share_jobs(jobs, work, context, num_jobs, num_helpers, borrowed, patience)
    return 0
