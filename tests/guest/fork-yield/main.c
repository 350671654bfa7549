/* SPDX-License-Identifier: MIT
 *
 * Parent and child wait for each other by sched_yield(2) over shared memory, as
 * the processes of an MPI program do: nobody who waits so computes, so it does
 * not stay as long as one that does.
 */
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { TURNS = 300 };

static void take_turns(uint32_t *turn, unsigned self)
{
    for (unsigned i = 0; i < TURNS; i++) {
        while (__atomic_load_n(turn, __ATOMIC_ACQUIRE) % 2 != self) {
            sched_yield();
        }
        __atomic_add_fetch(turn, 1, __ATOMIC_RELEASE);
    }
}

int main(void)
{
    uint32_t *turn = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child = turn == MAP_FAILED ? -1 : fork();
    int status = -1;

    if (child < 0) {
        return 1;
    }
    take_turns(turn, child == 0);
    if (!child) {
        _exit(7);
    }
    waitpid(child, &status, 0);
    printf("%u turns, the child ends with %d\n", *turn, WEXITSTATUS(status));
    return 0;
}
