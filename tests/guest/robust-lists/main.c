/* SPDX-License-Identifier: MIT
 *
 * Robust futexes: set and get the list, what the kernel does with it when a
 * thread ends, and robust mutexes on top.
 */
#include <linux/futex.h>
#include <pthread.h>
#include "tests/guest/show.h"

static pthread_mutex_t mutex;

struct entry {
    struct robust_list list;
    uint32_t word;
};

static struct entry one, two, pending;
static struct robust_list_head head;

static void *dies(void *arg)
{
    uint32_t tid = gettid();

    head.list.next = &one.list;
    one.list.next = &two.list;
    two.list.next = &head.list;
    head.futex_offset = offsetof(struct entry, word);
    head.list_op_pending = &pending.list;
    one.word = tid;
    two.word = tid | FUTEX_WAITERS;
    pending.word = tid;
    CALL(set_robust_list, &head, sizeof(head));
    return NULL;
}

static void *other(void *arg)
{
    head.list.next = &one.list;
    one.list.next = &head.list;
    head.list_op_pending = NULL;
    one.word = 12345;
    syscall(SYS_set_robust_list, &head, sizeof(head));
    return NULL;
}

static void *broken(void *arg)
{
    head.list.next = BAD;
    syscall(SYS_set_robust_list, &head, sizeof(head));
    return NULL;
}

static void *endless(void *arg)
{
    uint32_t tid = gettid();

    head.list.next = &one.list;
    one.list.next = &one.list;
    one.word = tid;
    syscall(SYS_set_robust_list, &head, sizeof(head));
    return NULL;
}

static void in_thread(void *(*body)(void *))
{
    pthread_t t;

    pthread_create(&t, NULL, body, NULL);
    pthread_join(t, NULL);
}

static void *lock_and_leave(void *arg)
{
    pthread_mutex_lock(&mutex);
    return NULL;
}

static void library(void)
{
    pthread_mutexattr_t attr;

    title("mutexes");
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&mutex, &attr);
    in_thread(lock_and_leave);
    printf("%s\n", strerrorname_np(pthread_mutex_lock(&mutex)));
    printf("%d\n", pthread_mutex_consistent(&mutex));
    printf("%d\n", pthread_mutex_unlock(&mutex));
    in_thread(lock_and_leave);
    printf("%s\n", strerrorname_np(pthread_mutex_lock(&mutex)));
    printf("%d\n", pthread_mutex_unlock(&mutex));
    printf("%s\n", strerrorname_np(pthread_mutex_lock(&mutex)));
    pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&mutex, &attr);
    in_thread(lock_and_leave);
    printf("%s\n", strerrorname_np(pthread_mutex_lock(&mutex)));
}

int main(void)
{
    void *at = NULL;
    size_t len = 0;

    show_start();
    CALL(get_robust_list, 0, &at, &len);
    printf("%d %zu\n", at != NULL, len);
    CALL(get_robust_list, getpid(), &at, &len);
    CALL(get_robust_list, 0x3ffffff, &at, &len);
    CALL(get_robust_list, 0, BAD, &len);
    CALL(get_robust_list, 0, &at, BAD);
    CALL(set_robust_list, at, 23L);
    CALL(set_robust_list, at, 25L);
    title("the end of a thread");
    in_thread(dies);
    printf("%x %x %x\n", one.word, two.word, pending.word);
    in_thread(other);
    printf("%u\n", one.word);
    in_thread(broken);
    in_thread(endless);
    printf("%x\n", one.word);
    library();
    return 0;
}
