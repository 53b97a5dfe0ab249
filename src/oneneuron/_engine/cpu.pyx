"""The kernels that this processor supports. This module is compiled for the baseline."""

cdef extern from *:
    """
    #if !defined(__GNUC__) || !defined(__x86_64__)
    static int supports_v3(void) { return 0; }
    static int supports_v4(void) { return 0; }
    #elif defined(__clang__) && __clang_major__ < 18
    /* This clang knows features, not levels. A processor with these has the whole level. */
    #define HAS(feature) __builtin_cpu_supports(feature)
    static int supports_v3(void) {
        __builtin_cpu_init();
        return HAS("avx2") && HAS("fma") && HAS("bmi") && HAS("bmi2");
    }
    static int supports_v4(void) {
        return supports_v3() && HAS("avx512f") && HAS("avx512bw") && HAS("avx512cd")
            && HAS("avx512dq") && HAS("avx512vl");
    }
    #else
    static int supports_v3(void) {
        __builtin_cpu_init();
        return __builtin_cpu_supports("x86-64-v3") != 0;
    }
    static int supports_v4(void) {
        __builtin_cpu_init();
        return __builtin_cpu_supports("x86-64-v4") != 0;
    }
    #endif
    static const char *BUILT = BUILT_LEVELS;
    """
    bint supports_v3() noexcept
    bint supports_v4() noexcept
    const char *BUILT


def levels():
    """Return the levels that were built and that this processor supports, lowest first."""
    runs = {"plain": True, "v3": supports_v3(), "v4": supports_v4()}
    return tuple(level for level in BUILT.decode().split() if runs[level])
