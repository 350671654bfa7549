/* SPDX-License-Identifier: MIT
 *
 * sysinfo and what the C library makes of it and of /proc and /sys: sane
 * figures that agree with one another.
 */
#include <sys/sysinfo.h>
#include "tests/guest/show.h"

int main(void)
{
    struct sysinfo si;

    show_start();
    CALL(sysinfo, &si);
    unsigned long unit = si.mem_unit ? si.mem_unit : 1;
    printf("uptime %d processes %d unit %d\n", si.uptime >= 0, si.procs > 0,
           si.mem_unit > 0);
    printf("memory %d free %d swap %d\n", si.totalram * unit > 10 << 20,
           si.freeram <= si.totalram, si.freeswap <= si.totalswap);
    CALL(sysinfo, BAD);
    printf("pages %d available %d\n", sysconf(_SC_PHYS_PAGES) * 4096 > 10 << 20,
           sysconf(_SC_AVPHYS_PAGES) <= sysconf(_SC_PHYS_PAGES));
    printf("processors %d\n",
           sysconf(_SC_NPROCESSORS_ONLN) >= 1 &&
               sysconf(_SC_NPROCESSORS_CONF) >= sysconf(_SC_NPROCESSORS_ONLN));
    printf("page %ld ticks %ld files %d\n", sysconf(_SC_PAGESIZE),
           sysconf(_SC_CLK_TCK), sysconf(_SC_OPEN_MAX) > 100);
    return 0;
}
