/* sharing.h: how threads share the chunks of a pass, without any of them waiting long for another.
 *
 * One thread, the leader, starts a pass by storing its number in `current`. Threads that see this
 * number may claim chunks of the samples and publish their sums. Each chunk has a mark,
 * 4 * pass + state, that only rises: claimed, being written, published.
 *
 * A helper that the system has put to sleep over a claimed chunk holds nobody up. The leader sums
 * that chunk again, to the same bits, and what the helper offers later is refused, since the mark
 * is higher by then. So helpers never delay a pass by much, even where cores are busy otherwise.
 */
#ifndef ONENEURON_SHARING_H
#define ONENEURON_SHARING_H

#include <stdint.h>

#include "helpers.h"
#include "waiting.h"

enum { CLAIMED = 1, WRITING = 2, PUBLISHED = 3 }; /* states of a chunk in a pass */
enum { NO_PASS = -2, LAST_PASS = -1 };            /* before the first pass, and after the last */

/* Raise a chunk's mark; false if it is as high already, or another thread was quicker. `is_alone`
 * says that no other thread can raise it now, which saves an atomic exchange. */
static inline int raise_mark(int64_t *mark, int64_t pass, int64_t state, int is_alone) {
    int64_t seen = LOAD(mark), raised = 4 * pass + state;
    if (seen >= raised) return 0;
    if (!is_alone) return SWAP(mark, seen, raised);
    STORE(mark, raised);
    return 1;
}

/* Wait until a chunk is published; false after this many pauses. */
static inline int await_chunk(const int64_t *mark, int64_t pass, int64_t pauses) {
    for (; LOAD(mark) < 4 * pass + PUBLISHED; pauses--) {
        if (pauses == 0) return 0;
        pause_core();
    }
    return 1;
}

/* Wait for a helper that is writing a chunk's sums; false if it no longer exists after a fork. */
static inline int await_writer(const int64_t *mark, int64_t pass, const Crew *crew) {
    int64_t waits = 0;
    while (LOAD(mark) < 4 * pass + PUBLISHED) {
        if (!helpers_exist(crew)) return 0;
        wait_a_little(&waits);
    }
    return 1;
}

static inline void set_current(int64_t *current, int64_t pass) { STORE(current, pass); }
static inline int is_current(const int64_t *current, int64_t pass) { return LOAD(current) == pass; }

/* Wait until another pass than `last` is current, and return it. */
static inline int64_t await_pass(const int64_t *current, int64_t last) {
    int64_t pass, waits = 0;
    while ((pass = LOAD(current)) == last) wait_a_little(&waits);
    return pass;
}

#endif
