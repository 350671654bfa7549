# What autoconf makes of a configure.ac of every day, run by dash; then make
# with what it found.
mkdir -p /tmp/project/src && cd /tmp/project || exit 1
cat >configure.ac <<'END'
AC_INIT([project], [1.2], [bugs@example.org])
AC_CONFIG_SRCDIR([src/main.c])
AC_CONFIG_HEADERS([config.h])
AC_PROG_CC
AC_PROG_AWK
AC_PROG_SED
AC_PROG_GREP
AC_PROG_LN_S
AC_PROG_MAKE_SET
AC_C_BIGENDIAN
AC_C_INLINE
AC_C_CONST
AC_SYS_LARGEFILE
AC_CHECK_HEADERS([unistd.h sys/epoll.h sys/event.h windows.h linux/futex.h])
AC_CHECK_TYPES([ptrdiff_t, struct statx], [], [], [[#include <sys/stat.h>
#include <stddef.h>]])
AC_CHECK_SIZEOF([long])
AC_CHECK_SIZEOF([void *])
AC_CHECK_MEMBERS([struct stat.st_blocks, struct stat.st_fork])
AC_CHECK_DECLS([strlcpy, memmem], [], [], [[#include <string.h>]])
AC_CHECK_FUNCS([fork vfork splice kqueue strsignal copy_file_range])
AC_SEARCH_LIBS([sqrt], [m])
AC_CHECK_LIB([nothing_of_this_name], [main])
AC_FUNC_FORK
AC_ARG_ENABLE([extra], [AS_HELP_STRING([--enable-extra], [more of it])])
AS_IF([test "x$enable_extra" = xyes],
    [AC_DEFINE([EXTRA], [1], [More of it.])])
AC_CONFIG_FILES([Makefile src/version.h])
AC_CONFIG_COMMANDS([stamp], [echo stamped >stamp])
AC_OUTPUT
END
cat >Makefile.in <<'END'
CC = @CC@
CFLAGS = @CFLAGS@
project: src/main.o src/other.o
	$(CC) -o $@ src/main.o src/other.o @LIBS@
src/%.o: src/%.c config.h
	$(CC) @DEFS@ -I. $(CFLAGS) -c -o $@ $<
END
echo '#define VERSION "@PACKAGE_VERSION@"' >src/version.h.in
cat >src/main.c <<'END'
#include "config.h"
#include <stdio.h>
#include "version.h"
int other(void);
int main(void)
{
    printf("%s %s %d %d\n", PACKAGE_NAME, VERSION, SIZEOF_LONG, EXTRA);
    return other();
}
END
echo 'int other(void) { return 7; }' >src/other.c
cp /usr/share/autoconf/build-aux/* . && autoconf && autoheader || exit 1
wc -l <configure
for options in "" "--enable-extra CFLAGS=-O1"; do
    CONFIG_SHELL=/bin/dash dash ./configure $options
    echo "configure $?"
done
grep '^#define' config.h
make -j4 2>&1 | sort
./project
echo "project $?"
cat stamp
dash ./configure --no-such-option 2>&1 | tail -n 2
./config.status --version | head -n 1
