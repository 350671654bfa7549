/* SPDX-License-Identifier: MIT
 *
 * Programs made here byte by byte: a segment that has nothing of the file (its
 * offset means nothing, and it can be written), and names of interpreters.
 */
#include <elf.h>
#include <sys/wait.h>
#include "tests/guest/show.h"

static struct {
    Elf64_Ehdr head;
    Elf64_Phdr segments[3];
    unsigned char code[32];
    char name[32];
} program = {
    .head = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1},
             .e_type = ET_EXEC,
             .e_machine = EM_X86_64,
             .e_version = 1,
             .e_entry = 0x400000 + sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Phdr),
             .e_phoff = sizeof(Elf64_Ehdr),
             .e_ehsize = sizeof(Elf64_Ehdr),
             .e_phentsize = sizeof(Elf64_Phdr),
             .e_phnum = 2},
    .segments = {{.p_type = PT_LOAD,
                  .p_flags = PF_R | PF_X,
                  .p_vaddr = 0x400000,
                  .p_filesz = sizeof(program),
                  .p_memsz = sizeof(program),
                  .p_align = 4096},
                 {.p_type = PT_LOAD,
                  .p_flags = PF_R,
                  .p_offset = 0x123,
                  .p_vaddr = 0x410000,
                  .p_memsz = 4096,
                  .p_align = 4096},
                 {.p_type = PT_INTERP,
                  .p_offset = offsetof(typeof(program), name)}},
    /* *(char *)0x410000 += 7, and exit_group() with it */
    .code = {0x80, 0x04, 0x25, 0x00, 0x00, 0x41, 0x00, 0x07,
             0x0f, 0xb6, 0x3c, 0x25, 0x00, 0x00, 0x41, 0x00,
             0xb8, 0xe7, 0x00, 0x00, 0x00, 0x0f, 0x05},
};

static void run(const char *what)
{
    static char *args[] = {(char *)"made", NULL};
    int fd = open("/tmp/made", O_CREAT | O_TRUNC | O_WRONLY, 0755), status;

    write(fd, &program, sizeof(program));
    close(fd);
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        execve("/tmp/made", args, args + 1);
        printf("%s: %s\n", what, strerrorname_np(errno));
        _exit(0);
    }
    waitpid(pid, &status, 0);
    printf("%s: status %x\n", what, status);
}

static void name(const char *what, size_t len)
{
    program.head.e_phnum = 3;
    program.segments[2].p_filesz = len;
    memcpy(program.name, what, len);
    run(what);
}

int main(void)
{
    show_start();
    run("memory only");
    name("/tmp/none", 10);
    name("/tmp/none", 9);
    name("/tmp", 5);
    name("", 1);
    name("\0", 2);
    return 0;
}
