/* SPDX-License-Identifier: MIT
 *
 * unshare: a thread takes its own working directory or descriptors; what a
 * process with threads may not unshare.
 */
#include <pthread.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <termios.h>
#include "tests/guest/show.h"

static int ns_mnt, ns_net, ns_user;

static void open_namespaces(void)
{
    ns_mnt = open("/proc/self/ns/mnt", O_RDONLY);
    ns_net = open("/proc/self/ns/net", O_RDONLY);
    ns_user = open("/proc/self/ns/user", O_RDONLY);
}

static void *fs(void *arg)
{
    char cwd[100];

    CALL(unshare, CLONE_FS);
    CALL(chdir, "/data");
    printf("%s\n", getcwd(cwd, sizeof(cwd)));
    return NULL;
}

static void *files(void *arg)
{
    int *fd = arg;

    CALL(unshare, CLONE_FILES);
    CALL(close, *fd);
    CALL(dup2, 0, 30);
    CALL(fcntl, 30, F_GETFD);
    return NULL;
}

static void *refused(void *arg)
{
    CALL(unshare, CLONE_SIGHAND);
    CALL(unshare, CLONE_VM);
    CALL(unshare, CLONE_THREAD);
    CALL(unshare, 0);
    CALL(unshare, CLONE_SYSVSEM);
    return NULL;
}

static void in_thread(void *(*body)(void *), void *arg)
{
    pthread_t t;

    pthread_create(&t, NULL, body, arg);
    pthread_join(t, NULL);
}

int main(void)
{
    char cwd[100];

    show_start();
    int fd = open("/tmp", O_RDONLY);
    CALL(unshare, 0);
    CALL(unshare, 1);
    CALL(unshare, CLONE_PARENT_SETTID);
    CALL(unshare, CLONE_FS | CLONE_FILES | CLONE_SYSVSEM);
    CALL(unshare, CLONE_THREAD);
    CALL(unshare, CLONE_SIGHAND);
    CALL(unshare, CLONE_VM);
    title("threads");
    in_thread(fs, NULL);
    printf("%s\n", getcwd(cwd, sizeof(cwd)));
    in_thread(files, &fd);
    CALL(fcntl, fd, F_GETFD);
    CALL(fcntl, 30, F_GETFD);
    in_thread(refused, NULL);
    open_namespaces();
    title("nobody");
    setresuid(NOBODY, NOBODY, NOBODY);
    CALL(unshare, CLONE_NEWNS);
    CALL(unshare, CLONE_NEWUTS);
    CALL(unshare, CLONE_NEWIPC);
    CALL(unshare, CLONE_NEWNET);
    CALL(unshare, CLONE_NEWPID);
    CALL(setns, 0, 0);
    CALL(setns, ns_mnt, 0);
    CALL(setns, ns_mnt, CLONE_NEWNS);
    CALL(setns, ns_mnt, CLONE_NEWNET);
    CALL(setns, ns_net, CLONE_NEWNET);
    CALL(setns, ns_user, 0);
    CALL(setns, ns_user, CLONE_NEWUSER);
    CALL(setns, fd, 0);
    CALL(ioctl, ns_mnt, NS_GET_NSTYPE);
    CALL(ioctl, ns_net, NS_GET_NSTYPE);
    CALL(ioctl, ns_user, NS_GET_NSTYPE);
    CALL(ioctl, ns_user, TCGETS, NULL);
    return 0;
}
