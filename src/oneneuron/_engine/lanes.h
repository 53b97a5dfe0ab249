/* lanes.h: one vector of reals, as wide as the instruction set this file is compiled for.
 *
 * C's own + - * / work on `lanes`, lane by lane; the functions below are the rest of what the
 * kernel and the moments need. Nothing is left to the compiler, which may vectorise one loop and
 * not the next. Every operation rounds once, so a lane holds the same bits at any width. Only
 * multiply_add rounds twice, where the target has no fused instruction.
 */
#ifndef ONENEURON_LANES_H
#define ONENEURON_LANES_H

#include "precision.h"

#if (defined(__GNUC__) || defined(__clang__)) && (defined(__SSE2__) || defined(__aarch64__))

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX2__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif
typedef real lanes __attribute__((vector_size(VECTOR_BYTES)));
typedef real unaligned __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(real)), may_alias));
typedef real_bits lanes_bits __attribute__((vector_size(VECTOR_BYTES)));
typedef real_unsigned_bits lanes_unsigned __attribute__((vector_size(VECTOR_BYTES)));
enum { WIDTH = VECTOR_BYTES / sizeof(real) };

static inline lanes splat(real x) { return x - (lanes){0}; }
static inline lanes load(const real *x) { return *(const unaligned *)x; }
static inline void store(real *x, lanes a) { *(unaligned *)x = a; }
static inline void fetch(const real *x) { __builtin_prefetch(x); }

/* Return a * 2**n, with n, the whole number in the low bits of `k`, added to a's exponent field. */
static inline lanes shift_exponent(lanes a, lanes k) {
    return (lanes)((lanes_bits)a + ((lanes_bits)k << FRACTION_BITS));
}

/* The power of two that takes `a`, a positive normal number, to between 1/sqrt(2) and sqrt(2). */
static inline lanes power_to_one(lanes a) {
    const lanes_unsigned exponents = (lanes_unsigned)(a * SQRT_2) >> FRACTION_BITS;
    return (lanes)((2 * EXPONENT_BIAS - exponents) << FRACTION_BITS);
}

/* The k of a = 2**k. */
static inline lanes exponent(lanes a) {
    const lanes_unsigned rounder = (lanes_unsigned)splat(ROUNDER);
    return (lanes)(rounder + ((lanes_unsigned)a >> FRACTION_BITS)) - (ROUNDER + EXPONENT_BIAS);
}

#if defined(__SSE2__)
#include <immintrin.h>
#if defined(SINGLE)
#define OF_TYPE(operation) operation##_ps
#else
#define OF_TYPE(operation) operation##_pd
#endif
#if defined(__AVX512F__)
#define SIMD(operation) OF_TYPE(_mm512_##operation)
#if defined(SINGLE)
#define UNLESS_GREATER(a, b) _mm512_cmp_ps_mask(a, b, _CMP_NGT_UQ)
#else
#define UNLESS_GREATER(a, b) _mm512_cmp_pd_mask(a, b, _CMP_NGT_UQ)
#endif
#elif defined(__AVX2__)
#define SIMD(operation) OF_TYPE(_mm256_##operation)
#else
#define SIMD(operation) OF_TYPE(_mm_##operation)
#endif
#define MIN(a, b) SIMD(min)(b, a) /* the second operand where one is NaN */
#define MAX(a, b) SIMD(max)(b, a)
#if defined(__FMA__)
#define FMA(a, b, c) SIMD(fmadd)(a, b, c)
#else
#define FMA(a, b, c) ((a) * (b) + (c))
#endif
#else
#include <arm_neon.h>
#if defined(SINGLE)
#define SIMD(operation) operation##_f32
#else
#define SIMD(operation) operation##_f64
#endif
#define MIN(a, b) SIMD(vminq)(a, b)
#define MAX(a, b) SIMD(vmaxq)(a, b)
#define FMA(a, b, c) SIMD(vfmaq)(c, a, b)
#endif

/* A NaN in `a` stays a NaN. */
static inline lanes clamp(lanes low, lanes a, lanes high) { return MAX(MIN(a, high), low); }
static inline lanes lesser(lanes a, lanes b) { return MIN(a, b); }
static inline lanes greater(lanes a, lanes b) { return MAX(a, b); }
static inline lanes multiply_add(lanes a, lanes b, lanes c) { return FMA(a, b, c); }

/* Add x to the total, except in lanes where a > b. */
static inline lanes add_unless_greater(lanes total, lanes x, lanes a, lanes b) {
#if defined(__AVX512F__)
    return OF_TYPE(_mm512_mask_add)(total, UNLESS_GREATER(a, b), total, x);
#else
    return total + (lanes)(~(lanes_bits)(a > b) & (lanes_bits)x);
#endif
}

#else /* vector extensions are unknown: vectors have one lane */

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
static inline lanes lesser(lanes a, lanes b) { return a > b ? b : a; }
static inline lanes greater(lanes a, lanes b) { return a < b ? b : a; }
static inline lanes add_unless_greater(lanes total, lanes x, lanes a, lanes b) {
    return a > b ? total : total + x;
}
static inline lanes shift_exponent(lanes a, lanes k) {
    real_bits bits, shift;
    memcpy(&bits, &a, sizeof bits);
    memcpy(&shift, &k, sizeof shift);
    bits = (real_bits)((uint64_t)bits + ((uint64_t)shift << FRACTION_BITS));
    memcpy(&a, &bits, sizeof a);
    return a;
}
static inline lanes power_to_one(lanes a) {
    int k;
    frexp(a * SQRT_2, &k);
    return (real)ldexp(1.0, 1 - k);
}
static inline lanes exponent(lanes a) {
    int k;
    frexp(a, &k);
    return (real)(k - 1);
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

/* The number of vectors that hold the LANES partial sums of one sum. */
enum { VECTORS = LANES / WIDTH };

#endif
