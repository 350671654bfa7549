/* SPDX-License-Identifier: MIT
 *
 * Scripts: the interpreter's arguments, one optional argument with blanks,
 * long lines, an interpreter that is a script, by relative path.
 */
#include "tests/guest/show.h"

static char *none[] = {NULL};

static void make(const char *path, const char *text)
{
    put(path, text);
    chmod(path, 0755);
}

int main(int argc, char **argv)
{
    show_start();
    int step = 0;
    if (argc > 1) {
        printf("argc %d:", argc);
        for (int i = 0; i < argc; i++) {
            printf(" [%s]", argv[i]);
        }
        printf("\n");
        step = argc == 2 ? 7 : atoi(argv[argc - 1]);
    }
    chdir("/tmp");
    char next[] = {(char)('1' + step), 0};
    char *args[] = {(char *)"zero", (char *)"one", next, NULL};

    switch (step) {
    case 0:
        make("/tmp/a", "#!/test/exec-script\n");
        execve("/tmp/a", args, none);
        break;
    case 1:
        make("/tmp/b", "#! /test/exec-script  an argument with blanks  \n");
        execve("/tmp/b", args, none);
        break;
    case 2:
        make("/tmp/c", "#!/tmp/a -x\nignored\n");
        execve("c", args, none);
        break;
    case 3:
        make("/tmp/d", "#!/test/exec-script");
        execve("./d", args, none);
        break;
    case 4:
        mkdir("/tmp/bin", 0755);
        make("/tmp/bin/e", "#!/test/exec-script\t-t\n");
        execveat(open("/tmp/bin", O_PATH), "e", args, none, 0);
        break;
    case 5: {
        int fd = open("/tmp/bin/e", O_RDONLY);

        execveat(fd, "", args, none, AT_EMPTY_PATH);
        break;
    }
    case 6:
        execve("/tmp/a", (char *[]){NULL}, none);
        break;
    default:
        return step;
    }
    puts(strerrorname_np(errno));
    return 1;
}
