# SPDX-License-Identifier: MIT
# tools/image: making images on the host. The tests of the kernel's readers
# (kernel/fs/erofs/) are here too: they need images to read.

EROFS_CORE := $(addprefix kernel/fs/erofs/, erofs_core.o erofs_dir.o \
	erofs_xattr.o)
IMAGE_OBJS := $(addprefix $(B)/host/, $(EROFS_CORE)) \
	$(addprefix $(B)/host/tools/image/, build.o cache.o canon.o closure.o \
	elf.o hash.o ldso.o list.o lookup.o paths.o runtime.o stage.o trim.o \
	util.o verify.o)

CLI_OBJS_EXTRA += $(IMAGE_OBJS)
CLI_LIBS += -l:libcrypto.a

IMAGE_UNIT := $(B)/unit/tools/image
IMAGE_UNIT_OBJS := $(patsubst $(B)/host/%,$(B)/unit/%,$(IMAGE_OBJS))
$(IMAGE_UNIT)/%.o: UNIT_CFLAGS += -D_GNU_SOURCE

VERITY_UNIT_OBJS := $(addprefix $(B)/unit/kernel/fs/, erofs/verity.o \
	erofs/verity_tree.o erofs/verity_open.o tests/image_file.o) $(CRYPTO_UNIT_OBJS)

IMAGE_TESTS := $(addprefix $(B)/unit/kernel/fs/tests/, verity_test erofs_test \
	erofs_fuzz) $(IMAGE_UNIT)/tests/image_test $(IMAGE_UNIT)/tests/closure_test
UNIT_TESTS += $(IMAGE_TESTS)
$(IMAGE_TESTS): %: %.o $(VERITY_UNIT_OBJS) \
		$(IMAGE_UNIT_OBJS) $(B)/unit/lib/lib.a
	$(CC) $(UNIT_CFLAGS) -o $@ $^ -l:libcrypto.a -pthread
$(B)/unit/kernel/fs/tests/erofs_test.o: UNIT_CFLAGS += -D_GNU_SOURCE

# The leaf, with the page cache and host I/O below it, over target/fake.
LEAF_TESTS := $(addprefix $(B)/unit/kernel/fs/tests/, erofs_leaf_test \
	hostile_test)
UNIT_TESTS += $(LEAF_TESTS)
$(LEAF_TESTS): %: %.o $(B)/unit/kernel/fs/tests/leaf_world.o \
		$(addprefix $(B)/unit/kernel/, \
		fs/acl.o fs/erofs/erofs.o fs/erofs/verity.o \
		fs/erofs/verity_tree.o fs/erofs/verity_open.o fs/inode.o fs/pagecache/pagecache.o \
		fs/pagecache/pagefill.o fs/pagecache/pageroom.o \
		fs/pagecache/pagestock.o mm/stock.o \
		fs/pagecache/pagetree.o fs/pagecache/pagewindow.o \
		fs/tests/image_file.o crypto/sha256.o crypto/sha256_multi.o \
		mm/iobuf.o core/hostio.o core/hostio_ahead.o core/hostio_pages.o \
		core/hostio_buffer.o core/hostio_call.o core/hostio_given.o core/hostio_ring.o core/wait.o \
		core/clock.o core/readers.o core/timer.o core/lock.o \
		core/lock_debug.o core/log.o) \
		$(CRYPTO_OBJS) $(B)/unit/target/fake/fake.a \
		$(IMAGE_UNIT_OBJS) $(B)/unit/lib/lib.a
	$(CC) $(UNIT_CFLAGS) -o $@ $^ -l:libcrypto.a -pthread

# Not a test: prints GB/s of verified reading.
$(B)/host/kernel/fs/tests/verity_bench: HOST_CFLAGS += -DENCLOS_UNIT
$(B)/host/kernel/fs/tests/verity_bench: $(addprefix $(B)/host/kernel/, \
		fs/tests/verity_bench.o fs/tests/image_file.o fs/erofs/verity.o \
		fs/erofs/verity_tree.o fs/erofs/verity_open.o crypto/sha256.o \
		crypto/sha256_multi.o crypto/tests/stubs.o) $(CRYPTO_OBJS) \
		$(IMAGE_OBJS)
	$(CC) $(HOST_LDFLAGS) -o $@ $^ -l:libcrypto.a

# 100,000 lies instead of a sample.
test-hostile: $(B)/unit/kernel/fs/tests/hostile_test
	HOSTILE_SEEDS=100000 $<
.PHONY: test-hostile
