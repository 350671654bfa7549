/* SPDX-License-Identifier: MIT
 *
 * A program without an interpreter maps code and reads it, as valgrind does:
 * the bytes are the file's. Called there, it works all the same, and then
 * nothing else has changed. Static (rules.mk).
 */
#include <link.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

extern char code[], code_end[]; /* one system call, and back */
__asm__(".pushsection .text\n"
        ".balign 16\n"
        "code: mov $39, %eax\n" /* getpid */
        "syscall\n"
        "ret\n"
        "code_end:\n"
        ".popsection\n");

static char file[4 << 20];

/* Where in the file what lies at addr comes from. */
static long offset_of(const void *addr)
{
    const ElfW(Phdr) *p = (const void *)getauxval(AT_PHDR);

    for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++) {
        if (p[i].p_type == PT_LOAD && (p[i].p_flags & PF_X)) {
            return (long)addr - (long)p[i].p_vaddr + (long)p[i].p_offset;
        }
    }
    return -1;
}

static void look(int fd, const char *how, int prot, int later)
{
    long size = read(fd, file, sizeof(file)), at = offset_of(code);
    char *m = mmap(NULL, size, prot, MAP_PRIVATE, fd, 0);
    long changed = 0;

    title(how);
    if (later != prot) {
        SHOW(mprotect(m, size, later));
    }
    SHOW(memcmp(m, file, size));
    for (int i = 0; i < 3; i++) {
        EXPECT(((long (*)(void))(uintptr_t)(m + at))() == getpid());
    }
    for (long i = 0; i < size; i++) {
        changed += m[i] != file[i] && (i < at || i >= at + (code_end - code));
    }
    printf("changed elsewhere: %ld\n", changed);
    munmap(m, size);
    lseek(fd, 0, SEEK_SET);
}

int main(void)
{
    int fd;

    show_start();
    fd = open("/proc/self/exe", O_RDONLY);
    look(fd, "mapped", PROT_READ | PROT_EXEC, PROT_READ | PROT_EXEC);
    look(fd, "made executable", PROT_READ, PROT_READ | PROT_EXEC);
    int pid = fork();
    if (!pid) {
        look(fd, "in a child", PROT_READ | PROT_EXEC, PROT_READ | PROT_EXEC);
        exit(0);
    }
    waitpid(pid, NULL, 0);
    return 0;
}
