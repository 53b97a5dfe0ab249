/* precision.h: the kernel's numbers, double or (with -DSINGLE) float, and what depends on that. */
#ifndef ONENEURON_PRECISION_H
#define ONENEURON_PRECISION_H

#include <stdint.h>

/* 2**r on [-1/2, 1/2]: minimax with the last coefficient 1, highest power first. */
#if defined(SINGLE)
typedef float real;
typedef int32_t real_bits;
enum { FRACTION_BITS = 23, DEGREE = 6 }; /* error 3.0e-9 before rounding */
static const real EXP2[DEGREE + 1] = {
    1.5326471475418657e-04f, 1.3390806270763278e-03f, 9.618505835533142e-03f,
    5.550359934568405e-02f,  2.4022647738456726e-01f, 6.931471824645996e-01f, 1.0f,
};
#else
typedef double real;
typedef int64_t real_bits;
enum { FRACTION_BITS = 52, DEGREE = 11 }; /* error 1.8e-17 before rounding */
static const real EXP2[DEGREE + 1] = {
    4.078071929588337e-10,  7.072570412814423e-09,  1.0180647659234139e-07, 1.3215442675329823e-06,
    1.5252727385193868e-05, 1.540353044157213e-04,  1.3333558153439966e-03, 9.618129107607003e-03,
    5.550410866479039e-02,  2.4022650695910097e-01, 6.931471805599457e-01,  1.0,
};
#endif

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

/* A tile's row is four cache lines. A total is kept as LANES partial sums, one cache line. */
enum { TILE = 256 / sizeof(real), LANES = 64 / sizeof(real) };

#endif
