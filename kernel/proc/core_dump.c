/* SPDX-License-Identifier: MIT
 *
 * Core files in the form that debuggers read (core(5), elf(5)): one segment of
 * notes (the thread that died, its registers, the auxiliary vector), then one
 * segment a mapping. Of mappings only what is there is written, the rest is a
 * hole in the file; what a file can give again is left out, but for the first
 * page of an ELF file, by which debuggers know where the file is mapped.
 */
#include "kernel/proc/core_dump.h"
#include "kernel/core/log.h"
#include "kernel/fs/attr.h"
#include "kernel/fs/file.h"
#include "kernel/fs/names.h"
#include "kernel/mm/heap.h"
#include "kernel/proc/room.h"
#include "abi/linux/elf.h"
#include "abi/linux/errno.h"
#include "abi/linux/resource.h"
#include "abi/linux/stat.h"
#include "lib/string.h"
#include "target/target.h"

enum { ET_CORE = 4, PT_NOTE = 4, SEGMENTS_MOST = 60000 };
enum { NT_PRSTATUS = 1, NT_FPREGSET = 2, NT_PRPSINFO = 3, NT_AUXV = 6 };
enum { NT_FILE = 0x46494c45, FILE_WORDS = 3 };
enum { CHUNK_PAGES = 16, FXSAVE_BYTES = 512 };

struct core_status { /* struct elf_prstatus */
    int32_t signo, code, err;
    int16_t cursig, pad;
    uint64_t pending, held;
    int32_t pid, ppid, pgrp, sid;
    uint64_t times[8];
    uint64_t regs[27]; /* user_regs up to gs_base, then ds, es, fs, gs */
    int32_t has_fpu, pad2;
};
static_assert(sizeof(struct core_status) == 336, "struct elf_prstatus");

struct core_info { /* struct elf_prpsinfo */
    char state, sname, zombie, nice;
    uint32_t pad;
    uint64_t flag;
    uint32_t uid, gid;
    int32_t pid, ppid, pgrp, sid;
    char fname[16], args[80];
};
static_assert(sizeof(struct core_info) == 136, "struct elf_prpsinfo");

struct note {
    uint32_t name_len, len, type;
    char name[8]; /* "CORE" */
};

struct region {
    uint64_t start, end;
    int prot;
    uint64_t content; /* so many bytes of it, from its start on */
    bool is_head;     /* of a file that is not dumped */
};

struct dump {
    struct file *file;
    uint64_t pos, limit;
    bool failed;
    struct region *regions;
    unsigned count, room;
    char *notes;
    size_t notes_len;
    size_t files, names_len; /* mappings of files, their paths with NULs */
    uint64_t *file_words;    /* while the note of them is written */
    char *file_names;
};

/* ---- what there is ---- */

static void add_region(const struct mm_region *r, void *arg)
{
    struct dump *d = arg;

    if (d->count == d->room) {
        unsigned room = MAX(d->room * 2, 64u);
        struct region *more = kmalloc(room * sizeof(*more));

        if (!more) {
            d->failed = true;
            return;
        }
        memcpy(more, d->regions, d->count * sizeof(*more));
        kfree(d->regions);
        d->regions = more;
        d->room = room;
    }
    d->regions[d->count++] = (struct region){
        .start = r->start,
        .end = r->end,
        .prot = r->prot,
        .content = r->resident && !r->no_dump && !r->secret &&
                           (!r->ino || r->prot & MEM_WRITE || r->written)
                       ? r->end - r->start
                       : 0,
        .is_head = r->ino && r->offset == 0 && r->prot & MEM_READ &&
                   !r->no_dump && !r->secret,
    };
    if (r->ino) {
        d->files++;
        d->names_len += strlen(r->path) + 1;
    }
}

static void find_heads(struct dump *d)
{
    static const uint8_t magic[4] = {0x7f, 'E', 'L', 'F'};
    uint8_t bytes[4];

    for (unsigned i = 0; i < d->count; i++) {
        struct region *r = &d->regions[i];

        if (r->is_head && !r->content &&
            !copy_from_user(bytes, uptr(r->start), sizeof(bytes)) &&
            memcmp(bytes, magic, sizeof(magic)) == 0) {
            r->content = PAGE_SIZE;
        }
    }
}

