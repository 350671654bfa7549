/* SPDX-License-Identifier: MIT
 *
 * umask: which bits it takes away, from what, and that threads share it
 * until one unshares.
 */
#include <pthread.h>
#include <sched.h>
#include "tests/guest/show.h"

static void masks(void)
{
    static const int masks[] = {0, 022, 077, 0777, 07777, -1, 0111};
    char path[40];

    for (unsigned i = 0; i < COUNT(masks); i++) {
        CALL(umask, masks[i]);
        sprintf(path, "/tmp/f%u", i);
        close(open(path, O_CREAT | O_RDWR, 07777));
        show_stat(path);
        sprintf(path, "/tmp/d%u", i);
        mkdir(path, 07777);
        show_stat(path);
        sprintf(path, "/tmp/p%u", i);
        mknod(path, S_IFIFO | 0777, 0);
        show_stat(path);
        sprintf(path, "/tmp/l%u", i);
        symlink("x", path);
        show_stat(path);
    }
}

static void *shared(void *arg)
{
    CALL(umask, 033);
    return NULL;
}

static void *apart(void *arg)
{
    CALL(unshare, CLONE_FS);
    CALL(umask, 044);
    CALL(chdir, "/data");
    return NULL;
}

int main(void)
{
    pthread_t t;
    char cwd[100];

    show_start();
    masks();
    chdir("/tmp");
    umask(0);
    pthread_create(&t, NULL, shared, NULL);
    pthread_join(t, NULL);
    CALL(umask, 0);
    pthread_create(&t, NULL, apart, NULL);
    pthread_join(t, NULL);
    CALL(umask, 0);
    printf("%s\n", getcwd(cwd, sizeof(cwd)));
    return 0;
}
