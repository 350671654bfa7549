/* SPDX-License-Identifier: MIT
 * MAP_SHARED memory between parent, children and grandchildren: anonymous and
 * of a file; process-shared mutexes and semaphores in it; unmapped by some,
 * emptied by one. */
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct shared {
    pthread_mutex_t lock;
    sem_t go, done;
    int count, children;
    char text[64];
};

static struct shared *map_shared(int fd)
{
    return mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE,
                MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0), fd, 0);
}

static void init(struct shared *s)
{
    pthread_mutexattr_t attr;

    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&s->lock, &attr);
    sem_init(&s->go, 1, 0);
    sem_init(&s->done, 1, 0);
}

static void work(struct shared *s)
{
    sem_wait(&s->go);
    for (int i = 0; i < 200; i++) {
        pthread_mutex_lock(&s->lock);
        s->count++;
        pthread_mutex_unlock(&s->lock);
    }
    sem_post(&s->done);
}

static void use(struct shared *s, const char *name)
{
    for (int i = 0; i < 4; i++) {
        if (fork() == 0) {
            if (i == 3) { /* and a grandchild */
                pid_t pid = fork();
                if (pid == 0) {
                    strcpy(s->text, "a grandchild's");
                    _exit(0);
                }
                waitpid(pid, NULL, 0);
            }
            work(s);
            _exit(0);
        }
    }
    for (int i = 0; i < 4; i++) {
        sem_post(&s->go);
    }
    for (int i = 0; i < 4; i++) {
        sem_wait(&s->done);
    }
    while (wait(NULL) > 0) {
    }
    printf("%s: count %d, text %s\n", name, s->count, s->text);
}

static void unmapped_by_parent(void)
{
    struct shared *s = map_shared(-1);
    int to[2], from[2];
    char *other, c = 0;

    init(s);
    strcpy(s->text, "here");
    pipe(to);
    pipe(from);
    if (fork() == 0) {
        read(to[0], &c, 1);
        write(from[1], s->text, sizeof(s->text));
        _exit(0);
    }
    munmap(s, sizeof(*s));
    other = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(other, 'z', 1 << 16);
    write(to[1], &c, 1);
    {
        char text[64];
        read(from[0], text, sizeof(text));
        printf("child's view after our munmap: %s, ours %c\n", text, other[9]);
    }
    wait(NULL);
}

/* One munmap(2) of what has three protections, pages in between that are not
 * at a border of anything, more than once in case the place is lucky. */
static void unmapped_in_pieces(void)
{
    enum { SIZE = 5 << 20, PAGE = 4096 };

    for (int i = 0; i < 8; i++) {
        char *p = mmap(NULL, SIZE + i * PAGE, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        memset(p, i, SIZE);
        mprotect(p + (SIZE / 2) + i * 3 * PAGE, PAGE, PROT_READ);
        mprotect(p + SIZE - PAGE, PAGE, PROT_NONE);
        if (fork() == 0) {
            _exit(munmap(p, SIZE + i * PAGE) != 0);
        }
        wait(NULL);
        printf("%d", munmap(p, SIZE + i * PAGE));
    }
    puts(" unmapped in pieces");
}

/* A child takes the content away from all of them. */
static void emptied_by_child(int flags)
{
    enum { PAGE = 4096, USED = 100 * PAGE, SIZE = 2 * USED };
    char *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS | flags, -1, 0);
    char go[2];
    int fd[2];

    memset(p, 'u', USED);
    pipe(fd);
    if (fork() == 0) {
        read(fd[0], go, 1);
        if (madvise(p, SIZE, MADV_REMOVE)) {
            perror("madvise");
        }
        p[PAGE] = 'c';
        _exit(0);
    }
    write(fd[1], go, 1);
    wait(NULL);
    printf("emptied by a child: %d %c %d\n", p[0], p[PAGE], p[USED - PAGE]);
    memset(p, 'w', SIZE);
    munmap(p, SIZE);
    close(fd[0]);
    close(fd[1]);
}

int main(void)
{
    char name[] = "/tmp/shared-XXXXXX";
    int fd = mkstemp(name);
    struct shared *anon = map_shared(-1), *file;

    setvbuf(stdout, NULL, _IONBF, 0);
    ftruncate(fd, 8192);
    file = map_shared(fd);
    init(anon);
    init(file);
    use(anon, "anonymous");
    use(file, "file");
    unmapped_by_parent();
    unmapped_in_pieces();
    emptied_by_child(0);
    emptied_by_child(MAP_NORESERVE);
    unlink(name);
    return 0;
}
