# SPDX-License-Identifier: MIT
# Tests of the command line, by the command line.

SCRIPT_TESTS += tests/cli/run-test.sh tests/cli/image-test.sh \
	tests/cli/memory-test.sh tests/cli/fault-test.sh tests/cli/gdb-test.sh \
	tests/cli/gs-test.sh tests/cli/tty-test.py

# What the scripts test, and the programs that they run in it.
export ENCLOS := $(B)/bin/enclos
export CLI_PROGRAMS := $(B)/cli
tests/cli/gs-test.sh: $(B)/cli/gs
$(B)/cli/%: tests/cli/%.c
	@mkdir -p $(@D)
	$(CC) -O2 -Wall -mfsgsbase -o $@ $<
