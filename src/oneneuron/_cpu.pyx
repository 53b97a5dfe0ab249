"""Which kernels this processor runs; compiled for the baseline, so safe to ask anywhere."""

cdef extern from *:
    """
    #if defined(__GNUC__) && defined(__x86_64__)
    #define SUPPORTS(level) (__builtin_cpu_init(), !!__builtin_cpu_supports(level))
    #else
    #define SUPPORTS(level) 0
    #endif
    static int supports_v3(void) { return SUPPORTS("x86-64-v3"); }
    static int supports_v4(void) { return SUPPORTS("x86-64-v4"); }
    static const char *BUILT = BUILT_LEVELS;
    """
    bint supports_v3() noexcept
    bint supports_v4() noexcept
    const char *BUILT


def levels():
    """The levels that were built and that this processor and system run, lowest first."""
    runs = {"plain": True, "v3": supports_v3(), "v4": supports_v4()}
    return tuple(level for level in BUILT.decode().split() if runs[level])
