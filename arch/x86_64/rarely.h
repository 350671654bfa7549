/* SPDX-License-Identifier: MIT
 *
 * Calls that hardly ever happen in the middle of short functions. A call
 * changes half of the registers, so a function that may make one keeps what it
 * needs in the other half, which it has to save each time; here, who is called
 * saves, and so the others pay nothing.
 */
#ifndef ARCH_X86_64_RARELY_H
#define ARCH_X86_64_RARELY_H

/* fn(arg). */
static inline void arch_call_rarely(void (*fn)(void *), void *arg)
{
#if defined(ENCLOS_KERNEL) && !defined(ENCLOS_UNIT)
    __asm__ volatile("call arch_rare_call" /* switch.S */
                     : "+a"(fn), "+D"(arg)
                     :
                     : "memory", "cc");
#else /* there may be something below the stack pointer */
    fn(arg);
#endif
}

#endif
