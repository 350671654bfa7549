/* SPDX-License-Identifier: MIT
 *
 * System V message queues: choice by type, lengths, full and empty queues,
 * sleepers on both sides, removal, and msgctl(2).
 */
#include <pthread.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include "tests/guest/show.h"

static struct {
    long type;
    char text[9000];
} m;
static int q;

static void sends(long type, const char *text)
{
    m.type = type;
    strcpy(m.text, text);
    if (msgsnd(q, &m, strlen(text), IPC_NOWAIT)) {
        printf("send %ld: %s\n", type, strerrorname_np(errno));
    }
}

static void gets_(long type, size_t room, int flags)
{
    ssize_t n;

    memset(&m, 0, sizeof(m));
    errno = 0;
    n = msgrcv(q, &m, room, type, flags | IPC_NOWAIT);
    if (n < 0) {
        printf("receive %ld: %s\n", type, strerrorname_np(errno));
    } else {
        printf("receive %ld: type %ld [%.*s]\n", type, m.type, (int)n, m.text);
    }
}

static void state(void)
{
    struct msqid_ds ds;

    if (msgctl(q, IPC_STAT, &ds)) {
        printf("IPC_STAT: %s\n", strerrorname_np(errno));
        return;
    }
    printf("mode %o messages %lu bytes %lu most %lu lspid %d lrpid %d stime %d "
           "rtime %d\n",
           ds.msg_perm.mode, ds.msg_qnum, ds.__msg_cbytes, ds.msg_qbytes,
           ds.msg_lspid == getpid(), ds.msg_lrpid == getpid(),
           ds.msg_stime > 1000, ds.msg_rtime > 1000);
}

static void choice(void)
{
    title("choice");
    sends(3, "three");
    sends(1, "one");
    sends(2, "two");
    sends(1, "another one");
    state();
    gets_(2, 100, 0);
    gets_(2, 100, 0);
    gets_(-2, 100, 0);
    gets_(3, 100, MSG_EXCEPT);
    gets_(1, 2, 0);
    gets_(0, 2, MSG_NOERROR);
    gets_(0, 100, 0);
    state();
}

static void errors(void)
{
    title("errors");
    m.type = 0;
    CALL(msgsnd, q, &m, 1L, 0);
    m.type = -1;
    CALL(msgsnd, q, &m, 1L, 0);
    m.type = 1;
    CALL(msgsnd, q, &m, 8193L, 0);
    CALL(msgsnd, q, &m, -1L, 0);
    CALL(msgsnd, q, BAD, 1L, 0);
    CALL(msgsnd, -1, &m, 1L, 0);
    CALL(msgrcv, q, &m, -1L, 0L, 0);
    CALL(msgrcv, -1, &m, 1L, 0L, 0);
    CALL(msgctl, q, 99, NULL);
    CALL(msgctl, q, IPC_STAT, BAD);
    sends(1, "lost");
    CALL(msgrcv, q, BAD, 10L, 0L, 0);
    gets_(0, 10, 0);
    sends(5, "");
    gets_(5, 0, 0);
}

static void *sender(void *arg)
{
    struct {
        long type;
        char text[8192];
    } big = {7, "big"};

    return (void *)(long)msgsnd(q, &big, 8192, 0);
}

static void *receiver(void *arg)
{
    struct {
        long type;
        char text[16];
    } small;
    long n = msgrcv(q, &small, sizeof(small.text), 42, 0);

    return (void *)(n < 0 ? -(long)errno : n);
}

static void sleeping(void)
{
    struct msqid_ds ds;
    pthread_t t;
    void *r;

    title("full");
    memset(m.text, 'x', 8192);
    m.type = 1;
    CALL(msgsnd, q, &m, 8192L, IPC_NOWAIT);
    CALL(msgsnd, q, &m, 8192L, IPC_NOWAIT);
    CALL(msgsnd, q, &m, 1L, IPC_NOWAIT);
    pthread_create(&t, NULL, sender, NULL);
    until_others_sleep();
    printf("%zd\n", msgrcv(q, &m, 9000, 1, 0));
    pthread_join(t, &r);
    printf("sent %ld\n", (long)r);
    state();
    msgctl(q, IPC_STAT, &ds);
    ds.msg_qbytes = 8300;
    SHOW(msgctl(q, IPC_SET, &ds));
    printf("%zd\n", msgrcv(q, &m, 9000, 0, 0));
    sends(1, "fits");
    memset(m.text, 'x', 200);
    CALL(msgsnd, q, &m, 200L, IPC_NOWAIT);
    state();
    title("empty");
    pthread_create(&t, NULL, receiver, NULL);
    until_others_sleep();
    sends(41, "no");
    sends(42, "yes");
    pthread_join(t, &r);
    printf("received %ld\n", (long)r);
    title("removed");
    pthread_create(&t, NULL, receiver, NULL);
    until_others_sleep();
    SHOW(msgctl(q, IPC_RMID, NULL));
    pthread_join(t, &r);
    printf("%s\n", (long)r == -EIDRM    ? "EIDRM"
                   : (long)r == -EINVAL ? "EINVAL"
                                        : "?");
    sends(1, "x");
    state();
}

int main(void)
{
    key_t key = 0x45000000 + getpid();
    int again;

    show_start();
    CALL(msgget, key, 0);
    q = DOES(msgget, key, IPC_CREAT | IPC_EXCL | 0600);
    CALL(msgget, key, IPC_CREAT | IPC_EXCL | 0600);
    again = msgget(key, 0);
    EXPECT(again == q);
    state();
    choice();
    errors();
    sleeping();
    return 0;
}
