/* helpers.h: native threads that help with one call, and end before it returns.
 *
 * They are started by Python's portable layer, but never touch Python: neither its lock nor its
 * objects. So it does not matter what has patched the module `threading`, or which exception is
 * raised in the calling thread. Helpers may only touch memory that outlives the call.
 *
 * A forked child has none of its parent's helpers, so a process only ever waits for its own.
 */
#ifndef ONENEURON_HELPERS_H
#define ONENEURON_HELPERS_H

#include <Python.h>
#include <pythread.h>
#include <stdint.h>

#include "waiting.h"

#if defined(_WIN32)
static inline int64_t process_id(void) { return 0; } /* there is no fork */
#else
#include <unistd.h>
static inline int64_t process_id(void) { return (int64_t)getpid(); }
#endif

/* A helper must save more time than it takes to start. */
static const double LEAST_SECONDS_FOR_A_HELPER = 2e-4;

enum { MOST_HELPERS = 255 };
#define NOT_STARTED ((unsigned long)-1) /* Python's name for it is not in the stable ABI */

typedef struct Helper {
    struct Crew *crew;
    int64_t rank;
} Helper;

/* The helpers of one call. It must be on the heap: if the interpreter ends during the call, the
 * calling thread's stack is gone before the helpers are. */
typedef struct Crew {
    void (*work)(void *context, int64_t rank);
    void *context;
    int64_t process; /* the process in which the helpers run */
    int64_t started;
    int64_t ended;
    Helper helpers[MOST_HELPERS];
} Crew;

static void run_helper(void *argument) {
    Helper *helper = (Helper *)argument;
    Crew *crew = helper->crew;
    crew->work(crew->context, helper->rank);
    ADD(&crew->ended, 1); /* the last access to the crew, which may be freed now */
}

/* Run `work` on `count` helpers of rank 1, 2, ..., or fewer if the system refuses more threads. */
static inline void start_helpers(
    Crew *crew, void (*work)(void *context, int64_t rank), void *context, int64_t count
) {
    crew->work = work;
    crew->context = context;
    crew->process = process_id();
    crew->started = 0;
    STORE(&crew->ended, 0);
    for (int64_t i = 0; i < count && i < MOST_HELPERS; i++) {
        crew->helpers[i].crew = crew;
        crew->helpers[i].rank = i + 1;
        if (PyThread_start_new_thread(run_helper, &crew->helpers[i]) == NOT_STARTED) break;
        crew->started++;
    }
}

/* Whether helpers were started, and in this process: a fork leaves them behind. */
static inline int helpers_exist(const Crew *crew) {
    return crew->started > 0 && crew->process == process_id();
}

/* Wait until all helpers have returned from `work`. */
static inline void join_helpers(Crew *crew) {
    int64_t waits = 0;
    while (LOAD(&crew->ended) < crew->started && helpers_exist(crew)) wait_a_little(&waits);
    crew->started = 0;
}

#endif
