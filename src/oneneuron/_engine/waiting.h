/* waiting.h: atomic access to memory that threads share, and ways to wait for a change of it. */
#ifndef ONENEURON_WAITING_H
#define ONENEURON_WAITING_H

#include <stdint.h>

/* Long calls give Python a turn about this often, for Ctrl-C and other threads. */
enum { TURN_MILLISECONDS = 40 };

#if defined(_MSC_VER) && !defined(__clang__)
#include <windows.h>
#define LOAD(at) ((int64_t)ReadAcquire64((const volatile LONG64 *)(at)))
#define STORE(at, value) WriteRelease64((volatile LONG64 *)(at), (value))
#define ADD(at, value) InterlockedExchangeAdd64((volatile LONG64 *)(at), (value))
#define SWAP(at, old, new) \
    (InterlockedCompareExchange64((volatile LONG64 *)(at), (new), (old)) == (old))
#else
#define LOAD(at) __atomic_load_n((at), __ATOMIC_ACQUIRE)
#define STORE(at, value) __atomic_store_n((at), (value), __ATOMIC_RELEASE)
#define ADD(at, value) __atomic_fetch_add((at), (value), __ATOMIC_ACQ_REL)
#define SWAP(at, old, new) \
    __atomic_compare_exchange_n((at), &(old), (new), 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)
#endif

#if defined(_WIN32)
#include <windows.h>
static inline void yield_core(void) { SwitchToThread(); }
static inline void nap(void) { Sleep(1); }
static inline int64_t milliseconds(void) { return (int64_t)GetTickCount64(); }
#else
#include <sched.h>
#include <time.h>
static inline void yield_core(void) { sched_yield(); }
static inline void nap(void) {
    struct timespec span = {0, 50000};
    nanosleep(&span, 0);
}
static inline int64_t milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
#endif

#if defined(__x86_64__)
static inline void pause_core(void) { __builtin_ia32_pause(); }
#elif defined(__aarch64__)
static inline void pause_core(void) { __asm__ volatile("isb"); }
#else
static inline void pause_core(void) {}
#endif

/* Read and write a number that helpers may copy while the leader is replacing it. */
static inline double get(const double *at) {
#if defined(_MSC_VER) && !defined(__clang__)
    return *(const volatile double *)at;
#else
    double value;
    __atomic_load(at, &value, __ATOMIC_RELAXED);
    return value;
#endif
}
static inline void put(double *at, double value) {
#if defined(_MSC_VER) && !defined(__clang__)
    *(volatile double *)at = value;
#else
    __atomic_store(at, &value, __ATOMIC_RELAXED);
#endif
}

/* Wait briefly, and longer the more often the caller has waited before. What it waits for may need
 * this very core. So it yields the core after about 20 us, and naps after about 100 us more. */
static inline void wait_a_little(int64_t *waits) {
    *waits += 1;
    if (*waits < 1000) pause_core();
    else if (*waits < 1200) yield_core();
    else nap();
}

#endif
