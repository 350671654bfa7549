/* SPDX-License-Identifier: MIT */
/*
 * A directory gets another name all the time while somebody works in one below
 * it: nothing of that may fail or be seen. moving DIRECTORY
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 60 };

static unsigned failed;

static void must(int good, const char *what)
{
    if (!good && !failed++) {
        perror(what);
    }
}

static void move(void)
{
    for (;;) {
        must(rename("a", "b") == 0, "there");
        must(rename("b", "a") == 0, "back");
    }
}

static void use_file(const char *name, mode_t mode)
{
    char buf[8] = "";
    struct stat st;
    int fd = open(name, O_RDWR);

    must(fd >= 0, "open");
    must(pread(fd, buf, 7, 0) == 7 && !strcmp(buf, "content"), "read");
    must(fchmod(fd, mode) == 0, "fchmod");
    must(stat(name, &st) == 0 && (st.st_mode & 07777) == mode, "stat");
    close(fd);
}

static void use_names(void)
{
    int fd = open("new", O_CREAT | O_EXCL | O_WRONLY, 0644);

    must(fd >= 0, "create");
    close(fd);
    must(link("new", "second") == 0, "link");
    must(rename("second", "third") == 0, "rename");
    must(unlink("third") == 0 && unlink("new") == 0, "unlink");
    must(mkdir("down", 0755) == 0 && rmdir("down") == 0, "mkdir, rmdir");
}

static int names_count(void)
{
    DIR *d = opendir(".");
    int count = 0;

    while (d && readdir(d)) {
        count++;
    }
    closedir(d);
    return count;
}

int main(int argc, char **argv)
{
    pid_t mover;
    int fd, way;

    if (argc != 2 || chdir(argv[1]) || mkdir("a", 0755) || mkdir("a/d", 0755)) {
        return 2;
    }
    way = open("a/d", O_RDONLY | O_DIRECTORY);
    fd = open("a/d/f", O_CREAT | O_RDWR, 0644);
    must(write(fd, "content", 7) == 7, "write");
    close(fd);
    mover = fork();
    if (mover == 0) {
        move();
    }
    must(fchdir(way) == 0, "fchdir");
    for (unsigned i = 0; i < ROUNDS; i++) {
        use_file("f", 0600 + (i & 7));
        use_names();
        must(names_count() == 3, "names");
    }
    kill(mover, SIGKILL);
    waitpid(mover, NULL, 0);
    printf("%u failed\n", failed);
    return failed != 0;
}
