/* precision.h: the kernel's numbers, double or (with -DSINGLE) float, and what depends on that. */
#ifndef ONENEURON_PRECISION_H
#define ONENEURON_PRECISION_H

#include <stdint.h>

/* tools/precision_constants.py computes these coefficients and says how they were chosen.
 *
 * 2^r = (even + r odd) / (even - r odd) for |r| <= 1/2, where even and odd are polynomials in r^2,
 * highest power first. The comments give the largest relative error of 2^r with these numbers. It
 * leaves p within 2.3 ulps, in float within 3.
 *
 * LOG is 2 artanh(s) / s as a polynomial in s^2 for |s| <= 0.172, which is where s = (1 - w) / (1 + w)
 * is for w from 1/sqrt(2) to sqrt(2). The comments give its largest relative error before the
 * coefficients are rounded. */
#if defined(SINGLE)
typedef float real;
typedef int32_t real_bits;
typedef uint32_t real_unsigned_bits;
enum { EXPONENT_BIAS = 127 };
enum { FRACTION_BITS = 23, DEGREE = 1 }; /* 1.2e-10 */
static const real ODD[DEGREE + 1] = {0.00347118335776031f, 0.4341404139995575f};
static const real EVEN[DEGREE + 1] = {0.060169510543346405f, 1.2526644468307495f};
enum { LOG_DEGREE = 3 }; /* 6.9e-10 */
static const real LOG[LOG_DEGREE + 1] = {
    0.29925650358200073f, 0.39974793791770935f, 0.666668176651001f, 2.0f,
};
#else
typedef double real;
typedef int64_t real_bits;
typedef uint64_t real_unsigned_bits;
enum { EXPONENT_BIAS = 1023 };
enum { FRACTION_BITS = 52, DEGREE = 2 }; /* 2.3e-18 */
static const real ODD[DEGREE + 1] = {
    9.7186844637291631e-06, 0.0085019073112183232, 0.63711778346468306,
};
static const real EVEN[DEGREE + 1] = {
    0.00042084346477776701, 0.098134051580838461, 1.8383333333333334,
};
enum { LOG_DEGREE = 7 }; /* 1.1e-18 */
static const real LOG[LOG_DEGREE + 1] = {
    0.14810529835259686, 0.15312443766477946, 0.18183635093352954, 0.22222196988277934,
    0.28571428761346196, 0.39999999999298885, 0.6666666666666765, 2.0,
};
#endif
static const real LN_2 = (real)0.6931471805599453, SQRT_2 = (real)1.4142135623730951;

/* 1.5 * 2**FRACTION_BITS: t + ROUNDER has round(t) in its low bits. */
static const real ROUNDER = (real)((real_bits)3 << (FRACTION_BITS - 1));

/* t below LOW makes 1 - p, and above HIGH makes p^2, no longer a normal number. */
#if defined(SINGLE)
static const real LOW = -124.0f, HIGH = 62.0f;
#else
static const real LOW = -1020.0, HIGH = 510.0;
#endif

/* The smallest normal number. */
#if defined(SINGLE)
static const real LEAST = 0x1p-126f;
#else
static const real LEAST = 0x1p-1022;
#endif

/* A sum of several f that is below this may contain a clamped f that changes its last digits. */
#if defined(SINGLE)
static const real LEAST_SUM = 0x1p-90f;
#else
static const real LEAST_SUM = 0x1p-960;
#endif

/* 1 / (1 + exp(-z)), rounded after each operation, is above 1/2 only if z is above 1.5 / 2^b, where
 * b = FRACTION_BITS + 1. This is that bound times log2 e, rounded up. */
static const real TIE = (real)(1.5 * 1.45 / ((real_bits)2 << FRACTION_BITS));

/* A sum is kept as LANES partial sums, which fill a cache line. */
enum { LANES = 64 / sizeof(real) };

#endif
