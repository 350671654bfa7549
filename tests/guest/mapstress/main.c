/* SPDX-License-Identifier: MIT
 *
 * Threads that map, unmap, protect, move and touch pages at random, each in
 * its own stretch of the address space, each comparing what it finds with an
 * array of pages; and mappings wherever the system puts them in between.
 *
 * usage: mapstress THREADS STEPS
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, GROUND = 128, FILE_PAGES = 64 };

struct page {
    int mapped, prot;
    long word;   /* the page's first */
    long origin; /* what it reads again after MADV_DONTNEED */
};

struct worker {
    pthread_t thread;
    unsigned seed;
    char *ground;
    struct page model[GROUND];
    long wrong;
};

static __thread sigjmp_buf back;
static int file_fd, steps;

static void on_fault(int signo)
{
    siglongjmp(back, 1);
}

static unsigned some(struct worker *w)
{
    return (unsigned)rand_r(&w->seed) >> 3;
}

static void wrong(struct worker *w, const char *what, unsigned i)
{
    if (w->wrong++ < 5) {
        printf("%s at page %u\n", what, i);
    }
}

static void pick(struct worker *w, unsigned *i, unsigned *n)
{
    *i = some(w) % GROUND;
    *n = 1 + some(w) % 20;
    *n = *n < GROUND - *i ? *n : GROUND - *i;
}

static int some_prot(struct worker *w)
{
    static const int prots[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE};

    return prots[some(w) % 3];
}

static void map(struct worker *w, unsigned i, unsigned n)
{
    int prot = some_prot(w), with_file = some(w) % 3 == 0;
    unsigned off = some(w) % (FILE_PAGES - 20);
    char *at = w->ground + i * PAGE;
    char *p = mmap(at, n * PAGE, prot,
                   MAP_PRIVATE | MAP_FIXED | (with_file ? 0 : MAP_ANONYMOUS),
                   with_file ? file_fd : -1, with_file ? off * PAGE : 0);

    if (p != at) {
        wrong(w, "mmap", i);
    }
    for (unsigned k = 0; k < n; k++) {
        long word = with_file ? 1000 + off + k : 0;
        w->model[i + k] = (struct page){1, prot, word, word};
    }
}

static void protect(struct worker *w, unsigned i, unsigned n)
{
    int prot = some_prot(w),
        err = mprotect(w->ground + i * PAGE, n * PAGE, prot);
    unsigned k = i;

    for (; k < i + n && w->model[k].mapped; k++) {
        w->model[k].prot = prot;
    }
    if ((err != 0) != (k < i + n)) {
        wrong(w, "mprotect", i);
    }
}

static void drop(struct worker *w, unsigned i, unsigned n)
{
    madvise(w->ground + i * PAGE, n * PAGE, MADV_DONTNEED);
    for (unsigned k = i; k < i + n; k++) {
        w->model[k].word = w->model[k].origin;
    }
}

static void unmap(struct worker *w, unsigned i, unsigned n)
{
    if (munmap(w->ground + i * PAGE, n * PAGE)) {
        wrong(w, "munmap", i);
    }
    memset(&w->model[i], 0, n * sizeof(w->model[0]));
}

/* One page, to another place. */
static void move(struct worker *w, unsigned i)
{
    unsigned to = some(w) % GROUND;

    if (to == i || !w->model[i].mapped) {
        return;
    }
    if (mremap(w->ground + i * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
               w->ground + to * PAGE) == MAP_FAILED) {
        wrong(w, "mremap", i);
        return;
    }
    w->model[to] = w->model[i];
    memset(&w->model[i], 0, sizeof(w->model[i]));
}

static void touch(struct worker *w, unsigned i)
{
    volatile long *p = (volatile long *)(w->ground + i * PAGE);
    volatile int write = some(w) % 2;
    struct page *m = &w->model[i];
    int may = m->mapped && m->prot & (write ? PROT_WRITE : PROT_READ);

    if (sigsetjmp(back, 1)) {
        if (may) {
            wrong(w, "fault", i);
        }
        return;
    }
    if (write) {
        *p = m->word = may ? (long)some(w) : m->word;
    } else if (*p != m->word) {
        wrong(w, "content", i);
    }
    if (!may) {
        wrong(w, "access", i);
    }
}

/* Somewhere: fresh pages are zero, whoever had the place before. */
static void elsewhere(struct worker *w, unsigned n)
{
    long *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    for (unsigned k = 0; k < n * PAGE / sizeof(long); k += 64) {
        if (p[k]) {
            wrong(w, "not zero", k);
        }
        p[k] = 7;
    }
    munmap(p, n * PAGE);
}

static void *work(void *arg)
{
    struct worker *w = arg;

    for (int s = 0; s < steps; s++) {
        unsigned i, n;
        pick(w, &i, &n);
        switch (some(w) % 16) {
        case 0:
        case 1:
            map(w, i, n);
            break;
        case 2:
            unmap(w, i, n);
            break;
        case 3:
        case 4:
            protect(w, i, n);
            break;
        case 5:
            drop(w, i, n);
            break;
        case 6:
            move(w, i);
            break;
        case 7:
            elsewhere(w, n);
            break;
        default:
            touch(w, i);
        }
    }
    return NULL;
}

static void make_file(void)
{
    file_fd = open("/tmp/mapstress", O_RDWR | O_CREAT | O_TRUNC, 0600);
    for (long i = 0; i < FILE_PAGES; i++) {
        long page[PAGE / sizeof(long)] = {1000 + i};
        pwrite(file_fd, page, PAGE, i * PAGE);
    }
    unlink("/tmp/mapstress");
}

int main(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 8;
    struct worker *w = calloc((size_t)count, sizeof(*w));
    struct sigaction sa = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};
    long sum = 0;

    steps = argc > 2 ? atoi(argv[2]) : 20000;
    sigaction(SIGSEGV, &sa, NULL);
    make_file();
    for (int i = 0; i < count; i++) {
        w[i].seed = (unsigned)i * 7919 + 1;
        w[i].ground = (char *)0x180000000000 + i * (1l << 30);
        pthread_create(&w[i].thread, NULL, work, &w[i]);
    }
    for (int i = 0; i < count; i++) {
        pthread_join(w[i].thread, NULL);
        sum += w[i].wrong;
    }
    printf("%d threads, %d steps, %ld wrong\n", count, steps, sum);
    return sum != 0;
}
