/* lanes.h: one vector of doubles, as wide as the instruction set this file is compiled for.
 *
 * C's own + - * / work on `lanes`, lane by lane; the functions below are the rest of what the
 * kernel needs. Nothing is left to the compiler's vectoriser, which takes one loop and leaves
 * the next. Every operation rounds once, so a lane holds the same bits at any width; only
 * multiply_add rounds twice where the target has no fused instruction.
 */
#ifndef ONENEURON_LANES_H
#define ONENEURON_LANES_H

#if defined(__GNUC__) && defined(__SSE2__)

#include <immintrin.h>
#if defined(__AVX512F__)
enum { WIDTH = 8 };
typedef __m512d lanes;
typedef __m512i lanes_bits;
#define SIMD(operation) _mm512_##operation
#elif defined(__AVX2__)
enum { WIDTH = 4 };
typedef __m256d lanes;
typedef __m256i lanes_bits;
#define SIMD(operation) _mm256_##operation
#else
enum { WIDTH = 2 };
typedef __m128d lanes;
typedef __m128i lanes_bits;
#define SIMD(operation) _mm_##operation
#endif

static inline lanes splat(double x) { return SIMD(set1_pd)(x); }
static inline lanes load(const double *x) { return SIMD(loadu_pd)(x); }
static inline void store(double *x, lanes a) { SIMD(storeu_pd)(x, a); }

/* x86 gives the second operand where one is NaN, so a NaN in `a` comes through. */
static inline lanes clamp(lanes low, lanes a, lanes high) {
    return SIMD(max_pd)(low, SIMD(min_pd)(high, a));
}

static inline lanes one_where_greater(lanes a, lanes b) {
    return (lanes)((lanes_bits)(a > b) & (lanes_bits)splat(1.0));
}

/* Multiply by 2**k, k the whole number in the low bits of `k`: into a's exponent field. */
static inline lanes shift_exponent(lanes a, lanes k) {
    return (lanes)((lanes_bits)a + ((lanes_bits)k << 52));
}

static inline lanes multiply_add(lanes a, lanes b, lanes c) {
#if defined(__FMA__)
    return SIMD(fmadd_pd)(a, b, c);
#else
    return a * b + c;
#endif
}

#else /* no x86 vectors: a vector of one */

#include <math.h>
#include <stdint.h>
#include <string.h>
enum { WIDTH = 1 };
typedef double lanes;

static inline lanes splat(double x) { return x; }
static inline lanes load(const double *x) { return *x; }
static inline void store(double *x, lanes a) { *x = a; }
static inline lanes clamp(lanes low, lanes a, lanes high) {
    return a < low ? low : a > high ? high : a;
}
static inline lanes one_where_greater(lanes a, lanes b) { return a > b ? 1.0 : 0.0; }
static inline lanes shift_exponent(lanes a, lanes k) {
    uint64_t bits, shift;
    memcpy(&bits, &a, sizeof bits);
    memcpy(&shift, &k, sizeof shift);
    bits += shift << 52;
    memcpy(&a, &bits, sizeof a);
    return a;
}
static inline lanes multiply_add(lanes a, lanes b, lanes c) {
#if defined(__FP_FAST_FMA)
    return fma(a, b, c);
#else
    return a * b + c;
#endif
}

#endif

/* A tile's samples, the partial sums kept apart for each total, and what follows for vectors:
 * VECTORS to a row of a tile; each total has PARTS vectors, which each takes ROUNDS of them. */
enum { TILE = 32, LANES = 8, VECTORS = TILE / WIDTH, PARTS = LANES / WIDTH, ROUNDS = TILE / LANES };

#endif
