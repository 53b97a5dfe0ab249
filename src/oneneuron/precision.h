/* precision.h: the kernel's numbers, double or (with -DSINGLE) float, and what depends on that. */
#ifndef ONENEURON_PRECISION_H
#define ONENEURON_PRECISION_H

#include <stdint.h>

/* 2^r = (even + r odd) / (even - r odd) for |r| <= 1/2, where even and odd are polynomials in r^2,
 * here highest power first. Minimax in the relative error of 2^r, which is given, before rounding.
 * Both may be scaled as one likes; of these scales the roundings are small: p within 2.3 ulps, in
 * float within 3.
 *
 * LOG: -log(1 - q) / q for 0 <= q <= 1/2, minimax likewise. */
#if defined(SINGLE)
typedef float real;
typedef int32_t real_bits;
enum { FRACTION_BITS = 23, DEGREE = 1 }; /* 1.2e-10 */
static const real ODD[DEGREE + 1] = {0.00347118335776031f, 0.4341404139995575f};
static const real EVEN[DEGREE + 1] = {0.060169510543346405f, 1.2526644468307495f};
enum { LOG_DEGREE = 8 }; /* 2.3e-8 */
static const real LOG[LOG_DEGREE + 1] = {
    1.4410695553747026f, -1.6957340453515288f, 1.2576056387489947f, -0.2035115583883308f,
    0.2696063132520405f, 0.24280589286829965f, 0.3337005649112908f, 0.4999928536980205f, 1.0f,
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
enum { LOG_DEGREE = 19 }; /* 4.1e-17 */
static const real LOG[LOG_DEGREE + 1] = {
    20.819676668207208, -82.91950021659716, 156.74016341056137, -183.45185718921326,
    148.37855282012742, -87.28951352221736, 38.73473629143128, -13.005192830614156,
    3.4955606413663762, -0.5962170993981797, 0.20635187339592298, 0.09858995835726186,
    0.12610225654553003, 0.14278642671654107, 0.16666985160499254, 0.19999990471688645,
    0.25000000173838177, 0.3333333333165869, 0.500000000000064, 1.0,
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
