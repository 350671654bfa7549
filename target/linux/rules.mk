# SPDX-License-Identifier: MIT
# target/linux: a host process, and the final link of build/bin/enclos.
#
# kernel.o is the whole kernel with only its door left global (door.txt);
# linux.o is what runs on vCPU threads, without libc. Both are checked by
# `make lint`.

LINUX_DIR := target/linux
LINUX_VCPU_OBJS := $(addprefix $(B)/host/$(LINUX_DIR)/, stub.o trap.o \
	resume.o resume_short.o vcpu.o mem.o move.o clock.o random.o ring.o pool_ring.o \
	pool_wait.o stop.o trust.o cpuid.o)
LINUX_HOST_OBJS := $(addprefix $(B)/host/$(LINUX_DIR)/, start.o run.o arena.o \
	keys.o stock.o calibrate.o signals.o uring.o pool.o pool_attrs.o pool_ops.o \
	pool_names.o pool_socket.o)
LINUX_OBJS := $(B)/linux.o $(LINUX_HOST_OBJS)

# The program's FS base and vector registers are live there.
$(LINUX_VCPU_OBJS): HOST_CFLAGS += -ffreestanding -mgeneral-regs-only \
	-mfsgsbase -mrdrnd -fno-stack-protector -fvisibility=hidden \
	-include lib/hidden.h \
	-fcf-protection=none -fno-asynchronous-unwind-tables -U_FORTIFY_SOURCE \
	-DENCLOS_KERNEL

# It runs before libc is ready.
$(B)/host/$(LINUX_DIR)/start.o: HOST_CFLAGS += -ffreestanding \
	-mgeneral-regs-only -fno-stack-protector -fcf-protection=none \
	-U_FORTIFY_SOURCE

# ---- the kernel ----

KERNEL_OBJS = $(patsubst %,$(B)/kernel/%.o,$(basename $(KERNEL_SRCS))) \
	$(KERNEL_EXTRA_OBJS)

# $(call link_kernel,OUTPUT,OBJECTS): with one text section and one door.
define link_kernel
	ld -r -T $(LINUX_DIR)/kernel.lds -o $(1).all $(2)
	objcopy --keep-global-symbols=$(LINUX_DIR)/door.txt $(1).all $(1)
	@rm -f $(1).all
endef

.SECONDEXPANSION:
$(B)/kernel.o: $$(KERNEL_OBJS) $(LINUX_DIR)/kernel.lds $(LINUX_DIR)/door.txt
	$(call link_kernel,$@,$(KERNEL_OBJS))

# The vCPU side with its own memcpy and memset.
$(B)/linux.o: $(LINUX_VCPU_OBJS) $(B)/kernel/lib/string.o
	ld -r -o $@.all $^
	objcopy $(addprefix -L ,memcpy memmove memset memcmp memchr strlen \
		strnlen strcmp strncmp strchr strrchr strlcpy) $@.all $@
	@rm -f $@.all

# ---- the program ----

CLI_OBJS = $(patsubst %.c,$(B)/host/%.o,$(wildcard tools/cli/*.c))
ifneq ($(wildcard tools/cli/main.c),)
PROGRAMS += $(B)/bin/enclos
endif

$(B)/bin/enclos: $$(CLI_OBJS) $$(CLI_OBJS_EXTRA) $(LINUX_OBJS) $(B)/kernel.o
	@mkdir -p $(@D)
	$(CC) -static-pie -Wl,-e,host_start,-z,relro,-z,now,-z,pack-relative-relocs,--no-warnings -o $@ $^ $(CLI_LIBS) -lpthread

# ---- checks ----

LINTS += lint-door

# The kernel refers to nothing but target.h, has no SYSCALL instruction and
# touches no vector register outside arch and crypto; the vCPU side refers to
# nothing but the kernel's door and data of the host side.
lint-door: $(B)/kernel.o $(B)/linux.o
	@$(LINUX_DIR)/lint-door.sh $^
.PHONY: lint-door

# ---- tests: the target under a kernel of its own ----

MINI := $(B)/host/$(LINUX_DIR)/tests
MINI_KERNEL_OBJS := $(addprefix $(B)/kernel/, \
	$(addprefix $(LINUX_DIR)/tests/, mini_kernel.o mini_tests.o mini_user.o) \
	$(addprefix arch/x86_64/, cpu.o entry.o fpu.o usercopy.o switch.o) \
	lib/string.o lib/fmt.o)
UNIT_TESTS += $(MINI)/linux_test

$(MINI)/mini_kernel.o: $(MINI_KERNEL_OBJS) $(LINUX_DIR)/kernel.lds \
		$(LINUX_DIR)/door.txt
	@mkdir -p $(@D)
	$(call link_kernel,$@,$(MINI_KERNEL_OBJS))

$(MINI)/linux_test: $(MINI)/mini_main.o $(LINUX_OBJS) $(MINI)/mini_kernel.o
	$(CC) $(HOST_LDFLAGS) -o $@ $^ -lpthread
