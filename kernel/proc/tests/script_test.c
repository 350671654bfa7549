/* SPDX-License-Identifier: MIT
 *
 * First lines of scripts, as execve(2) reads them.
 */
#include <stdlib.h>
#include "lib/tests/unit.h"
#include "abi/linux/errno.h"
#include "kernel/proc/exec/script.h"
#include "lib/string.h"

static char *interp, *arg, *buffer;

/* Parses line from a heap buffer of exactly the size that is promised. */
static int parse(const char *line)
{
    size_t len = MIN(strlen(line), (size_t)SCRIPT_LINE_MAX - 1);

    free(buffer);
    buffer = malloc(len + 1);
    memcpy(buffer, line, len);
    interp = arg = NULL;
    return script_parse(buffer, len, &interp, &arg);
}

static void interpreter_and_argument_are_split(void)
{
    EXPECT_EQ(parse("#!/bin/sh\necho"), 0);
    EXPECT(strcmp(interp, "/bin/sh") == 0 && !arg);
    EXPECT_EQ(parse("#! /bin/sh -e \nx"), 0);
    EXPECT(strcmp(interp, "/bin/sh") == 0 && strcmp(arg, "-e") == 0);
    EXPECT_EQ(parse("#!\t/usr/bin/env  python3 -u\t\n"), 0);
    EXPECT(strcmp(interp, "/usr/bin/env") == 0);
    EXPECT(strcmp(arg, "python3 -u") == 0);
    EXPECT_EQ(parse("#!/bin/sh"), 0);
    EXPECT(strcmp(interp, "/bin/sh") == 0 && !arg);
}

static void a_line_without_interpreter_is_refused(void)
{
    EXPECT_EQ(parse("#!"), -ENOEXEC);
    EXPECT_EQ(parse("#!\n/bin/sh"), -ENOEXEC);
    EXPECT_EQ(parse("#!  \t \n"), -ENOEXEC);
}

static void a_long_line_is_cut_but_not_in_the_name(void)
{
    char line[600];

    memset(line, 'a', sizeof(line));
    memcpy(line, "#!/", 3);
    line[599] = '\0';
    EXPECT_EQ(parse(line), -ENOEXEC);
    line[10] = ' ';
    EXPECT_EQ(parse(line), 0);
    EXPECT_EQ(strlen(interp), 8);
    EXPECT_EQ(strlen(arg), SCRIPT_LINE_MAX - 1 - 11);
}

int main(void)
{
    RUN(interpreter_and_argument_are_split);
    RUN(a_line_without_interpreter_is_refused);
    RUN(a_long_line_is_cut_but_not_in_the_name);
    free(buffer);
    return unit_result();
}
