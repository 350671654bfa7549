/* SPDX-License-Identifier: MIT
 *
 * Keys and keyrings: adding, reading, linking, revoking, and what is refused.
 */
#include <linux/keyctl.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

static void adding(void)
{
    char back[32] = "";

    title("adding");
    long k = RAW(add_key, "user", "a", "secret", 6L, KEY_SPEC_PROCESS_KEYRING);
    EXPECT(k > 0);
    CALL(keyctl, KEYCTL_READ, k, back, 32L);
    printf("[%s]\n", back);
    CALL(keyctl, KEYCTL_READ, k, back, 0L);
    EXPECT(RAW(add_key, "user", "a", "other", 5L, KEY_SPEC_PROCESS_KEYRING) ==
           k);
    memset(back, 0, sizeof(back));
    CALL(keyctl, KEYCTL_READ, k, back, 32L);
    printf("[%s]\n", back);
    CALL(keyctl, KEYCTL_UPDATE, k, "third", 5L);
    CALL(keyctl, KEYCTL_UPDATE, k, "", 0L);
    EXPECT(RAW(request_key, "user", "a", NULL, 0) == k);
    CALL(request_key, "user", "b", NULL, 0);
    CALL(request_key, "nothing", "b", NULL, 0);
    CALL(request_key, BAD, "b", NULL, 0);
    CALL(request_key, ".user", "b", NULL, 0);
    CALL(add_key, "nothing", "a", "x", 1L, KEY_SPEC_PROCESS_KEYRING);
    CALL(add_key, "user", "a", "x", 0L, KEY_SPEC_PROCESS_KEYRING);
    CALL(add_key, "user", "a", BAD, 1L, KEY_SPEC_PROCESS_KEYRING);
    CALL(add_key, "user", BAD, "x", 1L, KEY_SPEC_PROCESS_KEYRING);
    CALL(add_key, "user", "a", "x", 40000L, KEY_SPEC_PROCESS_KEYRING);
    CALL(add_key, "user", "a", "x", 1L << 21, KEY_SPEC_PROCESS_KEYRING);
    CALL(add_key, "logon", "plain", "x", 1L, KEY_SPEC_PROCESS_KEYRING);
    CALL(add_key, "keyring", ".a", NULL, 0L, KEY_SPEC_PROCESS_KEYRING);
    CALL(add_key, "keyring", "r", "x", 1L, KEY_SPEC_PROCESS_KEYRING);
    CALL(add_key, "user", "c", "x", 1L, k);
    CALL(add_key, "user", "c", "x", 1L, 0);
    CALL(add_key, "user", "c", "x", 1L, -99);
    long logon =
        RAW(add_key, "logon", "svc:a", "x", 1L, KEY_SPEC_PROCESS_KEYRING);
    EXPECT(logon > 0);
    CALL(keyctl, KEYCTL_READ, logon, back, 32L);
}

static void rings(void)
{
    int ids[4] = {0};

    title("rings");
    long r = RAW(add_key, "keyring", "r", NULL, 0L, KEY_SPEC_PROCESS_KEYRING);
    long k = RAW(add_key, "user", "k", "x", 1L, r);
    EXPECT(r > 0 && k > 0);
    CALL(keyctl, KEYCTL_READ, r, ids, sizeof(ids));
    EXPECT(ids[0] == k);
    EXPECT(RAW(keyctl, KEYCTL_SEARCH, r, "user", "k", 0) == k);
    CALL(keyctl, KEYCTL_SEARCH, r, "user", "none", 0);
    EXPECT(RAW(request_key, "user", "k", NULL, 0) == k);
    CALL(keyctl, KEYCTL_LINK, k, KEY_SPEC_PROCESS_KEYRING);
    CALL(keyctl, KEYCTL_LINK, r, r);
    CALL(keyctl, KEYCTL_LINK, k, k);
    CALL(keyctl, KEYCTL_UNLINK, k, r);
    CALL(keyctl, KEYCTL_UNLINK, k, r);
    CALL(keyctl, KEYCTL_READ, r, ids, sizeof(ids));
    CALL(keyctl, KEYCTL_CLEAR, r);
    CALL(keyctl, KEYCTL_CLEAR, k);
    CALL(keyctl, KEYCTL_SETPERM, k, 0x3f3f0000);
    CALL(keyctl, KEYCTL_SETPERM, k, 0xff000000);
    CALL(keyctl, KEYCTL_SET_TIMEOUT, k, 100);
    CALL(keyctl, KEYCTL_REVOKE, k);
    CALL(keyctl, KEYCTL_READ, k, ids, sizeof(ids));
    CALL(keyctl, KEYCTL_REVOKE, 0x3ffffff);
    CALL(keyctl, KEYCTL_GET_KEYRING_ID, 0, 0);
    CALL(keyctl, KEYCTL_SET_REQKEY_KEYRING, KEY_REQKEY_DEFL_THREAD_KEYRING);
    CALL(keyctl, KEYCTL_SET_REQKEY_KEYRING, KEY_REQKEY_DEFL_NO_CHANGE);
    CALL(keyctl, KEYCTL_SET_REQKEY_KEYRING, 99);
    CALL(keyctl, KEYCTL_JOIN_SESSION_KEYRING, ".a");
    CALL(keyctl, 999, 0);
}

