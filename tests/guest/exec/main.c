/* SPDX-License-Identifier: MIT
 *
 * execve and execveat of this very program: arguments, environment, the
 * auxiliary vector, large ones, by descriptor, by link, an empty list.
 */
#include <sys/auxv.h>
#include "tests/guest/show.h"

extern char **environ;

static char self[] = "/test/exec";

static void next(const char *step, char *extra, char **env)
{
    char *argv[] = {(char *)"name", (char *)step, extra, NULL};

    execve(self, argv, env);
    printf("execve: %s\n", strerrorname_np(errno));
}

static void look(int argc, char **argv)
{
    printf("argc %d:", argc);
    for (int i = 0; i < argc; i++) {
        if (strlen(argv[i]) < 100) {
            printf(" [%s]", argv[i]);
        } else {
            printf(" [%zu]", strlen(argv[i]));
        }
    }
    int vars = 0;
    long bytes = 0;
    for (char **e = environ; *e; e++) {
        vars++;
        bytes += strlen(*e);
    }
    printf(" environment %d %ld\n", vars, bytes);
}

static void auxiliary(void)
{
    printf("page %lu secure %lu uid %lu %lu gid %lu %lu ticks %lu\n",
           getauxval(AT_PAGESZ), getauxval(AT_SECURE), getauxval(AT_UID),
           getauxval(AT_EUID), getauxval(AT_GID), getauxval(AT_EGID),
           getauxval(AT_CLKTCK));
    printf("execfn %s platform %s random %d entry %d vdso %d base %d\n",
           (char *)getauxval(AT_EXECFN), (char *)getauxval(AT_PLATFORM),
           getauxval(AT_RANDOM) != 0, getauxval(AT_ENTRY) != 0,
           getauxval(AT_SYSINFO_EHDR) != 0, getauxval(AT_BASE) != 0);
    printf("headers %d %lu\n", getauxval(AT_PHDR) != 0, getauxval(AT_PHENT));
}

int main(int argc, char **argv)
{
    char *none[] = {NULL};
    char *some[] = {(char *)"A=1", (char *)"B=two", (char *)"odd", NULL};
    static char *big_env[2001], big[130000];
    int step = argc > 1 ? atoi(argv[1]) : 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 0 || (argc == 1 && !argv[0][0])) {
        puts("an empty list of arguments");
        step = 7;
    }
    if (step) {
        look(argc, argv);
    }
    switch (step) {
    case 0:
        auxiliary();
        next("1", (char *)"", some);
        break;
    case 1:
        printf("%s %s\n", getenv("A"), getenv("B"));
        next("2", (char *)"with space", none);
        break;
    case 2:
        memset(big, 'b', sizeof(big) - 1);
        next("3", big, NULL);
        break;
    case 3:
        for (int i = 0; i < 2000; i++) {
            big_env[i] = (char *)"VARIABLE=with some length";
        }
        next("4", NULL, big_env);
        break;
    case 4:
        symlink(self, "/tmp/link");
        execve("/tmp/link", (char *[]){(char *)"by link", (char *)"5", NULL},
               none);
        break;
    case 5: {
        char path[100] = {0};

        readlink("/proc/self/exe", path, sizeof(path));
        puts(path);
        puts((char *)getauxval(AT_EXECFN));
        cat("/proc/self/comm");
        int fd = open(self, O_RDONLY | O_CLOEXEC);
        syscall(SYS_execveat, fd, "",
                (char *[]){(char *)"by fd", (char *)"6", NULL}, none,
                AT_EMPTY_PATH);
        puts(strerrorname_np(errno));
        break;
    }
    case 6:
        puts((char *)getauxval(AT_EXECFN));
        execve(self, none, none);
        break;
    case 7: {
        int dir = open("/test", O_PATH);

        syscall(SYS_execveat, dir, "exec",
                (char *[]){(char *)"at", (char *)"8", NULL}, none, 0);
        break;
    }
    case 8:
        printf("%d\n", strncmp((char *)getauxval(AT_EXECFN), "/dev/fd/", 8));
        next("9", (char *)"from a thread's end", none);
        break;
    case 9:
        return 9;
    }
    puts("not reached");
    return 1;
}
