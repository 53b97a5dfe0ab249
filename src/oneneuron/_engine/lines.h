/* lines.h: gather a cache line of values from memory, and write it at once.
 *
 * Before a processor writes to memory, it reads the line in question into its cache. If it is told
 * that the whole line is to be replaced and not needed soon, it reads nothing. That saves a third
 * of the traffic when much is copied. Any x86-64 can do it; elsewhere, lines are written as usual.
 */
#ifndef ONENEURON_LINES_H
#define ONENEURON_LINES_H

#include <stdint.h>
#include <string.h>

static inline double double_at(const char *x) { /* which may be unaligned */
    double value;
    memcpy(&value, x, sizeof(value));
    return value;
}

static inline float float_at(const char *x) {
    float value;
    memcpy(&value, x, sizeof(value));
    return value;
}

#if defined(__SSE2__) || defined(_M_X64)
#include <emmintrin.h>

static inline void store_two(double *out, __m128d values, int bypass) {
    if (bypass) _mm_stream_pd(out, values);
    else _mm_store_pd(out, values);
}

static inline void store_four(float *out, __m128 values, int bypass) {
    if (bypass) _mm_stream_ps(out, values);
    else _mm_store_ps(out, values);
}

/* Write the eight values at x + stride * rows[i] to the line `out`; past the caches if `bypass` is
 * not 0. */
static inline void write_double_line(
    const char *x, int64_t stride, const int32_t *rows, double *out, int bypass
) {
    for (int i = 0; i < 8; i += 2) {
        __m128d two = _mm_set_pd(
            double_at(x + stride * rows[i + 1]), double_at(x + stride * rows[i])
        );
        store_two(out + i, two, bypass);
    }
}

/* The same for sixteen values in single precision. */
static inline void write_float_line(
    const char *x, int64_t stride, const int32_t *rows, float *out, int bypass
) {
    for (int i = 0; i < 16; i += 4) {
        __m128 four = _mm_set_ps(
            float_at(x + stride * rows[i + 3]), float_at(x + stride * rows[i + 2]),
            float_at(x + stride * rows[i + 1]), float_at(x + stride * rows[i])
        );
        store_four(out + i, four, bypass);
    }
}

/* Write the eight values at x + offsets[i] to the line `out`, and the values right after them to
 * the line `out + tile`. */
static inline void write_double_lines(
    const char *x, const int64_t *offsets, int64_t tile, double *out, int bypass
) {
    for (int i = 0; i < 8; i += 2) {
        __m128d a = _mm_loadu_pd((const double *)(x + offsets[i]));
        __m128d b = _mm_loadu_pd((const double *)(x + offsets[i + 1]));
        store_two(out + i, _mm_unpacklo_pd(a, b), bypass);
        store_two(out + tile + i, _mm_unpackhi_pd(a, b), bypass);
    }
}

/* Write four lines of sixteen values in the same way. */
static inline void write_float_lines(
    const char *x, const int64_t *offsets, int64_t tile, float *out, int bypass
) {
    for (int i = 0; i < 16; i += 4) {
        __m128 a = _mm_loadu_ps((const float *)(x + offsets[i]));
        __m128 b = _mm_loadu_ps((const float *)(x + offsets[i + 1]));
        __m128 c = _mm_loadu_ps((const float *)(x + offsets[i + 2]));
        __m128 d = _mm_loadu_ps((const float *)(x + offsets[i + 3]));
        _MM_TRANSPOSE4_PS(a, b, c, d);
        store_four(out + i, a, bypass);
        store_four(out + tile + i, b, bypass);
        store_four(out + 2 * tile + i, c, bypass);
        store_four(out + 3 * tile + i, d, bypass);
    }
}

static inline void fetch_line(const char *x) { _mm_prefetch(x, _MM_HINT_T0); }

/* Let other threads see all lines before anything that is written later. */
static inline void finish_lines(void) { _mm_sfence(); }

#else

static inline void write_double_line(
    const char *x, int64_t stride, const int32_t *rows, double *out, int bypass
) {
    (void)bypass;
    for (int i = 0; i < 8; i++) out[i] = double_at(x + stride * rows[i]);
}

static inline void write_float_line(
    const char *x, int64_t stride, const int32_t *rows, float *out, int bypass
) {
    (void)bypass;
    for (int i = 0; i < 16; i++) out[i] = float_at(x + stride * rows[i]);
}

static inline void write_double_lines(
    const char *x, const int64_t *offsets, int64_t tile, double *out, int bypass
) {
    (void)bypass;
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 2; j++) out[tile * j + i] = double_at(x + offsets[i] + 8 * j);
}

static inline void write_float_lines(
    const char *x, const int64_t *offsets, int64_t tile, float *out, int bypass
) {
    (void)bypass;
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 4; j++) out[tile * j + i] = float_at(x + offsets[i] + 4 * j);
}

static inline void fetch_line(const char *x) { (void)x; }

static inline void finish_lines(void) {}

#endif
#endif
