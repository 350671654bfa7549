# SPDX-License-Identifier: MIT
# tools/sign: keys and SIGSTRUCT.

CLI_OBJS_EXTRA += $(patsubst %.c,$(B)/host/%.o,$(wildcard tools/sign/*.c))