static void add_note(struct dump *d, uint32_t type, const void *data,
                     size_t len)
{
    struct note head = {5, (uint32_t)len, type, "CORE"};

    memcpy(d->notes + d->notes_len, &head, sizeof(head));
    memcpy(d->notes + d->notes_len + sizeof(head), data, len);
    d->notes_len += ALIGN_UP(sizeof(head) + len, (size_t)4);
}

static void add_file(const struct mm_region *r, void *arg)
{
    struct dump *d = arg;

    if (r->ino) {
        size_t len = strlen(r->path) + 1;

        *d->file_words++ = r->start;
        *d->file_words++ = r->end;
        *d->file_words++ = r->offset / PAGE_SIZE;
        memcpy(d->file_names, r->path, len);
        d->file_names += len;
    }
}

static size_t file_note_size(const struct dump *d)
{
    return (2 + FILE_WORDS * d->files) * sizeof(uint64_t) + d->names_len;
}

/* Which file is mapped where: their number, the unit of offsets, a triple for
 * each, their paths. */
static int add_files(struct dump *d)
{
    size_t len = file_note_size(d);
    uint64_t *note = kzalloc(len);

    if (!note) {
        return -ENOMEM;
    }
    note[0] = d->files;
    note[1] = PAGE_SIZE;
    d->file_words = note + 2;
    d->file_names = (char *)(note + 2 + FILE_WORDS * d->files);
    mm_for_each(current_proc()->mm, false, add_file, d);
    add_note(d, NT_FILE, note, len);
    kfree(note);
    return 0;
}

static void fill_status(struct core_status *s, const struct k_siginfo *info)
{
    struct thread *t = current_thread();
    struct proc *p = t->proc;

    *s = (struct core_status){
        .signo = info->signo,
        .code = info->code,
        .err = info->err,
        .cursig = (int16_t)info->signo,
        .pending = t->signals.pending.set,
        .held = t->signals.blocked,
        .pid = t->tid,
        .ppid = p->parent ? p->parent->pid : 0,
        .pgrp = p->pgid,
        .sid = p->sid,
        .has_fpu = 1,
    };
    memcpy(s->regs, thread_regs(t), 23 * sizeof(s->regs[0]));
    s->regs[21] = read_fs_base();
}

static int make_notes(struct dump *d, const struct k_siginfo *info)
{
    struct thread *t = current_thread();
    struct proc *p = t->proc;
    struct core_status status;
    struct core_info ps = {.sname = 'R',
                           .uid = p->cred.uid,
                           .gid = p->cred.gid,
                           .pid = p->pid,
                           .pgrp = p->pgid,
                           .sid = p->sid};

    d->notes = kzalloc(PAGE_SIZE + file_note_size(d));
    if (!d->notes) {
        return -ENOMEM;
    }
    fill_status(&status, info);
    add_note(d, NT_PRSTATUS, &status, sizeof(status));
    memcpy(ps.fname, p->comm, sizeof(ps.fname));
    memcpy(ps.args, p->comm, sizeof(p->comm));
    add_note(d, NT_PRPSINFO, &ps, sizeof(ps));
    add_note(d, NT_AUXV, p->auxv, p->auxv_len * sizeof(p->auxv[0]));
    fpu_leave(&t->task.fpu, &t->task.fpu_saved);
    add_note(d, NT_FPREGSET, &t->task.fpu, FXSAVE_BYTES);
    return add_files(d);
}

/* ---- writing ---- */

static void put(struct dump *d, const void *bytes, size_t len)
{
    struct iobuf io;

    if (d->failed || d->pos + len > d->limit) {
        d->failed = true;
        return;
    }
    iobuf_kernel(&io, (void *)bytes, len);
    d->failed = file_pwrite(d->file, &io, &d->pos, 0) != (long)len;
}

