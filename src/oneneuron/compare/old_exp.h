/* glibc 2.29 has a new version of exp, which leaves errno alone. The first one computes the same,
   as fast, and a wheel that asks for it runs on older systems too. */

#include <features.h>

#if defined(__GLIBC__) && defined(__x86_64__) && defined(__LP64__)
__asm__(".symver exp, exp@GLIBC_2.2.5");
#elif defined(__GLIBC__) && defined(__aarch64__)
__asm__(".symver exp, exp@GLIBC_2.17");
#endif
