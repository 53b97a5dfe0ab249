/* meeting.h: where the threads of a descent wait for each other.
 *
 * Each thread has a counter on a cache line of its own and raises it when it arrives; then it
 * reads the others until they have come as far. So a meeting costs one cache line's way from core
 * to core. Who waits for long may hold the very core that the other needs: after some spins it
 * yields, after YIELDING_NS it naps, as a thread that only yields can be handed the core back at
 * once, for milliseconds. (To nap sooner is worse: each is then late for the other, in turns.)
 *
 * The first thread gives up after PATIENCE_NS: the cores are busy with something else. It sets all
 * counters below zero, which dismisses the others; so may the caller, if it is interrupted.
 */
#ifndef ONENEURON_MEETING_H
#define ONENEURON_MEETING_H

#include <stdint.h>
#include <time.h>

#if defined(_MSC_VER) && !defined(__clang__)
#include <windows.h>
#define LOAD(at) ((int64_t)ReadAcquire64((const volatile LONG64 *)(at)))
#define STORE(at, value) WriteRelease64((volatile LONG64 *)(at), (value))
#define PAUSE() YieldProcessor()
#else
#define LOAD(at) __atomic_load_n((at), __ATOMIC_ACQUIRE)
#define STORE(at, value) __atomic_store_n((at), (value), __ATOMIC_RELEASE)
#if defined(__x86_64__)
#define PAUSE() __builtin_ia32_pause()
#else
#define PAUSE() ((void)0)
#endif
#endif

#if defined(_WIN32)
#include <windows.h>
static inline void yield_core(void) { SwitchToThread(); }
static inline void nap(void) { Sleep(1); }
#else
#include <sched.h>
static inline void yield_core(void) { sched_yield(); }
static inline void nap(void) {
    struct timespec span = {0, 50000};
    nanosleep(&span, 0);
}
#endif

enum { COUNTER_STRIDE = 8, SPINS = 100, YIELDING_NS = 100000, PATIENCE_NS = 2000000 };

static inline int64_t nanoseconds(void) {
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    return 1000000000 * (int64_t)now.tv_sec + now.tv_nsec;
}

/* Wait until a counter is `count`; false if it is below zero or, with `gives_up`, takes long. */
static inline int wait_for(const int64_t *counter, int64_t count, int gives_up) {
    int64_t seen, waited, start = 0;
    int spins = 0;
    while ((seen = LOAD(counter)) < count) {
        if (seen < 0) return 0;
        if (spins++ < SPINS) {
            PAUSE();
            continue;
        }
        if (start == 0) start = nanoseconds();
        waited = nanoseconds() - start;
        if (gives_up && waited > PATIENCE_NS) return 0;
        if (waited < YIELDING_NS) yield_core();
        else nap();
    }
    return 1;
}

/* Meet for the `count`th time; false if somebody was dismissed instead. */
static inline int meet(int64_t *counters, int64_t rank, int64_t num_threads, int64_t count) {
    int64_t i;
    STORE(counters + COUNTER_STRIDE * rank, count);
    for (i = 0; i < num_threads; i++)
        if (!wait_for(counters + COUNTER_STRIDE * i, count, rank == 0)) break;
    if (i == num_threads) return 1;
    if (rank == 0)
        for (i = 0; i < num_threads; i++) STORE(counters + COUNTER_STRIDE * i, -1);
    return 0;
}

#endif
