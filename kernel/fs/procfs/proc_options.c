/* SPDX-License-Identifier: MIT
 *
 * procfs: the options of mount(2) (proc(5)): who sees which processes. Each
 * mount has its own.
 */
#include "kernel/fs/procfs/procfs.h"
#include "kernel/fs/current.h"
#include "kernel/fs/path.h"
#include "kernel/proc/peer.h"
#include "lib/string.h"
#include "abi/linux/errno.h"
#include "abi/linux/statfs.h"

enum { HIDE_OFF, HIDE_NOACCESS, HIDE_INVISIBLE, HIDE_NOT_PTRACEABLE = 4 };

static const struct {
    const char *word, *digit;
    uint8_t hide;
} hides[] = {{"off", "0", HIDE_OFF},
             {"noaccess", "1", HIDE_NOACCESS},
             {"invisible", "2", HIDE_INVISIBLE},
             {"ptraceable", "4", HIDE_NOT_PTRACEABLE}};

/* ---- who may see ---- */

static bool is_spared(const struct pseudo_limits *l)
{
    struct fs_cred cred;

    fs_current_cred(&cred);
    return l->hide != HIDE_NOT_PTRACEABLE && fs_in_group(&cred, l->gid);
}

static bool may_see(const struct pseudo_limits *l, int pid)
{
    struct proc *p;
    bool may;

    if (is_spared(l)) {
        return true;
    }
    p = proc_find_any(pid);
    may = !p || proc_may_trace(p);
    if (p) {
        proc_put(p);
    }
    return may;
}

bool proc_visible(const struct pseudo_limits *l, int pid)
{
    return l->hide < HIDE_INVISIBLE || may_see(l, pid);
}

bool proc_enters(const struct pseudo_limits *l, int pid)
{
    return l->hide < HIDE_NOACCESS || may_see(l, pid);
}

/* ---- reading and showing options ---- */

/* The value of `word=` in [s, end), or NULL. */
static const char *value_of(const char *s, const char *end, const char *word)
{
    size_t len = strlen(word);

    return (size_t)(end - s) > len && memcmp(s, word, len) == 0 ? s + len
                                                                : NULL;
}

static bool is_word(const char *s, const char *end, const char *word)
{
    return (size_t)(end - s) == strlen(word) &&
           memcmp(s, word, (size_t)(end - s)) == 0;
}

static int hide_option(struct pseudo_limits *l, const char *s, const char *end)
{
    for (size_t i = 0; i < ARRAY_SIZE(hides); i++) {
        if (is_word(s, end, hides[i].word) || is_word(s, end, hides[i].digit)) {
            l->hide = hides[i].hide;
            return 0;
        }
    }
    return -EINVAL;
}

static int gid_option(struct pseudo_limits *l, const char *s, const char *end)
{
    uint64_t n = 0;

    for (; s < end && *s >= '0' && *s <= '9' && n <= UINT32_MAX; s++) {
        n = n * 10 + (uint64_t)(*s - '0');
    }
    if (s < end || n >= UINT32_MAX) {
        return -EINVAL;
    }
    l->gid = (uint32_t)n;
    return 0;
}

static int option(struct pseudo_limits *l, const char *s, const char *end)
{
    const char *value;

    if ((value = value_of(s, end, "hidepid="))) {
        return hide_option(l, value, end);
    }
    if ((value = value_of(s, end, "gid="))) {
        return gid_option(l, value, end);
    }
    if ((value = value_of(s, end, "subset=")) && is_word(value, end, "pid")) {
        l->numbers_only = true;
        return 0;
    }
    return -EINVAL;
}

int procfs_options(struct superblock *sb, const char *text, bool remount)
{
    struct pseudo_limits l = {0};
    int err = 0;

    if (remount) {
        l = *pseudo_limits(sb);
    }
    while (!err && *text) {
        const char *end = text;

        while (*end && *end != ',') {
            end++;
        }
        err = end > text ? option(&l, text, end) : 0;
        text = end + (*end == ',');
    }
    if (!err) {
        *pseudo_limits(sb) = l;
    }
    return err;
}

void proc_show_options(struct text *t, struct superblock *sb)
{
    const struct pseudo_limits *l;

    if (strcmp(sb->type, "proc") != 0) {
        return;
    }
    l = pseudo_limits(sb);
    if (l->gid) {
        text_add(t, ",gid=%u", l->gid);
    }
    for (size_t i = 0; i < ARRAY_SIZE(hides); i++) {
        if (l->hide && hides[i].hide == l->hide) {
            text_add(t, ",hidepid=%s", hides[i].word);
        }
    }
    if (l->numbers_only) {
        text_add(t, ",subset=pid");
    }
}
