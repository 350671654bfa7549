/* SPDX-License-Identifier: MIT
 *
 * O_APPEND and shared offsets: where bytes land when two descriptors write
 * one file, and when threads append together.
 */
#include <pthread.h>
#include "tests/guest/show.h"

static void appending(void)
{
    title("appending");
    put("/tmp/f", "base");
    int ap = open("/tmp/f", O_RDWR | O_APPEND), wr = open("/tmp/f", O_RDWR);

    CALL(lseek, ap, 0L, SEEK_CUR);
    CALL(write, ap, "-one", 4L);
    CALL(lseek, ap, 0L, SEEK_CUR);
    CALL(lseek, ap, 0L, SEEK_SET);
    CALL(write, ap, "-two", 4L);
    CALL(write, wr, "BASE", 4L);
    CALL(pwrite64, ap, "-three", 6L, 0L);
    CALL(lseek, ap, 0L, SEEK_CUR);
    cat("/tmp/f");
    CALL(ftruncate, ap, 2L);
    CALL(write, ap, "!", 1L);
    cat("/tmp/f");
    CALL(fcntl, ap, F_SETFL, 0);
    CALL(lseek, ap, 0L, SEEK_SET);
    CALL(write, ap, "x", 1L);
    CALL(fcntl, wr, F_SETFL, O_APPEND);
    CALL(write, wr, "end", 3L);
    cat("/tmp/f");
    close(ap);
    close(wr);
}

static void sharing(void)
{
    title("one offset, two descriptors");
    int fd = open("/tmp/g", O_CREAT | O_RDWR, 0600), copy = dup(fd);
    int own = open("/tmp/g", O_RDWR);

    CALL(write, fd, "abc", 3L);
    CALL(lseek, copy, 0L, SEEK_CUR);
    CALL(lseek, own, 0L, SEEK_CUR);
    CALL(write, copy, "def", 3L);
    CALL(write, own, "X", 1L);
    CALL(lseek, fd, 1L, SEEK_SET);
    CALL(write, copy, "Y", 1L);
    cat("/tmp/g");
    close(fd);
    CALL(lseek, copy, 0L, SEEK_CUR);
    close(copy);
    close(own);
}

static void *append_lines(void *arg)
{
    int fd = open("/tmp/h", O_WRONLY | O_APPEND);
    char line[9];

    for (int i = 0; i < 500; i++) {
        sprintf(line, "%c%06d\n", (char)(intptr_t)arg, i);
        write(fd, line, 8);
    }
    close(fd);
    return NULL;
}

/* Every line whole, each thread's lines in order. */
static void together(void)
{
    pthread_t threads[4];
    int next[4] = {0}, wrong = 0, fd;
    char line[8];

    title("threads that append");
    put("/tmp/h", "");
    for (intptr_t i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, append_lines, (void *)('a' + i));
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    show_stat("/tmp/h");
    fd = open("/tmp/h", O_RDONLY);
    while (read(fd, line, 8) == 8) {
        int who = line[0] - 'a';

        if (who < 0 || who > 3 || line[7] != '\n' ||
            atoi(line + 1) != next[who]++) {
            wrong++;
        }
    }
    printf("%d %d %d %d wrong %d\n", next[0], next[1], next[2], next[3], wrong);
}

int main(void)
{
    show_start();
    appending();
    sharing();
    together();
    return 0;
}