/* A keyring that the thread's links, and that its owner may do all with. */
static long new_ring(void)
{
    static int count;
    char name[16];
    long r;

    snprintf(name, sizeof(name), "ring%d", count++);
    r = RAW(add_key, "keyring", name, NULL, 0L, KEY_SPEC_THREAD_KEYRING);
    RAW(keyctl, KEYCTL_SETPERM, r, 0x3f3f0000);
    return r;
}

/* `levels` keyrings, each linked by the one before it, which alone keeps it;
 * the first one is the thread's. Returns the last one. */
static long chain(int levels, long *first)
{
    long r = *first = new_ring();

    while (--levels > 0) {
        long below = new_ring();

        if (below < 0) { /* the user's quota */
            break;
        }
        RAW(keyctl, KEYCTL_LINK, below, r);
        RAW(keyctl, KEYCTL_UNLINK, below, KEY_SPEC_THREAD_KEYRING);
        r = below;
    }
    return r;
}

/* Circles are found down to some level, and what may be one below that is
 * refused. The end of a long chain is nobody's trouble. */
static void levels(void)
{
    long first, last;

    title("levels");
    for (int n = 2; n < 11; n++) {
        last = chain(n, &first);
        printf("%d: ", n);
        CALL(keyctl, KEYCTL_LINK, first, last);
        RAW(keyctl, KEYCTL_UNLINK, first, KEY_SPEC_THREAD_KEYRING);
    }
    chain(1000, &first);
    CALL(keyctl, KEYCTL_UNLINK, first, KEY_SPEC_THREAD_KEYRING);
}

/* The session keyring of a child becomes its parent's, which then has what is
 * in it. */
static void to_parent(void)
{
    int go[2], status;
    pid_t pid;
    char c;

    title("to the parent");
    pipe(go);
    pid = fork();
    if (!pid) { /* a parent of one thread, that is not the first process */
        pid_t child = fork();

        if (!child) {
            RAW(keyctl, KEYCTL_JOIN_SESSION_KEYRING, "other");
            EXPECT(RAW(add_key, "user", "given", "x", 1L,
                       KEY_SPEC_SESSION_KEYRING) > 0);
            CALL(keyctl, KEYCTL_SESSION_TO_PARENT);
            _exit(0);
        }
        waitpid(child, &status, 0);
        EXPECT(RAW(keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user",
                   "given", 0) > 0);
        child = fork();
        if (!child) {
            setresuid(NOBODY, NOBODY, NOBODY);
            RAW(keyctl, KEYCTL_JOIN_SESSION_KEYRING, "third");
            CALL(keyctl, KEYCTL_SESSION_TO_PARENT);
            _exit(0);
        }
        waitpid(child, &status, 0);
        write(go[1], "x", 1);
        _exit(0);
    }
    read(go[0], &c, 1);
    waitpid(pid, &status, 0);
    CALL(keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "given", 0);
}

int main(void)
{
    show_start();
    EXPECT(RAW(keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) > 0);
    adding();
    rings();
    levels();
    CALL(keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_REQKEY_AUTH_KEY, 0);
    CALL(keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_REQUESTOR_KEYRING, 1);
    to_parent();
    return 0;
}
