/* SPDX-License-Identifier: MIT
 *
 * Shared, slave, private and unbindable mounts: what comes and goes with what,
 * which groups copies are in, what is refused.
 */
#include <sched.h>
#include <sys/mount.h>
#include "tests/guest/show.h"

enum { LINES = 64, NUMBERS = 32 };

static char lines[LINES][512];
static int numbers[NUMBERS];

static int by_text(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Groups are a, b, c... in the order in which they are printed. */
static char letter(int id)
{
    int i = 0;

    while (i < NUMBERS - 1 && numbers[i] && numbers[i] != id) {
        i++;
    }
    numbers[i] = id;
    return 'a' + i;
}

static void print_line(const char *line)
{
    char point[256], word[64];
    int n, id;

    sscanf(line, "%255s %*d%n", point, &n);
    printf("  %s", point);
    for (line += n; sscanf(line, "%63s%n", word, &n) == 1; line += n) {
        char *colon = strchr(word, ':');

        if (colon && sscanf(colon, ":%d", &id) == 1) {
            *colon = '\0';
            printf(" %s:%c", word, letter(id));
        } else {
            printf(" %s", word);
        }
    }
    printf("\n");
}

/* The mounts below /tmp/p, with the optional fields. */
static void info(void)
{
    FILE *f = fopen("/proc/self/mountinfo", "r");
    char line[1024], point[256];
    int n, count = 0;

    while (f && count < LINES && fgets(line, sizeof(line), f)) {
        char *dash = strstr(line, " - ");

        if (dash &&
            (*dash = '\0',
             sscanf(line, "%*d %*d %*s %*s %255s %*s%n", point, &n)) &&
            !strncmp(point, "/tmp/p/", 7)) {
            snprintf(lines[count], sizeof(lines[0]), "%s %02d %s", point, count,
                     line + n); /* stacked ones: as they came */
            count++;
        }
    }
    if (f) {
        fclose(f);
    }
    qsort(lines, count, sizeof(lines[0]), by_text);
    memset(numbers, 0, sizeof(numbers));
    for (int i = 0; i < count; i++) {
        print_line(lines[i]);
    }
}

static long type(const char *path, unsigned long flags)
{
    return RAW(mount, "", path, "", flags, NULL);
}

static long bind_to(const char *from, const char *to, unsigned long more)
{
    return RAW(mount, from, to, NULL, MS_BIND | more, NULL);
}

static long tmpfs(const char *at)
{
    return RAW(mount, "t", at, "tmpfs", 0, NULL);
}

static void begin(const char *what)
{
    static const char *const dirs[] = {"/tmp/p/a", "/tmp/p/b", "/tmp/p/c",
                                       "/tmp/p/d"};

    title(what);
    mkdir("/tmp/p", 0755);
    umount2("/tmp/p", MNT_DETACH);
    tmpfs("/tmp/p");
    type("/tmp/p", MS_PRIVATE);
    for (size_t i = 0; i < COUNT(dirs); i++) {
        mkdir(dirs[i], 0755);
    }
    tmpfs("/tmp/p/a");
    mkdir("/tmp/p/a/x", 0755);
    mkdir("/tmp/p/a/y", 0755);
}

static void peers(void)
{
    begin("peers");
    SHOW(type("/tmp/p/a", MS_SHARED));
    SHOW(bind_to("/tmp/p/a", "/tmp/p/b", 0));
    SHOW(tmpfs("/tmp/p/a/x"));
    info();
    SHOW(tmpfs("/tmp/p/b/y"));
    SHOW(bind_to("/tmp/p/a/x", "/tmp/p/c", 0));
    info();
    SHOW(umount("/tmp/p/b/x"));
    info();
    SHOW(type("/tmp/p/b", MS_PRIVATE));
    SHOW(umount("/tmp/p/b/y"));
    SHOW(umount("/tmp/p/b"));
    info();
}

static void slaves(void)
{
    begin("slaves");
    type("/tmp/p/a", MS_SHARED);
    bind_to("/tmp/p/a", "/tmp/p/b", 0);
    SHOW(type("/tmp/p/b", MS_SLAVE));
    SHOW(type("/tmp/p/b", MS_SHARED));
    bind_to("/tmp/p/b", "/tmp/p/c", 0);
    bind_to("/tmp/p/b", "/tmp/p/d", 0);
    SHOW(type("/tmp/p/d", MS_SLAVE));
    info();
    SHOW(tmpfs("/tmp/p/a/x"));
    SHOW(tmpfs("/tmp/p/c/y"));
    info();
    SHOW(umount("/tmp/p/a/x"));
    SHOW(umount("/tmp/p/d/y"));
    info();
    SHOW(type("/tmp/p/a", MS_PRIVATE));
    info();
    SHOW(type("/tmp/p/b", MS_PRIVATE));
    SHOW(type("/tmp/p/c", MS_SLAVE));
    info();
}

/* What does not see the place gets nothing; a part of a file system does. */
static void parts(void)
{
    begin("parts");
    mkdir("/tmp/p/a/x/in", 0755);
    type("/tmp/p/a", MS_SHARED);
    bind_to("/tmp/p/a/x", "/tmp/p/b", 0);
    bind_to("/tmp/p/a/y", "/tmp/p/c", 0);
    SHOW(tmpfs("/tmp/p/a/x/in"));
    SHOW(tmpfs("/tmp/p/b"));
    info();
}

static void trees(void)
{
    begin("trees");
    type("/tmp/p/a", MS_SHARED);
    bind_to("/tmp/p/a", "/tmp/p/b", 0);
    type("/tmp/p/b", MS_SLAVE);
    tmpfs("/tmp/p/c");
    mkdir("/tmp/p/c/in", 0755);
    tmpfs("/tmp/p/c/in");
    SHOW(bind_to("/tmp/p/c", "/tmp/p/a/x", MS_REC));
    info();
    SHOW(RAW(mount, "/tmp/p/c", "/tmp/p/a/y", NULL, MS_MOVE, NULL));
    info();
    SHOW(RAW(mount, "/tmp/p/a/y", "/tmp/p/d", NULL, MS_MOVE, NULL));
    SHOW(umount("/tmp/p/a/x"));
    SHOW(umount2("/tmp/p/a/x", MNT_DETACH));
    info();
    SHOW(type("/tmp/p/a", MS_PRIVATE | MS_REC));
    info();
    SHOW(type("/tmp/p/a/y", MS_UNBINDABLE));
    SHOW(bind_to("/tmp/p/a/y", "/tmp/p/d", 0));
    SHOW(bind_to("/tmp/p/a", "/tmp/p/d", MS_REC));
    info();
    SHOW(type("/tmp/p/d", MS_SHARED));
    SHOW(RAW(mount, "/tmp/p/a/y", "/tmp/p/d/x", NULL, MS_MOVE, NULL));
    SHOW(type("/tmp/p/d/x", MS_SHARED));
}

/* A copy comes beneath what stands there; what covers one stays when it goes.
 */
static void covers(void)
{
    begin("covers");
    type("/tmp/p/a", MS_SHARED);
    bind_to("/tmp/p/a", "/tmp/p/b", 0);
    type("/tmp/p/b", MS_SLAVE);
    SHOW(tmpfs("/tmp/p/b/x"));
    put("/tmp/p/b/x/file", "on top");
    SHOW(tmpfs("/tmp/p/a/x"));
    info();
    cat("/tmp/p/b/x/file");
    SHOW(umount("/tmp/p/a/x"));
    info();
    cat("/tmp/p/b/x/file");
    SHOW(umount("/tmp/p/b/x"));
    info();
}

/* One that is in use keeps all, one with something on it stays alone. */
static void busy(void)
{
    int fd;

    begin("busy");
    type("/tmp/p/a", MS_SHARED);
    bind_to("/tmp/p/a", "/tmp/p/b", 0);
    tmpfs("/tmp/p/a/x");
    fd = open("/tmp/p/b/x", O_RDONLY);
    SHOW(umount("/tmp/p/a/x"));
    close(fd);
    type("/tmp/p/b/x", MS_PRIVATE);
    mkdir("/tmp/p/b/x/in", 0755);
    tmpfs("/tmp/p/b/x/in");
    SHOW(umount("/tmp/p/a/x"));
    info();
    SHOW(umount2("/tmp/p/a", MNT_DETACH));
    info();
}

int main(void)
{
    show_start();
    unshare(CLONE_NEWNS); /* not the namespace of whoever started us */
    mount("", "/", "", MS_PRIVATE | MS_REC, NULL);
    peers();
    slaves();
    parts();
    trees();
    covers();
    busy();
    umount2("/tmp/p", MNT_DETACH);
    return 0;
}
