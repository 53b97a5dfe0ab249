/* sharing.h: how the threads of a descent share its blocks, without one ever waiting long.
 *
 * One thread leads: it alone updates the parameters and opens a step, by storing its number in
 * `stage`. Whoever sees that may claim blocks and hand in their sums. Each block has a mark,
 * 4 * step + phase, that only rises: claimed, held (its sums are being written), handed in.
 *
 * A helper that the system has put to sleep over a claimed block holds nobody up: the leader sums
 * that block again, to the same bits, and what the helper hands in later is refused, as the mark
 * is higher by then. So helpers can only help, also where the cores are busy with other work.
 */
#ifndef ONENEURON_SHARING_H
#define ONENEURON_SHARING_H

#include <stdint.h>

#include "precision.h"

#if defined(_MSC_VER) && !defined(__clang__)
#include <windows.h>
#define LOAD(at) ((int64_t)ReadAcquire64((const volatile LONG64 *)(at)))
#define STORE(at, value) WriteRelease64((volatile LONG64 *)(at), (value))
#define SWAP(at, old, new) (InterlockedCompareExchange64((at), (new), (old)) == (old))
#else
#define LOAD(at) __atomic_load_n((at), __ATOMIC_ACQUIRE)
#define STORE(at, value) __atomic_store_n((at), (value), __ATOMIC_RELEASE)
#define SWAP(at, old, new) \
    __atomic_compare_exchange_n((at), &(old), (new), 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)
#endif

#if defined(_WIN32)
#include <windows.h>
static inline void yield_core(void) { SwitchToThread(); }
static inline void nap(void) { Sleep(1); }
#else
#include <sched.h>
#include <time.h>
static inline void yield_core(void) { sched_yield(); }
static inline void nap(void) {
    struct timespec span = {0, 50000};
    nanosleep(&span, 0);
}
#endif

#if defined(__x86_64__)
static inline void pause_core(void) { __builtin_ia32_pause(); }
#elif defined(__aarch64__)
static inline void pause_core(void) { __asm__ volatile("isb"); }
#else
static inline void pause_core(void) {}
#endif

enum { CLAIMED = 1, HELD = 2, HANDED_IN = 3 }; /* phases of a block */
enum { MUSTERED = -2, DISMISSED = -1 };  /* stages that are no step */

/* Raise a block's mark; false if it is as high already, or somebody else was quicker. */
static inline int raise_mark(int64_t *mark, int64_t step, int64_t phase, int alone) {
    int64_t seen = LOAD(mark), raised = 4 * step + phase;
    if (seen >= raised) return 0;
    if (!alone) return SWAP(mark, seen, raised);
    STORE(mark, raised);
    return 1;
}

/* Wait until a block is in; false after so many pauses, which below zero never end. */
static inline int await_block(const int64_t *mark, int64_t step, int64_t pauses) {
    for (; LOAD(mark) < 4 * step + HANDED_IN; pauses--) {
        if (pauses == 0) return 0;
        if (pauses > 0) pause_core();
        else yield_core();
    }
    return 1;
}

static inline void open_step(int64_t *stage, int64_t step) { STORE(stage, step); }
static inline int is_open(const int64_t *stage, int64_t step) { return LOAD(stage) == step; }

/* Wait until another step than `last` is open. A leader that is gone for long may need this very
 * core: so a helper yields it after some 20 us, and naps after some 100 more. */
static inline int64_t await_step(const int64_t *stage, int64_t last) {
    int64_t step, waits = 0;
    while ((step = LOAD(stage)) == last) {
        waits++;
        if (waits < 1000) pause_core();
        else if (waits < 1200) yield_core();
        else nap();
    }
    return step;
}

/* A number that helpers copy while the leader may be writing the next one. */
static inline real get(const real *at) {
#if defined(_MSC_VER) && !defined(__clang__)
    return *(const volatile real *)at;
#else
    real value;
    __atomic_load(at, &value, __ATOMIC_RELAXED);
    return value;
#endif
}
static inline void put(real *at, real value) {
#if defined(_MSC_VER) && !defined(__clang__)
    *(volatile real *)at = value;
#else
    __atomic_store(at, &value, __ATOMIC_RELAXED);
#endif
}

#endif
