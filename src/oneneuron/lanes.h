/* lanes.h: one vector of reals, as wide as the instruction set this file is compiled for.
 *
 * C's own + - * / work on `lanes`, lane by lane; the functions below are the rest of what the
 * kernel needs. Nothing is left to the compiler's vectoriser, which takes one loop and leaves
 * the next. Every operation rounds once, so a lane holds the same bits at any width; only
 * multiply_add rounds twice where the target has no fused instruction.
 */
#ifndef ONENEURON_LANES_H
#define ONENEURON_LANES_H

#include "precision.h"

#if defined(__GNUC__) && defined(__SSE2__)

#include <immintrin.h>
#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#define SIMD(operation) _mm512_##operation
#elif defined(__AVX2__)
#define VECTOR_BYTES 32
#define SIMD(operation) _mm256_##operation
#else
#define VECTOR_BYTES 16
#define SIMD(operation) _mm_##operation
#endif
#if defined(SINGLE)
#define OP(name) SIMD(name##_ps)
#else
#define OP(name) SIMD(name##_pd)
#endif
typedef real lanes __attribute__((vector_size(VECTOR_BYTES)));
typedef real_bits lanes_bits __attribute__((vector_size(VECTOR_BYTES)));
enum { WIDTH = VECTOR_BYTES / sizeof(real) };

static inline lanes splat(real x) { return (lanes)OP(set1)(x); }
static inline lanes load(const real *x) { return (lanes)OP(loadu)(x); }
static inline void store(real *x, lanes a) { OP(storeu)(x, a); }
static inline void fetch(const real *x) { _mm_prefetch((const char *)x, _MM_HINT_T0); }

/* x86 gives the second operand where one is NaN, so a NaN in `a` comes through. */
static inline lanes clamp(lanes low, lanes a, lanes high) {
    return (lanes)OP(max)(low, OP(min)(high, a));
}

static inline lanes one_where_greater(lanes a, lanes b) {
    return (lanes)((lanes_bits)(a > b) & (lanes_bits)splat(1));
}

/* Multiply by 2**k, k the whole number in the low bits of `k`: into a's exponent field. */
static inline lanes shift_exponent(lanes a, lanes k) {
    return (lanes)((lanes_bits)a + ((lanes_bits)k << FRACTION_BITS));
}

static inline lanes multiply_add(lanes a, lanes b, lanes c) {
#if defined(__FMA__)
    return (lanes)OP(fmadd)(a, b, c);
#else
    return a * b + c;
#endif
}

#else /* no x86 vectors: a vector of one */

#include <math.h>
#include <string.h>
typedef real lanes;
enum { WIDTH = 1 };

static inline lanes splat(real x) { return x; }
static inline lanes load(const real *x) { return *x; }
static inline void store(real *x, lanes a) { *x = a; }
static inline void fetch(const real *x) { (void)x; }
static inline lanes clamp(lanes low, lanes a, lanes high) {
    return a < low ? low : a > high ? high : a;
}
static inline lanes one_where_greater(lanes a, lanes b) { return a > b ? 1 : 0; }
static inline lanes shift_exponent(lanes a, lanes k) {
    real_bits bits, shift;
    memcpy(&bits, &a, sizeof bits);
    memcpy(&shift, &k, sizeof shift);
    bits = (real_bits)((uint64_t)bits + ((uint64_t)shift << FRACTION_BITS));
    memcpy(&a, &bits, sizeof a);
    return a;
}
static inline lanes multiply_add(lanes a, lanes b, lanes c) {
#if defined(__FP_FAST_FMA) && defined(SINGLE)
    return fmaf(a, b, c);
#elif defined(__FP_FAST_FMA)
    return fma(a, b, c);
#else
    return a * b + c;
#endif
}

#endif

/* What follows for vectors: VECTORS to a row of a tile; each total has PARTS vectors, and each of
 * these takes ROUNDS of a row's. */
enum { VECTORS = TILE / WIDTH, PARTS = LANES / WIDTH, ROUNDS = TILE / LANES };

#endif
