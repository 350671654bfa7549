/* SPDX-License-Identifier: MIT
 * Four runs of a program with fixed addresses pass a token around. Each has
 * memory at those addresses and elsewhere, and looks at all of it in each turn,
 * also while it has a child, when another has ended, been killed or executed
 * itself anew, and when a file that it maps gets shorter while it waits. */
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RUNS = 4, TURNS = 60, SIZE = 3 << 20, STEP = 4096, FD = 20 };

static uint32_t data[5000] = {1};
static uint32_t *heap, *elsewhere;
static sigjmp_buf back;

static int turn_in(int id)
{
    return FD + 2 * id;
}

static int turn_out(int id)
{
    return FD + 2 * ((id + 1) % RUNS) + 1;
}

static void set(uint32_t to)
{
    for (int i = 0; i < 5000; i += 700) {
        data[i] = to;
    }
    for (int i = 0; i < SIZE / 4; i += STEP / 4) {
        elsewhere[i] = to + 1;
    }
    for (int i = 0; i < 400000 / 4; i += 3000) {
        heap[i] = to + 2;
    }
}

static int wrong(uint32_t to)
{
    int n = 0;

    for (int i = 0; i < 5000; i += 700) {
        n += data[i] != to;
    }
    for (int i = 0; i < SIZE / 4; i += STEP / 4) {
        n += elsewhere[i] != to + 1;
    }
    for (int i = 0; i < 400000 / 4; i += 3000) {
        n += heap[i] != to + 2;
    }
    return n;
}

static void *thread(void *arg)
{
    return arg;
}

static void on_bus(int sig)
{
    siglongjmp(back, sig);
}

/* The file gets shorter while another has its turn. */
static const char *look_behind(volatile char *mapped)
{
    if (sigsetjmp(back, 1) == SIGBUS) {
        return "SIGBUS";
    }
    return mapped[STEP] ? "there" : "zero";
}

static int in_child(uint32_t mark, int in, int out)
{
    char c;
    int bad = wrong(mark);

    for (uint32_t i = 0; i < 10; i++) {
        set(mark + 100 + i);
        write(out, "", 1);
        read(in, &c, 1);
        bad += wrong(mark + 100 + i);
    }
    return bad ? 1 : 42;
}

/* With a child that runs in turns with it. */
static void with_child(int id, uint32_t mark)
{
    int down[2], up[2], status, bad = 0;
    pthread_t other;
    char c;

    pipe(down);
    pipe(up);
    pthread_create(&other, NULL, thread, NULL);
    pthread_join(other, NULL);
    if (fork() == 0) {
        _exit(in_child(mark, down[0], up[1]));
    }
    for (int i = 0; i < 10; i++) {
        read(up[0], &c, 1);
        bad += wrong(mark);
        write(down[1], "", 1);
    }
    wait(&status);
    printf("run %d: child %d, wrong %d\n", id, WEXITSTATUS(status), bad);
}

static void begin(uint32_t mark)
{
    mallopt(M_MMAP_THRESHOLD, SIZE); /* behind the image, not mapped */
    heap = malloc(400000);
    elsewhere = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    set(mark);
    signal(SIGBUS, on_bus);
}

static int run(char **argv, int id, int first)
{
    uint32_t mark = 1000u * (uint32_t)id;
    char *mapped = NULL, name[] = "/tmp/strangers", c;
    int bad = 0, f;

    begin(mark);
    for (int turn = first; turn < TURNS; turn++) {
        if (read(turn_in(id), &c, 1) != 1) {
            _exit(9);
        }
        bad += wrong(mark);
        set(++mark);
        if (turn == 10 + id) {
            with_child(id, mark);
        }
        if (turn == 20 && id == 1) {
            f = open(name, O_RDWR | O_CREAT, 0600);
            ftruncate(f, 2 * STEP);
            pwrite(f, "x", 1, STEP);
            mapped = mmap(NULL, 2 * STEP, PROT_READ, MAP_SHARED, f, 0);
            printf("run 1: %s\n", look_behind(mapped));
        }
        if (turn == 25 && id == 3) {
            truncate(name, STEP);
        }
        if (turn == 26 && id == 1) {
            printf("run 1: %s\n", look_behind(mapped));
            unlink(name);
        }
        if (turn == 30 && id == 2) {
            printf("run 2: wrong %d, executes itself\n", bad);
            write(turn_out(id), "", 1);
            execl(argv[0], argv[0], "2", "31", (char *)NULL);
        }
        if (turn == 40 && id == 3) {
            printf("run 3: wrong %d, is killed\n", bad);
            raise(SIGKILL);
        }
        if (turn == TURNS - 1) {
            printf("run %d: wrong %d\n", id, bad);
        }
        write(turn_out(id), "", 1);
    }
    return id;
}

int main(int argc, char **argv)
{
    pid_t pids[RUNS];
    int status, sum = 0;

    setvbuf(stdout, NULL, _IONBF, 0);
    if (argc > 2) {
        return run(argv, atoi(argv[1]), atoi(argv[2]));
    }
    for (int i = 0; i < RUNS; i++) {
        int fds[2];
        pipe2(fds, 0);
        dup2(fds[0], turn_in(i));
        dup2(fds[1], turn_in(i) + 1);
        close(fds[0]);
        close(fds[1]);
    }
    for (int i = 0; i < RUNS; i++) {
        char id[2] = {(char)('0' + i)};
        pids[i] = fork();
        if (pids[i] == 0) {
            execl(argv[0], argv[0], id, "0", (char *)NULL);
        }
    }
    write(turn_in(0) + 1, "", 1);
    waitpid(pids[3], &status, 0);
    printf("killed by %d\n", WTERMSIG(status));
    pids[3] = fork();
    if (pids[3] == 0) {
        execl(argv[0], argv[0], "3", "41", (char *)NULL);
    }
    write(turn_in(0) + 1, "", 1);
    for (int i = 0; i < RUNS; i++) {
        waitpid(pids[i], &status, 0);
        sum = sum * 10 + WEXITSTATUS(status);
    }
    printf("ended with %d\n", sum);
    return 0;
}
