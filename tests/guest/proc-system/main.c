/* SPDX-License-Identifier: MIT
 *
 * /proc and /sys for the whole system: the files that libraries and tools
 * read, their shape, sane figures; and what may not be written.
 */
#include <math.h>
#include <sys/sysinfo.h>
#include "tests/guest/show.h"

static char text[65536];

static int has(const char *path, const char *what)
{
    int fd = open(path, O_RDONLY);
    long n = 0, r;

    if (fd < 0) {
        printf("%s: %s\n", path, strerrorname_np(errno));
        return 0;
    }
    memset(text, 0, sizeof(text));
    while (n < (long)sizeof(text) - 1 &&
           (r = read(fd, text + n, sizeof(text) - 1 - n)) > 0) {
        n += r;
    }
    close(fd);
    printf("%s: %s %d\n", path, what, strstr(text, what) != NULL);
    return 1;
}

static long number(const char *path)
{
    has(path, "\n");
    return atol(text);
}

static double after(const char *what)
{
    const char *at = strstr(text, what);

    return at ? atof(at + strlen(what)) : 0;
}

/* As sysinfo(2) has it. */
static void load(void)
{
    struct sysinfo info;
    double one, five, fifteen;
    int fields;

    has("/proc/loadavg", "/");
    fields = sscanf(text, "%lf %lf %lf", &one, &five, &fifteen);
    CALL(sysinfo, &info);
    printf("load %d %d %d\n", fields, fabs(one - info.loads[0] / 65536.0) < 1,
           fabs(fifteen - info.loads[2] / 65536.0) < 1);
}

/* What no 64-bit CPU lacks. */
static const char *const flags[] = {" fpu ",  " cx8 ",     " cmov ", " mmx ",
                                    " sse2 ", " syscall ", " nx ",   " lm "};

int main(void)
{
    double up, idle;

    show_start();
    has("/proc/version", "Linux version");
    has("/proc/meminfo", "MemTotal:");
    has("/proc/meminfo", "\nMemAvailable:");
    has("/proc/meminfo", "\nActive:");
    has("/proc/vmstat", "nr_free_pages ");
    has("/proc/vmstat", "\npgpgin ");
    has("/proc/vmstat", "\npswpout ");
    has("/proc/devices", "Character devices:\n  1 mem\n");
    has("/proc/devices", "\nBlock devices:\n");
    has("/proc/partitions", "major minor  #blocks  name\n\n");
    EXPECT(access("/proc/diskstats", R_OK) == 0);
    has("/proc/cpuinfo", "processor\t: 0");
    has("/proc/cpuinfo", "flags\t\t: ");
    has("/proc/cpuinfo", "\ncache size\t: ");
    has("/proc/cpuinfo", "\ncpuid level\t: ");
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        has("/proc/cpuinfo", flags[i]);
    }
    has("/proc/cpuinfo", "\nbugs\t\t:");
    has("/proc/cpuinfo", "\npower management:");
    printf("MHz %d, bogomips %d\n", after("\ncpu MHz\t\t: ") > 100,
           after("\nbogomips\t: ") > 200);
    has("/proc/stat", "cpu  ");
    has("/proc/stat", "\nbtime ");
    has("/proc/self/mounts", " /proc proc ");
    has("/proc/self/mountinfo", " /proc ");
    has("/proc/filesystems", "nodev\ttmpfs");
    load();
    has("/proc/uptime", ".");
    printf("uptime %d\n", sscanf(text, "%lf %lf", &up, &idle) == 2 && up > 0);
    has("/proc/self/cgroup", ":");
    has("/proc/sys/kernel/ostype", "Linux");
    has("/proc/sys/kernel/osrelease", ".");
    has("/proc/sys/kernel/hostname", "\n");
    printf("pid_max %d\n", number("/proc/sys/kernel/pid_max") >= 32768);
    printf("overcommit %d\n", number("/proc/sys/vm/overcommit_memory") <= 2);
    printf("pipe %ld\n", number("/proc/sys/fs/pipe-max-size"));
    printf("overflow %ld %ld\n", number("/proc/sys/fs/overflowuid"),
           number("/proc/sys/fs/overflowgid"));
    printf("namespaces %d\n",
           number("/proc/sys/user/max_user_namespaces") >= 0);
    has("/proc/sys/kernel/seccomp/actions_avail", " errno ");
    has("/proc/sys/kernel/printk", "\t");
    printf("dirty %d\n", number("/proc/sys/vm/dirty_ratio") <= 100);
    printf("file-max %d\n", number("/proc/sys/fs/file-max") > 1000);
    printf("random %d\n", number("/proc/sys/kernel/randomize_va_space") <= 2);
    title("refusals");
    CALL(open, "/proc/version", O_RDWR | O_CREAT, 0600);
    CALL(open, "/proc/nothing", O_RDONLY);
    CALL(open, "/proc/nothing", O_CREAT | O_RDWR, 0600);
    CALL(mkdir, "/proc/sys/x", 0755);
    CALL(unlink, "/proc/version");
    CALL(rename, "/proc/version", "/proc/version2");
    show_stat("/proc/sys/kernel/ostype");
    int fd = open("/proc/version", O_RDONLY);
    CALL(pread64, fd, text, 5L, 6L);
    printf("[%.5s]\n", text);
    CALL(lseek, fd, 3L, SEEK_SET);
    CALL(read, fd, text, 2L);
    printf("[%.2s]\n", text);
    return 0;
}
