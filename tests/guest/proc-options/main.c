/* SPDX-License-Identifier: MIT
 *
 * procfs's mount options: hidepid, gid and subset, for somebody who is not
 * root; how /proc/self/mounts shows them; what is refused.
 */
#include <grp.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

#define AT "/tmp/p"

static char parent[64]; /* its directory */

/* Of our own processes: the parent is root's, the child not. */
static void list(void)
{
    DIR *dir = opendir(AT);
    int own = 0, others = 0, words = 0;
    struct dirent *e;

    while (dir && (e = readdir(dir)) != NULL) {
        if (atoi(e->d_name) == getpid()) {
            own = 1;
        } else if (atoi(e->d_name) == getppid()) {
            others = 1;
        } else if (strcmp(e->d_name, "uptime") == 0) {
            words = 1;
        }
    }
    closedir(dir);
    printf("own %d parent's %d words %d\n", own, others, words);
}

static void look(void)
{
    struct stat st;
    char path[96];

    list();
    snprintf(path, sizeof(path), "%s/comm", parent);
    SHOW(stat(parent, &st));
    SHOW(access(path, R_OK));
    SHOW(access(AT "/self/comm", R_OK));
    SHOW(access(AT "/thread-self/comm", R_OK));
    SHOW(access(AT "/uptime", R_OK));
    SHOW(open(parent, O_RDONLY | O_DIRECTORY));
}

static void as_nobody(gid_t group)
{
    int pid;

    fflush(stdout);
    pid = fork();
    if (!pid) {
        setgroups(1, &group);
        setresgid(NOBODY, NOBODY, NOBODY);
        setresuid(NOBODY, NOBODY, NOBODY);
        look();
        exit(0);
    }
    waitpid(pid, NULL, 0);
}

static void mounted(void)
{
    FILE *f = fopen("/proc/self/mounts", "r");
    char line[512];

    while (fgets(line, sizeof(line), f)) {
        if (strstr(line, " " AT " ")) {
            fputs(line, stdout);
        }
    }
    fclose(f);
}

static void with(const char *options, gid_t group)
{
    title(options);
    SHOW(mount("proc", AT, "proc", 0, options));
    mounted();
    as_nobody(group);
    SHOW(umount(AT));
}

static void refused(const char *options)
{
    title(options);
    SHOW(mount("proc", AT, "proc", 0, options));
}

int main(void)
{
    show_start();
    mkdir(AT, 0755);
    snprintf(parent, sizeof(parent), AT "/%d", getpid());
    with("", NOBODY);
    with("hidepid=0", NOBODY);
    with("hidepid=1", NOBODY);
    with("hidepid=2", NOBODY);
    with("hidepid=invisible,gid=77", 77);
    with("hidepid=ptraceable,gid=77", 77);
    with("hidepid=noaccess,subset=pid", NOBODY);
    refused("hidepid=3");
    refused("gid=x");
    refused("subset=all");
    refused("bogus");
    title("remount");
    SHOW(mount("proc", AT, "proc", 0, "hidepid=2"));
    SHOW(mount("proc", AT, "proc", MS_REMOUNT, "hidepid=1"));
    mounted();
    SHOW(mount("proc", AT, "proc", MS_REMOUNT, "hidepid=9"));
    mounted();
    SHOW(umount(AT));
    return 0;
}
