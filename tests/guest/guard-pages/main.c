/* SPDX-License-Identifier: MIT
 *
 * madvise: guard pages. Touching one is SIGSEGV, whatever the mapping allows,
 * also after mprotect and in a child; without it the page is zero. Linux has
 * them since 6.13; on an older one only the words are printed.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "tests/guest/newer.h"
#include "tests/guest/show.h"

enum { PAGE = 4096, INSTALL = 102, REMOVE = 103 };

static int advise(char *p, int pages, int advice)
{
    errno = 0;
    return madvise(p, pages * PAGE, advice) ? errno : 0;
}

/* Whether reading *p kills. */
static int kills(char *p)
{
    int pid = fork(), status;

    if (!pid) {
        _exit(*(volatile char *)p);
    }
    waitpid(pid, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

/* Of files, too, since 6.15. */
static void of_file(void)
{
    int fd = memfd_create("m", 0);
    char *p;

    old = older_than(6, 15);
    ftruncate(fd, 4 * PAGE);
    pwrite(fd, "file", 4, PAGE);
    p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    p[2 * PAGE] = 'o';
    must("private", advise(p + PAGE, 2, INSTALL) == 0 && kills(p + PAGE));
    must("the file's again",
         advise(p, 4, REMOVE) == 0 && p[PAGE] == 'f' && !p[2 * PAGE]);
}

int main(void)
{
    char *p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    show_start();
    old = older_than(6, 13);
    memset(p, 'x', 8 * PAGE);
    must("install", advise(p + 2 * PAGE, 2, INSTALL) == 0);
    must("again", advise(p + 3 * PAGE, 2, INSTALL) == 0);
    must("first", kills(p + 2 * PAGE));
    must("last", kills(p + 5 * PAGE - 1));
    must("before", !kills(p + 2 * PAGE - 1) && p[2 * PAGE - 1] == 'x');
    must("behind", !kills(p + 5 * PAGE) && p[5 * PAGE] == 'x');
    mprotect(p, 8 * PAGE, PROT_READ);
    must("protected", kills(p + 2 * PAGE));
    mprotect(p, 8 * PAGE, PROT_READ | PROT_WRITE);
    must("opened", kills(p + 2 * PAGE));
    must("dropped", advise(p, 8, MADV_DONTNEED) == 0 && kills(p + 2 * PAGE));
    must("remove", advise(p, 3, REMOVE) == 0);
    must("gone", !old && !kills(p + 2 * PAGE) && p[2 * PAGE] == 0);
    must("not gone", kills(p + 3 * PAGE));
    p[2 * PAGE] = 'y';
    must("all", advise(p, 8, REMOVE) == 0 && p[3 * PAGE] == 0);
    must("kept", p[2 * PAGE] == 'y');
    must("unaligned", advise(p + 1, 1, INSTALL) == EINVAL);
    munmap(p + 4 * PAGE, PAGE);
    must("hole", advise(p, 8, INSTALL) == ENOMEM);
    must("before it", kills(p));
    of_file();
    return 0;
}
