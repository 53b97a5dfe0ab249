/* Link to the oldest version of exp. glibc 2.29 added one that does not set errno, but computes the
   same at the same speed. A wheel that asks for the oldest version runs on older systems, too. */

#include <features.h>

#if defined(__GLIBC__) && defined(__x86_64__) && defined(__LP64__)
__asm__(".symver exp, exp@GLIBC_2.2.5");
#elif defined(__GLIBC__) && defined(__aarch64__)
__asm__(".symver exp, exp@GLIBC_2.17");
#endif
