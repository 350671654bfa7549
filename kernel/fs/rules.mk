# SPDX-License-Identifier: MIT
# fs: the VFS and its leaves. Unit tests run over what needs no other room
# (FS_WORLD) with stand-ins for the rest (tests/support.c).

KERNEL_SRCS += $(sort $(wildcard kernel/fs/*.c)) kernel/fs/config.S

# What /proc/config.gz shows; -n: the same bytes each time.
$(B)/config.gz: kernel/fs/config.txt
	@mkdir -p $(@D)
	gzip -9n <$< >$@
$(B)/kernel/kernel/fs/config.o: $(B)/config.gz
$(B)/kernel/kernel/fs/config.o: KERNEL_CFLAGS += -DCONFIG_GZ='"$(B)/config.gz"'

FS_UNIT := $(B)/unit/kernel/fs
FS_WORLD := $(addprefix $(FS_UNIT)/, tests/support.o aio.o anon.o attr.o async.o current.o \
	dcache.o dentry.o directory.o epoll.o eventfd.o fdtable.o file.o \
	dnotify.o inode.o inotify.o lease.o locks.o mapping.o memfd.o mount.o mount_count.o mount_move.o names.o open.o \
	overlay.o overlay_copy.o overlay_names.o overlay_remove.o pagecache.o \
	pagefill.o pageroom.o pagetree.o pagewindow.o perm.o pipe.o pipe_open.o \
	pipe_size.o poll_wait.o regular.o rename.o rw.o splice.o tmpfs.o tunable.o \
	tmpfs_names.o tmpfs_xattr.o exec_file.o view.o walk.o xattr.o) \
	$(addprefix $(B)/unit/kernel/, mm/iobuf.o core/lock.o \
	core/lock_debug.o core/log.o core/clock.o core/readers.o core/timer.o \
	core/wait.o)
FS_TESTS := $(addprefix $(FS_UNIT)/tests/, tmpfs_test overlay_test walk_test \
	pagecache_test kinds_test both_test faults_test)
UNIT_TESTS += $(FS_TESTS)

$(FS_TESTS): %: %.o $(FS_WORLD) $(B)/unit/target/fake/fake.a $(B)/unit/lib/lib.a
	$(CC) $(UNIT_CFLAGS) -o $@ $^
