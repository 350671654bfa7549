/* SPDX-License-Identifier: MIT
 *
 * Set-user-id and set-group-id programs: whose ids they run with, AT_SECURE,
 * and when the bits do not count.
 */
#include <sched.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

static void copy(const char *path, int uid, int gid, int mode)
{
    int in = open("/proc/self/exe", O_RDONLY);
    int out = open(path, O_CREAT | O_WRONLY, 0700);

    while (sendfile(out, in, NULL, 1 << 20) > 0) {
    }
    fchown(out, uid, gid);
    fchmod(out, mode);
    close(in);
    close(out);
}

static void look(void)
{
    uid_t r, e, s;
    gid_t gr, ge, gs;

    getresuid(&r, &e, &s);
    getresgid(&gr, &ge, &gs);
    printf("uid %d %d %d gid %d %d %d secure %lu\n", r, e, s, gr, ge, gs,
           getauxval(AT_SECURE));
}

static void next(const char *path, const char *step)
{
    execl(path, "x", step, NULL);
    puts(strerrorname_np(errno));
}

static int executor(void *arg)
{
    next(arg, "9");
    return 1;
}

/* Who has our working directory could lead the program astray. */
static void shared(const char *path)
{
    static char stack[65536];
    int status;
    pid_t pid = clone(executor, stack + sizeof(stack), CLONE_FS | SIGCHLD,
                      (void *)path);

    waitpid(pid, &status, 0);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    look();
    switch (argc > 1 ? atoi(argv[1]) : 0) {
    case 0:
        copy("/tmp/user", 10, 0, 04755);
        copy("/tmp/group", 0, 20, 02755);
        copy("/tmp/root", 0, 0, 06755);
        copy("/tmp/plain", 10, 20, 0755);
        copy("/tmp/no-group-x", 0, 20, 02745);
        setresgid(NOBODY, NOBODY, NOBODY);
        setresuid(NOBODY, NOBODY, NOBODY);
        shared("/tmp/user");
        next("/tmp/user", "1");
        break;
    case 1:
        next("/tmp/group", "2");
        break;
    case 2:
        next("/tmp/plain", "3");
        break;
    case 3:
        next("/tmp/no-group-x", "4");
        next("/tmp/root", "5");
        break;
    case 4:
        next("/tmp/root", "5");
        break;
    case 5:
        printf("back %d\n", setresuid(NOBODY, NOBODY, NOBODY));
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        next("/tmp/root", "6");
        break;
    }
    return 0;
}
