/* SPDX-License-Identifier: MIT
 *
 * System V shared memory within one process: making, finding, attaching,
 * what IPC_STAT tells, removal while attached, permissions, errors.
 */
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include "tests/guest/show.h"

static key_t key;

static void stat_of(int id)
{
    struct shmid_ds ds;

    if (RAW(shmctl, id, IPC_STAT, &ds)) {
        printf("IPC_STAT: %s\n", strerrorname_np(errno));
        return;
    }
    printf("key %d mode %o owner %u:%u creator %u:%u size %lu attached %lu "
           "cpid %d lpid %d atime %d dtime %d ctime %d\n",
           ds.shm_perm.__key == key, ds.shm_perm.mode, ds.shm_perm.uid,
           ds.shm_perm.gid, ds.shm_perm.cuid, ds.shm_perm.cgid, ds.shm_segsz,
           ds.shm_nattch, ds.shm_cpid == getpid(), ds.shm_lpid == getpid(),
           ds.shm_atime > 1000, ds.shm_dtime > 1000, ds.shm_ctime > 1000);
}

static void making(void)
{
    int id;

    title("making");
    CALL(shmget, key, 0, 0);
    CALL(shmget, key, 0, IPC_CREAT | 0600);
    CALL(shmget, key, -1L, IPC_CREAT | 0600);
    id = DOES(shmget, key, 10000, IPC_CREAT | IPC_EXCL | 0640);
    CALL(shmget, key, 10000, IPC_CREAT | IPC_EXCL | 0640);
    EXPECT(shmget(key, 0, 0) == id);
    EXPECT(shmget(key, 10000, IPC_CREAT) == id);
    CALL(shmget, key, 10001, 0);
    stat_of(id);
    CALL(shmctl, id, IPC_STAT, BAD);
    CALL(shmctl, id, 99, NULL);
    CALL(shmctl, -1, IPC_STAT, BAD);
    CALL(shmctl, id + 1, IPC_RMID, NULL);
    CALL(shmctl, id, IPC_RMID, NULL);
    CALL(shmctl, id, IPC_RMID, NULL);
    CALL(shmget, key, 0, 0);
}

static void attaching(void)
{
    int id = shmget(key, 10000, IPC_CREAT | 0600);
    struct shmid_ds ds;
    char *p, *q, zero[12288] = "";

    title("attaching");
    CALL(shmat, id, 4097L, 0);
    CALL(shmat, id, 0L, SHM_REMAP);
    CALL(shmat, -1, 0L, 0);
    p = shmat(id, NULL, 0);
    EXPECT(p != (void *)-1);
    EXPECT(memcmp(p, zero, sizeof(zero)) == 0);
    strcpy(p, "first");
    strcpy(p + 12280, "end");
    stat_of(id);
    CALL(shmdt, p + 1);
    CALL(shmdt, p + 4096);
    CALL(shmdt, &ds);
    CALL(shmdt, p);
    CALL(shmdt, p);
    stat_of(id);
    q = shmat(id, NULL, SHM_RDONLY);
    printf("%s %s\n", q, q + 12280);
    SHOW(mprotect(q, 4096, PROT_READ | PROT_WRITE));
    shmdt(q);
    p = shmat(id, NULL, 0);
    title("removed while attached");
    CALL(shmctl, id, IPC_RMID, NULL);
    stat_of(id);
    CALL(shmget, key, 0, 0);
    strcpy(p, "still here");
    q = shmat(id, NULL, SHM_RDONLY);
    printf("%s\n", q == (void *)-1 ? "gone" : q);
    if (q != (void *)-1) {
        shmdt(q);
    }
    CALL(shmdt, p);
    CALL(shmdt, p);
    stat_of(id);
}

static void changing(void)
{
    int id = shmget(IPC_PRIVATE, 1, 0600);
    struct shmid_ds ds;

    title("changing");
    shmctl(id, IPC_STAT, &ds);
    ds.shm_perm.uid = 7;
    ds.shm_perm.gid = 8;
    ds.shm_perm.mode = 07404;
    CALL(shmctl, id, IPC_SET, &ds);
    key = IPC_PRIVATE;
    stat_of(id);
    CALL(shmctl, id, IPC_SET, BAD);
    CALL(shmctl, id, SHM_LOCK, NULL);
    stat_of(id);
    CALL(shmctl, id, SHM_UNLOCK, NULL);
    stat_of(id);
    title("as somebody else");
    setresgid(NOBODY, NOBODY, NOBODY);
    setresuid(NOBODY, NOBODY, 0);
    EXPECT(shmat(id, NULL, SHM_RDONLY) != (void *)-1);
    CALL(shmat, id, 0L, 0);
    CALL(shmctl, id, IPC_SET, &ds);
    CALL(shmctl, id, IPC_RMID, NULL);
    setresuid(0, 0, 0);
    CALL(shmctl, id, IPC_RMID, NULL);
}

static void tables(void)
{
    struct shminfo limits;
    int id = shmget(IPC_PRIVATE, 1, 0600), found = 0, last;
    struct shmid_ds ds;
    char line[256] = "";
    FILE *f;

    title("tables");
    last = shmctl(0, IPC_INFO, (void *)&limits);
    printf("max %lx min %lu mni %lu all %lx\n", limits.shmmax, limits.shmmin,
           limits.shmmni, limits.shmall);
    for (int i = 0; i <= last; i++) {
        found += shmctl(i, SHM_STAT, &ds) == id;
    }
    printf("found %d\n", found);
    f = fopen("/proc/sysvipc/shm", "r");
    EXPECT(f && fgets(line, sizeof(line), f));
    printf("%s", line);
    found = 0;
    while (f && fgets(line, sizeof(line), f)) {
        int k, n, mode;

        found += sscanf(line, "%d %d %o", &k, &n, &mode) == 3 && n == id &&
                 mode == 0600 && k == 0;
    }
    printf("found %d\n", found);
    shmctl(id, IPC_RMID, NULL);
}

int main(void)
{
    show_start();
    key = 0x45000000 + getpid();
    making();
    attaching();
    changing();
    tables();
    return 0;
}
