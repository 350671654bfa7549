/* SPDX-License-Identifier: MIT
 *
 * "#!interpreter [argument]": spaces and tabs around both are dropped, what
 * follows the interpreter is one argument, spaces and all. A line longer than
 * the buffer is cut, but never inside the interpreter's name.
 */
#include "kernel/proc/exec/script.h"
#include "abi/linux/errno.h"
#include "lib/string.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

int script_parse(char *head, size_t len, char **interp, char **arg)
{
    char *line = head + 2;
    char *end = memchr(line, '\n', len - 2);
    bool cut = !end && len == SCRIPT_LINE_MAX - 1;
    char *p;

    end = end ? end : head + len;
    while (!cut && end > line && is_blank(end[-1])) {
        end--;
    }
    *end = '\0';
    while (is_blank(*line)) {
        line++;
    }
    for (p = line; *p && !is_blank(*p); p++) {
    }
    if (p == line || (cut && p == end)) {
        return -ENOEXEC;
    }
    *interp = line;
    *arg = NULL;
    if (*p) {
        *p++ = '\0';
        while (is_blank(*p)) {
            p++;
        }
        if (*p) {
            *arg = p;
        }
    }
    return 0;
}
