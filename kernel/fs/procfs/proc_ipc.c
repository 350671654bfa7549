/* SPDX-License-Identifier: MIT
 *
 * procfs: /proc/sysvipc (proc(5)), one line an object, in the columns that
 * ipcs(1) reads.
 */
#include "kernel/fs/procfs/procfs.h"
#include "kernel/ipc/ipc.h"
#include "lib/types.h"
#include "abi/linux/stat.h"

static int show_shm(struct text *t, const struct pseudo_at *at)
{
    struct shminfo64 limits;
    int last = shm_limits(&limits);
    struct shmid64_ds s;

    text_add(t, "       key      shmid perms                  size  cpid  lpid "
                "nattch   uid   gid  cuid  cgid      atime      dtime      "
                "ctime                   rss                  swap\n");
    for (int slot = 0; slot <= last; slot++) {
        int id = shm_stat_slot(slot, true, &s);

        if (id >= 0) {
            text_add(t, "%10d %10d  %4o %21lu %5u %5u  %5lu %5u %5u %5u %5u ",
                     s.perm.key, id, s.perm.mode, s.segsz, s.cpid, s.lpid,
                     s.nattch, s.perm.uid, s.perm.gid, s.perm.cuid,
                     s.perm.cgid);
            text_add(t, "%10lu %10lu %10lu %21lu %21lu\n", s.atime, s.dtime,
                     s.ctime, ALIGN_UP(s.segsz, PAGE_SIZE), 0ul);
        }
    }
    return 0;
}

static int show_sem(struct text *t, const struct pseudo_at *at)
{
    struct seminfo limits;
    int last = sem_info(&limits, false);
    struct semid64_ds s;

    text_add(t, "       key      semid perms      nsems   uid   gid  cuid  "
                "cgid      otime      ctime\n");
    for (int slot = 0; slot <= last; slot++) {
        int id = sem_stat_slot(slot, true, &s);

        if (id >= 0) {
            text_add(t, "%10d %10d  %4o %10lu %5u %5u %5u %5u %10lu %10lu\n",
                     s.perm.key, id, s.perm.mode, s.nsems, s.perm.uid,
                     s.perm.gid, s.perm.cuid, s.perm.cgid, s.otime, s.ctime);
        }
    }
    return 0;
}

static int show_msg(struct text *t, const struct pseudo_at *at)
{
    struct msginfo limits;
    int last = msg_info(&limits, false);
    struct msqid64_ds s;

    text_add(t, "       key      msqid perms      cbytes       qnum lspid "
                "lrpid   uid   gid  cuid  cgid      stime      rtime      "
                "ctime\n");
    for (int slot = 0; slot <= last; slot++) {
        int id = msg_stat_slot(slot, true, &s);

        if (id >= 0) {
            text_add(t, "%10d %10d  %4o  %10lu %10lu %5u %5u %5u %5u %5u %5u ",
                     s.perm.key, id, s.perm.mode, s.cbytes, s.qnum, s.lspid,
                     s.lrpid, s.perm.uid, s.perm.gid, s.perm.cuid, s.perm.cgid);
            text_add(t, "%10lu %10lu %10lu\n", s.stime, s.rtime, s.ctime);
        }
    }
    return 0;
}

const struct pseudo proc_ipc_rows[] = {
    {"shm", S_IFREG | 0444, .show = show_shm},
    {"sem", S_IFREG | 0444, .show = show_sem},
    {"msg", S_IFREG | 0444, .show = show_msg},
    {NULL},
};