static void put_headers(struct dump *d)
{
    uint64_t at =
        sizeof(struct elf_header) + (1 + d->count) * sizeof(struct elf_phdr);
    struct elf_header h = {
        .ident = {0x7f, 'E', 'L', 'F', ELF_CLASS64, ELF_DATA_LSB, 1},
        .type = ET_CORE,
        .machine = ELF_MACHINE_X86_64,
        .version = 1,
        .phoff = sizeof(h),
        .ehsize = sizeof(h),
        .phentsize = sizeof(struct elf_phdr),
        .phnum = (uint16_t)(1 + d->count),
    };
    struct elf_phdr ph = {
        .type = PT_NOTE, .offset = at, .filesz = d->notes_len, .align = 4};

    put(d, &h, sizeof(h));
    put(d, &ph, sizeof(ph));
    at = ALIGN_UP(at + d->notes_len, (uint64_t)PAGE_SIZE);
    for (unsigned i = 0; i < d->count; i++) {
        const struct region *r = &d->regions[i];

        ph = (struct elf_phdr){
            .type = ELF_PT_LOAD,
            .flags = (r->prot & MEM_READ ? ELF_PF_R : 0) |
                     (r->prot & MEM_WRITE ? ELF_PF_W : 0) |
                     (r->prot & MEM_EXEC ? ELF_PF_X : 0),
            .offset = at,
            .vaddr = r->start,
            .filesz = r->content,
            .memsz = r->end - r->start,
            .align = PAGE_SIZE,
        };
        put(d, &ph, sizeof(ph));
        at += ph.filesz;
    }
    put(d, d->notes, d->notes_len);
    d->pos = ALIGN_UP(d->pos, (uint64_t)PAGE_SIZE);
}

/* Pages that are not there, or hold nothing that can be read, are holes. */
static void put_region(struct dump *d, const struct region *r, char *buf)
{
    struct mm *mm = current_proc()->mm;
    uint8_t there[CHUNK_PAGES];
    uint64_t pages;

    const uint64_t end = r->start + r->content;

    for (uint64_t at = r->start; at < end && !d->failed;
         at += pages * PAGE_SIZE) {
        pages = MIN((end - at) / PAGE_SIZE, (uint64_t)CHUNK_PAGES);
        if (mm_incore(mm, at, pages, there)) {
            memset(there, 0, sizeof(there));
        }
        for (uint64_t i = 0; i < pages && !d->failed; i++) {
            if (there[i] &&
                !copy_from_user(buf, uptr(at + i * PAGE_SIZE), PAGE_SIZE)) {
                put(d, buf, PAGE_SIZE);
            } else {
                d->pos += PAGE_SIZE;
            }
        }
    }
}

static void put_memory(struct dump *d)
{
    char *buf = kmalloc(PAGE_SIZE);
    struct path *p = &d->file->path;

    for (unsigned i = 0; i < d->count && buf; i++) {
        if (d->regions[i].content) {
            put_region(d, &d->regions[i], buf);
        }
    }
    if (buf && !d->failed && file_size(d->file) < d->pos) {
        d->failed = attr_truncate(p, d->pos) != 0; /* ends in a hole */
    }
    kfree(buf);
}

/* ---- the file ---- */

static int open_core(int signo, struct file **out)
{
    char name[CORE_NAME_BYTES];
    struct file *f;
    int err;

    core_name(signo, name);
    err = name[0] ? name_open(NULL, name,
                              O_CREAT | O_RDWR | O_NOFOLLOW | O_LARGEFILE, 0600,
                              0, &f)
                  : -ENOENT;
    if (err) {
        return err;
    }
    if (!S_ISREG(f->inode->mode) || f->inode->nlink != 1 ||
        f->inode->uid != current_cred()->fsuid) {
        err = -EPERM; /* somebody has put it there */
    } else {
        err = attr_truncate(&f->path, 0);
    }
    if (err) {
        file_put(f);
        return err;
    }
    *out = f;
    return 0;
}

bool core_dump(const struct k_siginfo *info)
{
    struct proc *p = current_proc();
    struct dump d = {.limit = p->limits[LIMIT_CORE].cur};
    bool done = false;

    if (!p->dumpable || d.limit < PAGE_SIZE || proc_kill_siblings()) {
        return false;
    }
    if (open_core(info->signo, &d.file)) {
        return false;
    }
    mm_for_each(p->mm, true, add_region, &d);
    find_heads(&d);
    if (!d.failed && d.count < SEGMENTS_MOST && !make_notes(&d, info)) {
        put_headers(&d);
        put_memory(&d);
        done = true; /* one that was cut at the limit, too */
    }
    file_put(d.file);
    kfree(d.notes);
    kfree(d.regions);
    return done;
}
