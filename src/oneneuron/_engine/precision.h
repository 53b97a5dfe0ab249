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
 * LOG is 2 artanh(s) / s as a polynomial in s^2 for 0 <= s <= 1/3. The comments give its largest
 * relative error before the coefficients are rounded. */
#if defined(SINGLE)
typedef float real;
typedef int32_t real_bits;
enum { FRACTION_BITS = 23, DEGREE = 1 }; /* 1.2e-10 */
static const real ODD[DEGREE + 1] = {0.00347118335776031f, 0.4341404139995575f};
static const real EVEN[DEGREE + 1] = {0.060169510543346405f, 1.2526644468307495f};
enum { LOG_DEGREE = 4 }; /* 4.0e-9 */
static const real LOG[LOG_DEGREE + 1] = {
    0.28178332630931335f, 0.27960607586142483f, 0.40024909530341324f, 0.6666631471232358f, 2.0f,
};
#else
typedef double real;
typedef int64_t real_bits;
enum { FRACTION_BITS = 52, DEGREE = 2 }; /* 2.3e-18 */
static const real ODD[DEGREE + 1] = {
    9.7186844637291631e-06, 0.0085019073112183232, 0.63711778346468306,
};
static const real EVEN[DEGREE + 1] = {
    0.00042084346477776701, 0.098134051580838461, 1.8383333333333334,
};
enum { LOG_DEGREE = 9 }; /* 4.6e-17 */
static const real LOG[LOG_DEGREE + 1] = {
    0.17797001264103154, 0.0987268497087399, 0.1359299039008183, 0.1536348739773085,
    0.1818287213259613, 0.22222190388512536, 0.28571429121835196, 0.3999999999517793,
    0.6666666666668303, 2.0,
};
#endif
static const real LN_2 = (real)0.6931471805599453;

/* 1.5 * 2**FRACTION_BITS: t + ROUNDER has round(t) in its low bits. */
static const real ROUNDER = (real)((real_bits)3 << (FRACTION_BITS - 1));

/* t below LOW makes 1 - p, and above HIGH makes p^2, no longer a normal number. */
#if defined(SINGLE)
static const real LOW = -124.0f, HIGH = 62.0f;
#else
static const real LOW = -1020.0, HIGH = 510.0;
#endif

/* f rounds to more than 1/2 only where z is above 1.5 units of 1's last bit; here times log2 e. */
static const real TIE = (real)(1.5 * 1.45 / ((real_bits)2 << FRACTION_BITS));

/* A sum is kept as LANES partial sums, one cache line. A tile has ROUNDS times as many samples, a
 * narrow tile LANES. */
enum { LANES = 64 / sizeof(real), ROUNDS = 4 };

#endif
