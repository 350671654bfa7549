/* SPDX-License-Identifier: MIT
 *
 * execve and execveat that fail, and that the program goes on as it was.
 */
#include <sys/mman.h>
#include <sys/resource.h>
#include "tests/guest/show.h"

static char *none[] = {NULL};
static char *args[] = {(char *)"x", NULL};

static void make(const char *path, const void *bytes, size_t len, int mode)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

    write(fd, bytes, len);
    fchmod(fd, mode);
    close(fd);
}

static void paths(void)
{
    title("paths");
    CALL(execve, "/tmp/none", args, none);
    CALL(execve, "/tmp", args, none);
    CALL(execve, "/tmp/none/x", args, none);
    CALL(execve, "/data/text/x", args, none);
    CALL(execve, "", args, none);
    CALL(execve, BAD, args, none);
    CALL(execve, "/test/exec-errors", BAD, none);
    CALL(execve, "/test/exec-errors", args, BAD);
    char *bad_arg[] = {(char *)"x", BAD, NULL};
    CALL(execve, "/test/exec-errors", bad_arg, none);
    symlink("loop", "/tmp/loop");
    CALL(execve, "/tmp/loop", args, none);
    CALL(execve, "/dev/null", args, none);
    mkfifo("/tmp/fifo", 0777);
    CALL(execve, "/tmp/fifo", args, none);
    CALL(execve, "/proc/version", args, none);
}

static void contents(void)
{
    static unsigned char elf[64] = "\177ELF\2\1\1";
    char line[600];

    title("contents");
    make("/tmp/empty", "", 0, 0755);
    CALL(execve, "/tmp/empty", args, none);
    make("/tmp/text", "some text\n", 10, 0755);
    CALL(execve, "/tmp/text", args, none);
    make("/tmp/text", "some text\n", 10, 0644);
    CALL(execve, "/tmp/text", args, none);
    make("/tmp/elf", elf, 7, 0755);
    CALL(execve, "/tmp/elf", args, none);
    make("/tmp/elf", elf, 64, 0755);
    CALL(execve, "/tmp/elf", args, none);
    elf[4] = 1;
    make("/tmp/elf", elf, 64, 0755);
    CALL(execve, "/tmp/elf", args, none);
    make("/tmp/script", "#!/tmp/none\n", 12, 0755);
    CALL(execve, "/tmp/script", args, none);
    make("/tmp/script", "#!\n", 3, 0755);
    CALL(execve, "/tmp/script", args, none);
    make("/tmp/script", "#!   \n", 6, 0755);
    CALL(execve, "/tmp/script", args, none);
    make("/tmp/script", "#!/tmp/script\n", 14, 0755);
    CALL(execve, "/tmp/script", args, none);
    make("/tmp/script", "#!/tmp/text\n", 12, 0755);
    CALL(execve, "/tmp/script", args, none);
    memset(line, 'x', sizeof(line));
    memcpy(line, "#!/tmp/", 7);
    make("/tmp/script", line, sizeof(line), 0755);
    CALL(execve, "/tmp/script", args, none);
}

static void sizes(void)
{
    static char big[140000];
    static char *many[3000];
    struct rlimit old, small = {1 << 20, 0};

    title("sizes");
    memset(big, 'x', sizeof(big) - 1);
    char *one[] = {(char *)"x", big, NULL};
    CALL(execve, "/test/exec-errors", one, none);
    CALL(execve, "/test/exec-errors", args, one);
    big[131071] = 0;
    for (int i = 0; i < 2999; i++) {
        many[i] = big;
    }
    CALL(execve, "/test/exec-errors", many, none);
    getrlimit(RLIMIT_STACK, &old);
    small.rlim_max = old.rlim_max;
    setrlimit(RLIMIT_STACK, &small);
    many[4] = NULL;
    CALL(execve, "/test/exec-errors", many, none);
    setrlimit(RLIMIT_STACK, &old);
}

static void at(void)
{
    int fd = open("/tmp/text", O_RDONLY), dir = open("/tmp", O_PATH);

    title("execveat");
    CALL(execveat, fd, "", args, none, 0);
    CALL(execveat, fd, "", args, none, AT_EMPTY_PATH);
    CALL(execveat, fd, "x", args, none, 0);
    CALL(execveat, 99, "", args, none, AT_EMPTY_PATH);
    CALL(execveat, 99, "x", args, none, 0);
    CALL(execveat, dir, "text", args, none, 0x100000);
    symlink("/test/exec-errors", "/tmp/link");
    CALL(execveat, dir, "link", args, none, AT_SYMLINK_NOFOLLOW);
    /* A script by a descriptor that exec closes could not be opened. */
    make("/tmp/script", "#!/test/exec-errors\n", 20, 0755);
    int script = open("/tmp/script", O_RDONLY | O_CLOEXEC);
    CALL(execveat, script, "", args, none, AT_EMPTY_PATH);
}

static void as_nobody(void)
{
    title("nobody");
    mkdir("/tmp/closed", 0700);
    make("/tmp/closed/x", "", 0, 0755);
    make("/tmp/owner", "", 0, 0744);
    setresuid(NOBODY, NOBODY, NOBODY);
    CALL(execve, "/tmp/closed/x", args, none);
    CALL(execve, "/tmp/owner", args, none);
}

int main(int argc, char **argv)
{
    if (argc > 1 || (argc && argv[0][0] == 'x')) {
        puts("should not have been executed");
        return 1;
    }
    show_start();
    paths();
    contents();
    sizes();
    at();
    int wr = open("/tmp/busy", O_CREAT | O_WRONLY, 0755);
    CALL(execve, "/tmp/busy", args, none);
    close(wr);
    as_nobody();
    return 0;
}
