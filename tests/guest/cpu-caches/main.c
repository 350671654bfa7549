/* SPDX-License-Identifier: MIT
 *
 * /sys/devices/system/cpu/cpu0/cache says what CPUID says. Where there is no
 * such folder, only the words are printed.
 */
#include <cpuid.h>
#include "tests/guest/newer.h"
#include "tests/guest/show.h"

#define CACHE "/sys/devices/system/cpu/cpu0/cache"

static const char *value(int index, const char *name)
{
    static char text[64];
    char path[128];
    ssize_t n;
    int fd;

    snprintf(path, sizeof(path), CACHE "/index%d/%s", index, name);
    fd = open(path, O_RDONLY);
    n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = '\0';
    close(fd);
    return text;
}

static int cpuid(int index, unsigned r[4])
{
    unsigned leaf = 4;

    __cpuid_count(4, 0, r[0], r[1], r[2], r[3]);
    if (!(r[0] & 31)) {
        leaf = 0x8000001d;
    }
    return __get_cpuid_count(leaf, index, &r[0], &r[1], &r[2], &r[3]) &&
           r[0] & 31;
}

int main(void)
{
    static const char *const types[] = {"", "Data\n", "Instruction\n",
                                        "Unified\n"};
    int alike = 1, count = 0;
    char path[128];
    unsigned r[4];

    show_start();
    old = access(CACHE "/index0/level", R_OK) != 0;
    for (; cpuid(count, r); count++) {
        unsigned line = (r[1] & 0xfff) + 1, ways = (r[1] >> 22) + 1;
        unsigned parts = (r[1] >> 12 & 0x3ff) + 1, sets = r[2] + 1;

        alike &= atol(value(count, "level")) == (r[0] >> 5 & 7);
        alike &= atol(value(count, "coherency_line_size")) == line;
        alike &= atol(value(count, "ways_of_associativity")) == ways;
        alike &= atol(value(count, "number_of_sets")) == sets;
        alike &= atol(value(count, "size")) ==
                 (long)((uint64_t)line * ways * parts * sets / 1024);
        alike &= strcmp(value(count, "type"), types[r[0] & 3]) == 0;
        alike &= *value(count, "shared_cpu_list") != '\0';
    }
    snprintf(path, sizeof(path), CACHE "/index%d", count);
    must("all caches are there", access(path, F_OK) != 0);
    must("each is as CPUID says", alike);
    return 0;
}
