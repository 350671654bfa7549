/* SPDX-License-Identifier: MIT
 *
 * mq_notify by a thread: the C library's way, once whole and once by hand,
 * with the netlink socket and the 32 bytes that come there.
 */
#include <linux/netlink.h>
#include <mqueue.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/socket.h>
#include "tests/guest/show.h"

static sem_t told;
static int value;

static void notified(union sigval v)
{
    value = v.sival_int;
    sem_post(&told);
}

static void by_library(mqd_t q)
{
    struct sigevent e = {.sigev_notify = SIGEV_THREAD,
                         .sigev_notify_function = notified,
                         .sigev_value.sival_int = 77};
    char c;

    title("library");
    sem_init(&told, 0, 0);
    SHOW(mq_notify(q, &e));
    SHOW(mq_notify(q, &e));
    SHOW(mq_send(q, "x", 1, 0));
    sem_wait(&told);
    printf("%d\n", value);
    SHOW(mq_receive(q, &c, 1, NULL));
    SHOW(mq_notify(q, &e));
    SHOW(mq_notify(q, NULL));
}

static void receive(int s)
{
    char got[64];
    long n = recv(s, got, sizeof(got), 0);

    printf("%ld bytes, %.5s, %d\n", n, got, got[31]);
}

static void by_hand(mqd_t q)
{
    int s = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
    char cookie[32] = "right", c;
    struct sigevent e = {.sigev_notify = SIGEV_THREAD,
                         .sigev_signo = s,
                         .sigev_value.sival_ptr = cookie};

    title("by hand");
    CALL(mq_notify, q, &e);
    CALL(mq_notify, q, &e);
    SHOW(mq_send(q, "x", 1, 0));
    receive(s);
    SHOW(mq_receive(q, &c, 1, NULL));
    CALL(mq_notify, q, &e);
    CALL(mq_notify, q, NULL);
    receive(s);
    e.sigev_value.sival_ptr = BAD;
    CALL(mq_notify, q, &e);
    e.sigev_value.sival_ptr = cookie;
    e.sigev_signo = 999;
    CALL(mq_notify, q, &e);
    e.sigev_notify = 9;
    CALL(mq_notify, q, &e);
    CALL(mq_notify, q, BAD);
}

int main(void)
{
    struct mq_attr attr = {.mq_maxmsg = 2, .mq_msgsize = 1};
    mqd_t q;

    show_start();
    q = mq_open("/threads", O_CREAT | O_RDWR, 0600, &attr);
    mq_unlink("/threads");
    by_hand(q);
    by_library(q);
    return 0;
}
