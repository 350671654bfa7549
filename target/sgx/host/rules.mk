# SPDX-License-Identifier: MIT
# target/sgx/host: the untrusted side, part of build/bin/enclos.

SGX_HOST_OBJS := $(addprefix $(B)/host/target/sgx/, layout.o \
	$(addprefix host/, enter.o lie.o load.o pages.o run.o vcpu.o vdso.o))
CLI_OBJS_EXTRA += $(SGX_HOST_OBJS)
