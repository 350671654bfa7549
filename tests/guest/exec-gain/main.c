/* SPDX-License-Identifier: MIT
 *
 * PR_SET_MDWE: nothing that can be written to becomes executable, nor what was
 * not executable before; who has it, and for how long.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

enum { SET_MDWE = 65, GET_MDWE = 66, REFUSE = 1, NO_INHERIT = 2 };
enum { R = PROT_READ, W = PROT_WRITE, X = PROT_EXEC };

static void *map(int prot)
{
    return mmap(NULL, 12288, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void refusals(void)
{
    char *data = map(R | W), *code = map(R | X);

    title("refusals");
    printf("%d ", map(R | W | X) == MAP_FAILED ? errno : 0);
    printf("%d\n", map(W | X) == MAP_FAILED ? errno : 0);
    CALL(mprotect, data, 4096L, R | X);
    CALL(mprotect, data, 4096L, R | W | X);
    CALL(mprotect, code, 4096L, R | W | X);
    CALL(mprotect, code, 4096L, R);
    CALL(mprotect, code, 4096L, R | X);
    CALL(mprotect, code + 4096, 8192L, X);
    title("what comes before is done");
    char *p = mmap(data + 4096, 4096, R | X,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    CALL(mprotect, p, 8192L, R | W | X);
    CALL(mprotect, p, 8192L, X);
    CALL(mprotect, p, 4096L, R);
    CALL(mprotect, p, 4096L, R | X);
}

static void in_child(const char *self)
{
    pid_t pid = fork();

    if (pid == 0) {
        printf("child %d\n", prctl(GET_MDWE, 0, 0, 0, 0));
        fflush(stdout);
        execl(self, self, "next", NULL);
    }
    waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
    show_start();
    if (argc > 1) {
        printf("%s %d\n", argv[1], prctl(GET_MDWE, 0, 0, 0, 0));
        return 0;
    }
    title("arguments");
    CALL(prctl, GET_MDWE, 0, 0, 0, 0);
    CALL(prctl, GET_MDWE, 1, 0, 0, 0);
    CALL(prctl, SET_MDWE, REFUSE, 1, 0, 0);
    CALL(prctl, SET_MDWE, REFUSE, 0, 0, 1);
    CALL(prctl, SET_MDWE, 4, 0, 0, 0);
    CALL(prctl, SET_MDWE, NO_INHERIT, 0, 0, 0);
    CALL(prctl, SET_MDWE, 0, 0, 0, 0);
    title("the process alone");
    if (fork() == 0) {
        CALL(prctl, SET_MDWE, REFUSE | NO_INHERIT, 0, 0, 0);
        CALL(prctl, SET_MDWE, REFUSE, 0, 0, 0);
        CALL(prctl, GET_MDWE, 0, 0, 0, 0);
        in_child(argv[0]);
        return 0;
    }
    wait(NULL);
    title("for good");
    CALL(prctl, SET_MDWE, REFUSE, 0, 0, 0);
    CALL(prctl, SET_MDWE, REFUSE, 0, 0, 0);
    CALL(prctl, SET_MDWE, 0, 0, 0, 0);
    CALL(prctl, SET_MDWE, REFUSE | NO_INHERIT, 0, 0, 0);
    in_child(argv[0]);
    refusals();
    return 0;
}
