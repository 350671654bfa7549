/* SPDX-License-Identifier: MIT
 *
 * POSIX message queues: names, attributes, priorities, full and empty queues,
 * timeouts, notification by signal, poll(2), and what is not allowed.
 */
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include "tests/guest/show.h"

static char name[32];
static mqd_t q;

static void state(const char *what)
{
    struct mq_attr a;

    if (mq_getattr(q, &a)) {
        printf("%s: %s\n", what, strerrorname_np(errno));
    } else {
        printf("%s: flags %lo max %ld size %ld now %ld\n", what, a.mq_flags,
               a.mq_maxmsg, a.mq_msgsize, a.mq_curmsgs);
    }
}

static void opening(void)
{
    struct mq_attr bad = {.mq_maxmsg = 0, .mq_msgsize = 10};
    struct mq_attr good = {.mq_maxmsg = 3, .mq_msgsize = 20};

    title("opening");
    SHOW(mq_open(name, O_RDWR));
    SHOW(mq_open("/a/b", O_RDWR | O_CREAT, 0600, NULL));
    SHOW(mq_open("/", O_RDWR | O_CREAT, 0600, NULL));
    SHOW(mq_open("none", O_RDWR | O_CREAT, 0600, NULL));
    SHOW(mq_open(name, O_RDWR | O_CREAT, 0600, &bad));
    CALL(mq_open, BAD, O_RDWR);
    q = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0640, &good);
    EXPECT(q >= 0);
    SHOW(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0640, &good));
    state("new");
    printf("cloexec %d\n", fcntl(q, F_GETFD));
}

static void priorities(void)
{
    char buf[20];
    unsigned prio;

    title("priorities");
    SHOW(mq_send(q, "low", 3, 1));
    SHOW(mq_send(q, "high", 4, 9));
    SHOW(mq_send(q, "low too", 7, 1));
    state("full");
    for (int i = 0; i < 3; i++) {
        ssize_t n = mq_receive(q, buf, sizeof(buf), &prio);

        printf("%.*s %u\n", (int)n, buf, prio);
    }
    SHOW(mq_send(q, "x", 1, 32768));
    SHOW(mq_send(q, "012345678901234567890", 21, 0));
    SHOW(mq_receive(q, buf, 19, NULL));
    SHOW(mq_send(0, "x", 1, 0));
    SHOW(mq_receive(-1, buf, 20, NULL));
    SHOW(mq_send(q, "", 0, 0));
    SHOW(mq_receive(q, buf, 20, NULL));
}

static void times(void)
{
    struct timespec past = {1, 0}, wrong = {1, 1000000000}, soon;
    struct mq_attr nonblock = {.mq_flags = O_NONBLOCK}, odd = {.mq_flags = 1};
    char buf[20];

    title("times");
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_nsec = (soon.tv_nsec + 20000000) % 1000000000;
    SHOW(mq_timedreceive(q, buf, 20, NULL, &past));
    SHOW(mq_timedreceive(q, buf, 20, NULL, &wrong));
    SHOW(mq_timedreceive(q, buf, 20, NULL, &soon));
    SHOW(mq_setattr(q, &odd, NULL));
    SHOW(mq_setattr(q, &nonblock, NULL));
    state("nonblocking");
    SHOW(mq_receive(q, buf, 20, NULL));
    for (int i = 0; i < 4; i++) {
        SHOW(mq_send(q, "x", 1, 0));
    }
    nonblock.mq_flags = 0;
    mq_setattr(q, &nonblock, NULL);
    SHOW(mq_timedsend(q, "x", 1, 0, &past));
}

static void polling(void)
{
    struct pollfd p = {q, POLLIN | POLLOUT, 0};
    char buf[20];

    title("poll");
    poll(&p, 1, 0);
    printf("full: %x\n", p.revents);
    mq_receive(q, buf, 20, NULL);
    poll(&p, 1, 0);
    printf("part: %x\n", p.revents);
    mq_receive(q, buf, 20, NULL);
    mq_receive(q, buf, 20, NULL);
    poll(&p, 1, 0);
    printf("empty: %x\n", p.revents);
}

static void *receiver(void *arg)
{
    char buf[20];
    long n = mq_receive(q, buf, 20, NULL);

    return (void *)n;
}

static void notifying(void)
{
    struct sigevent e = {.sigev_notify = SIGEV_SIGNAL,
                         .sigev_signo = SIGUSR1,
                         .sigev_value.sival_int = 77};
    struct timespec none = {0, 0}, long_ = {5, 0};
    char buf[100] = "";
    siginfo_t info;
    sigset_t set;
    pthread_t t;
    void *r;
    int fd;

    title("notify");
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    SHOW(mq_notify(q, &e));
    SHOW(mq_notify(q, &e));
    SHOW(mq_send(q, "a", 1, 0));
    SHOW(sigtimedwait(&set, &info, &long_));
    printf("code %d value %d pid %d\n", info.si_code, info.si_value.sival_int,
           info.si_pid == getpid());
    SHOW(mq_notify(q, &e));
    SHOW(mq_send(q, "b", 1, 0));
    SHOW(sigtimedwait(&set, &info, &none));
    SHOW(mq_notify(q, NULL));
    SHOW(mq_notify(q, &e));
    fd = dup(q);
    printf("%zd %s", read(fd, buf, 7), buf);
    close(fd);
    printf(" closed: %ld\n", (long)mq_notify(q, &e));
    mq_receive(q, buf, 20, NULL);
    mq_receive(q, buf, 20, NULL);
    title("a receiver comes first");
    pthread_create(&t, NULL, receiver, NULL);
    until_others_sleep();
    SHOW(mq_send(q, "abc", 3, 0));
    pthread_join(t, &r);
    printf("received %ld\n", (long)r);
    e.sigev_signo = 65;
    SHOW(mq_notify(q, &e));
    CALL(mq_notify, 0, &e);
}

static void ending(void)
{
    char path[64];
    mqd_t r = mq_open(name, O_RDONLY);

    title("ending");
    SHOW(mq_send(r, "x", 1, 0));
    mq_close(r);
    snprintf(path, sizeof(path), "/dev/mqueue%s", name);
    if (access(path, F_OK) == 0) { /* else it is mounted elsewhere */
        struct stat st;

        EXPECT(stat(path, &st) == 0 && st.st_mode == 0100640 &&
               st.st_nlink == 1 && st.st_size == 80);
    } else {
        puts("stat(path, &st) == 0 && st.st_mode == 0100640 && st.st_nlink == "
             "1 && st.st_size == 80");
    }
    SHOW(mq_unlink(name));
    SHOW(mq_unlink(name));
    SHOW(mq_send(q, "alive", 5, 0));
    state("unlinked");
    SHOW(mq_close(q));
    SHOW(mq_close(q));
    SHOW(mq_open(name, O_RDWR));
}

int main(void)
{
    show_start();
    snprintf(name, sizeof(name), "/enclos-test-%d", getpid());
    opening();
    priorities();
    times();
    polling();
    notifying();
    ending();
    return 0;
}
