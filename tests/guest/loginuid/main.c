/* SPDX-License-Identifier: MIT
 *
 * loginuid: who logs in (sshd, cron: pam_loginuid) sets it once; children have
 * it, too; without CAP_AUDIT_CONTROL nobody changes it again.
 */
#include <sys/prctl.h>
#include <sys/wait.h>
#include <pthread.h>
#include "tests/guest/show.h"

static void set(const char *name, const char *text)
{
    int fd = open(name, O_WRONLY);

    printf("%s to %s:", *text == '\n' ? "(empty line)" : text, name);
    SHOW(write(fd, text, strlen(text)));
    close(fd);
}

static void get(const char *what)
{
    char text[32] = "";
    int fd = open("/proc/thread-self/loginuid", O_RDONLY);

    read(fd, text, sizeof(text) - 1);
    printf("%s: %s\n", what, text);
    close(fd);
}

static long session(void)
{
    char text[32] = "";
    int fd = open("/proc/self/sessionid", O_RDONLY);

    read(fd, text, sizeof(text) - 1);
    close(fd);
    return atol(text);
}

static void *in_thread(void *arg)
{
    set("/proc/self/loginuid", "5"); /* the first thread's, not its own */
    get("thread");
    return NULL;
}

int main(void)
{
    pthread_t t;
    long before;

    show_start();
    get("at first");
    EXPECT(session() == 4294967295);
    set("/proc/self/loginuid", "x");
    set("/proc/self/loginuid", "\n");
    set("/proc/self/loginuid", "-1");
    set("/proc/self/loginuid", "4294967296");
    set("/proc/self/loginuid", "7 ");
    if (fork() == 0) {
        setresuid(NOBODY, NOBODY, NOBODY);
        prctl(PR_SET_DUMPABLE, 1); /* or its files are root's */
        set("/proc/self/loginuid", "1000");
        set("/proc/self/loginuid", "1001");
        get("nobody");
        _exit(0);
    }
    wait(NULL);
    get("its parent");
    title("login");
    set("/proc/self/loginuid", "1000");
    get("set");
    before = session();
    EXPECT(before != 4294967295);
    if (fork() == 0) {
        get("child");
        EXPECT(session() == before);
        _exit(0);
    }
    wait(NULL);
    pthread_create(&t, NULL, in_thread, NULL);
    pthread_join(t, NULL);
    get("after that");
    return 0;
}
