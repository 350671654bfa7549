/* SPDX-License-Identifier: MIT
 *
 * Capabilities of files, of root's programs and ambient ones through execve(2)
 * (capabilities(7)): what the new program has, whether it is secure, whether it
 * may be looked at, and who is refused.
 */
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include "tests/guest/show.h"

#define PROGRAM "/tmp/file-capabilities"

enum { CHOWN = 1 << CAP_CHOWN, KILL = 1 << CAP_KILL, RAW = 1 << CAP_NET_RAW };

struct sets {
    uint32_t effective, permitted, inheritable;
};

static void get(struct sets *s)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};

    syscall(SYS_capget, &h, s);
}

/* permitted: of those that it has. */
static void set(uint32_t permitted, uint32_t inheritable)
{
    struct __user_cap_header_struct h = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct sets s[2];

    get(s);
    s[0].permitted &= permitted;
    s[0].effective = s[0].permitted;
    s[0].inheritable = inheritable;
    syscall(SYS_capset, &h, s);
}

/* The new program: of the low capabilities, those that are asked about. */
static int tell(const char *what)
{
    const uint32_t these = CHOWN | KILL | RAW;
    struct sets s[2];
    int ambient = 0;

    get(s);
    for (int cap = 0; cap < 14; cap++) {
        ambient |= prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0)
                   << cap;
    }
    printf("%s: permitted %x effective %x inheritable %x ambient %x", what,
           s[0].permitted & these, s[0].effective & these,
           s[0].inheritable & these, ambient);
    printf(", secure %lu dumpable %d, uid %d %d\n", getauxval(AT_SECURE),
           prctl(PR_GET_DUMPABLE), getuid(), geteuid());
    return 0;
}

static void run(const char *what)
{
    fflush(stdout);
    if (fork() == 0) {
        execl(PROGRAM, "file-capabilities", what, NULL);
        printf("%s: %s\n", what, strerrorname_np(errno));
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
}

static void run_as(uid_t uid, const char *what)
{
    fflush(stdout);
    if (fork() == 0) {
        setresuid(uid, uid, uid);
        run(what);
        _exit(0);
    }
    wait(NULL);
}

static void give(int revision, uint32_t permitted, uint32_t inheritable)
{
    struct vfs_cap_data d = {.magic_etc = (uint32_t)revision};

    d.data[0].permitted = permitted;
    d.data[0].inheritable = inheritable;
    SHOW(setxattr(PROGRAM, "security.capability", &d, sizeof(d), 0));
}

static void copy_program(void)
{
    char buf[65536];
    int from = open("/proc/self/exe", O_RDONLY);
    int to = open(PROGRAM, O_WRONLY | O_CREAT | O_TRUNC, 0755);
    ssize_t n;

    while ((n = read(from, buf, sizeof(buf))) > 0) {
        write(to, buf, (size_t)n);
    }
    close(from);
    close(to);
    chmod(PROGRAM, 0755);
}

static void of_files(void)
{
    title("of files");
    give(VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE, RAW, 0);
    run("root");
    run_as(1000, "effective");
    chmod(PROGRAM, 04755);
    run_as(1000, "with the bit of root");
    chmod(PROGRAM, 0755);
    fflush(stdout);
    if (fork() == 0) {
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        run_as(1000, "no new ones");
        _exit(0);
    }
    wait(NULL);
    give(VFS_CAP_REVISION_2, RAW, 0);
    run_as(1000, "permitted");
    give(VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE, 0, CHOWN | KILL);
    run_as(1000, "nothing inherited");
    set(~0u, CHOWN);
    run_as(1000, "inherited");
    set(~0u, 0);
}

static void beyond_bounds(void)
{
    title("beyond the bounding set");
    prctl(PR_CAPBSET_DROP, CAP_NET_RAW);
    give(VFS_CAP_REVISION_2, RAW | KILL, 0);
    run_as(1000, "permitted");
    give(VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE, RAW | KILL, 0);
    run_as(1000, "effective");
    removexattr(PROGRAM, "security.capability");
    run("root");
}

static void ambient(void)
{
    title("ambient");
    removexattr(PROGRAM, "security.capability");
    prctl(PR_SET_KEEPCAPS, 1);
    set(~0u, CHOWN);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0);
    run("root");
    setresuid(1000, 1000, 1000);
    set(CHOWN | KILL, CHOWN);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0);
    run("somebody");
}

static void no_root(void)
{
    title("root is nobody");
    removexattr(PROGRAM, "security.capability");
    prctl(PR_SET_SECUREBITS, SECBIT_NOROOT);
    run("nothing");
    set(~0u, CHOWN);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0);
    run("ambient");
}

static void other_users(void)
{
    title("users");
    removexattr(PROGRAM, "security.capability");
    setresuid(0, 1000, 0);
    run("real and saved root");
    seteuid(0);
    chmod(PROGRAM, 0111);
    run_as(1000, "not readable");
}

static void apart(void (*fn)(void))
{
    fflush(stdout);
    if (fork() == 0) {
        fn();
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        return tell(argv[1]);
    }
    show_start();
    copy_program();
    apart(of_files);
    apart(beyond_bounds);
    apart(ambient);
    apart(no_root);
    apart(other_users);
    return 0;
}
