/* SPDX-License-Identifier: MIT
 *
 * What programs and libraries take for granted without naming it in their ELF
 * headers: a language's modules, what libraries load or read by themselves.
 * One row a name; a row's paths are taken where the host has them.
 */
#include "tools/image/util.h"

#include <fnmatch.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIB "/usr/lib/x86_64-linux-gnu/"

/* What a line typed at a shell is made of. */
#define COMMANDS                                                               \
    "/usr/bin/{[,awk,basename,cat,chgrp,chmod,chown,clear,cmp,comm,cp,cut,"    \
    "date,dd,df,diff,dirname,du,env,expr,false,find,free,grep,egrep,fgrep,"    \
    "gzip,gunzip,zcat,head,hostname,id,install,kill,less,ln,ls,md5sum,mkdir,"  \
    "mkfifo,mktemp,more,mv,nice,nl,nohup,nproc,od,paste,pgrep,pkill,"          \
    "printenv,printf,ps,pwd,readlink,realpath,rm,rmdir,sed,seq,setsid,"        \
    "sha256sum,sleep,sort,split,stat,stdbuf,stty,sync,tail,tar,tee,test,"      \
    "timeout,top,touch,tr,true,truncate,tty,uname,uniq,uptime,wc,which,"       \
    "whoami,xargs,yes}"

/* name: a pattern (fnmatch(3)) for the file's name, links resolved. paths:
 * patterns (glob(7), with braces); %p is the directory above the file's own,
 * %n its name. */
static const struct runtime {
    const char *name;
    const char *paths[10];
} runtimes[] = {
    {"python3*",
     {"%p/lib/%n", "%p/lib/python3/dist-packages", "%p/local/lib/%n"}},
    {"perl*",
     {"/etc/perl", LIB "perl-base", LIB "perl", LIB "perl5", "/usr/share/perl",
      "/usr/share/perl5", "/usr/local/share/perl",
      "/usr/local/lib/x86_64-linux-gnu/perl"}},
    {"ruby*", {"%p/lib/ruby", LIB "ruby", "/var/lib/gems"}},
    {"node", {"%p/share/nodejs", "%p/lib/node_modules"}},
    {"lua5*", {"%p/share/lua", "%p/lib/lua", LIB "lua"}},
    {"java", {"%p/lib", "%p/conf"}},
    {"bash", {COMMANDS, "/bin/sh", "/etc/terminfo", "/usr/lib/terminfo"}},
    {"dash", {COMMANDS}},
    {"zsh*", {COMMANDS, "/usr/lib/x86_64-linux-gnu/zsh", "/usr/share/zsh"}},

    {"libc.so.6",
     {LIB "libgcc_s.so.1", LIB "libnss_*.so.2", LIB "gconv/gconv-modules.cache",
      LIB "gconv/UTF-*.so", LIB "gconv/UNICODE.so", LIB "gconv/ISO8859-1*.so",
      LIB "gconv/CP125*.so"}},
    {"libcrypto.so*",
     {"/etc/ssl/openssl.cnf", "/usr/lib/ssl/openssl.cnf", LIB "ossl-modules",
      LIB "engines-3"}},
    {"libssl.so*", {"/etc/ssl/certs", "/usr/lib/ssl/certs"}},
    {"libgnutls.so*", {"/etc/ssl/certs"}},
    {"libtinfo.so*", {"/usr/lib/terminfo", "/etc/terminfo"}},
    {"libreadline.so*", {"/etc/inputrc"}},
    {"libmagic.so*", {"/usr/lib/file", "/usr/share/misc/magic.mgc"}},
};

static bool needs_scan(const struct path_entry *e)
{
    return S_ISREG(e->st.st_mode) &&
           (e->st.st_mode & 0111 || strstr(e->path, ".so"));
}

/* A file or tree, and what the ELF files in it need. */
static int add_path(struct path_set *set, const char *path)
{
    size_t first = set->count;
    int err = path_set_add_tree(set, path, TREE_FOLLOW);

    for (size_t i = first, last = set->count; !err && i < last; i++) {
        if (needs_scan(&set->entries[i])) {
            char *copy = strdup(set->entries[i].path);

            err = copy ? elf_add_needed(set, copy) : -1;
            free(copy);
        }
    }
    return err;
}

static void expand(const char *pattern, const char *file, char *out,
                   size_t size)
{
    const char *name = strrchr(file, '/') + 1;
    const char *above = name - 1;
    size_t n = 0;

    while (above > file && above[-1] != '/') {
        above--;
    }
    out[0] = '\0';
    for (; *pattern && n + 1 < size; pattern++) {
        if (pattern[0] == '%' && pattern[1] == 'p') {
            n += (size_t)snprintf(out + n, size - n, "%.*s",
                                  above > file ? (int)(above - 1 - file) : 0,
                                  file);
            pattern++;
        } else if (pattern[0] == '%' && pattern[1] == 'n') {
            n += (size_t)snprintf(out + n, size - n, "%s", name);
            pattern++;
        } else {
            out[n++] = *pattern;
            out[n] = '\0';
        }
    }
}

static int add_row(struct path_set *set, const struct runtime *r,
                   const char *file)
{
    char pattern[PATH_MAX];
    int err = 0;

    for (const char *const *p = r->paths; !err && *p; p++) {
        glob_t g;

        expand(*p, file, pattern, sizeof(pattern));
        if (glob(pattern, GLOB_BRACE, NULL, &g)) {
            continue;
        }
        for (size_t i = 0; !err && i < g.gl_pathc; i++) {
            err = add_path(set, g.gl_pathv[i]);
        }
        globfree(&g);
    }
    return err;
}

static int add_companions(struct path_set *set, const char *file)
{
    const char *name = strrchr(file, '/') + 1;
    int err = 0;

    for (size_t i = 0; !err && i < sizeof(runtimes) / sizeof(*runtimes); i++) {
        if (!fnmatch(runtimes[i].name, name, 0)) {
            err = add_row(set, &runtimes[i], file);
        }
    }
    return err;
}

int runtime_add(struct path_set *set, size_t from)
{
    int err = 0;

    for (size_t i = from; !err && i < set->count; i++) {
        char *copy;

        if (!needs_scan(&set->entries[i])) {
            continue;
        }
        copy = strdup(set->entries[i].path); /* the entries may move */
        err = copy ? add_companions(set, copy) : image_error("out of memory");
        free(copy);
    }
    return err;
}
