# SPDX-License-Identifier: MIT
# fs: the VFS and its leaves. Unit tests run over what needs no other room
# (FS_WORLD) with stand-ins for the rest (tests/support.c).

KERNEL_SRCS += $(sort $(wildcard kernel/fs/*.c) \
	$(filter-out kernel/fs/tests/%,$(wildcard kernel/fs/*/*.c))) \
	kernel/fs/procfs/config.S

# What /proc/config.gz shows; -n: the same bytes each time.
$(B)/config.gz: kernel/fs/procfs/config.txt
	@mkdir -p $(@D)
	gzip -9n <$< >$@
$(B)/kernel/kernel/fs/procfs/config.o: $(B)/config.gz
$(B)/kernel/kernel/fs/procfs/config.o: KERNEL_CFLAGS += \
	-DCONFIG_GZ='"$(B)/config.gz"'

FS_UNIT := $(B)/unit/kernel/fs
FS_WORLD := $(addprefix $(FS_UNIT)/, \
	tests/support.o acl.o acl_xattr.o aio.o anon.o async.o attr.o current.o dcache.o \
	dentry.o directory.o exec_file.o fdtable.o file.o inode.o \
	landlock/landlock.o lease.o \
	locks.o locks_outside.o \
	mapping.o mount/mount.o mount/mount_adrift.o mount/mount_bind.o \
	mount/mount_count.o mount/mount_graft.o mount/mount_move.o mount/mount_remove.o \
	mount/mount_share.o mount/mount_table.o \
	names.o nsfs.o open.o perm.o poll_wait.o regular.o rename.o rw.o splice.o \
	view.o walk.o xattr.o \
	event/dnotify.o event/epoll.o event/eventfd.o event/inotify.o \
	overlay/overlay.o overlay/overlay_copy.o overlay/overlay_names.o \
	overlay/overlay_remove.o pagecache/pagecache.o pagecache/pagefill.o \
	pagecache/pageroom.o pagecache/pagestock.o pagecache/pagetree.o pagecache/pagewindow.o \
	pipe/pipe.o pipe/pipe_open.o pipe/pipe_size.o procfs/tunable.o \
	tmpfs/memfd.o tmpfs/tmpfs.o tmpfs/tmpfs_names.o tmpfs/tmpfs_options.o \
	tmpfs/tmpfs_xattr.o) \
	$(addprefix $(B)/unit/kernel/, \
	mm/iobuf.o mm/stock.o core/lock.o core/lock_debug.o core/log.o core/clock.o \
	core/readers.o core/timer.o core/wait.o)
FS_TESTS := $(addprefix $(FS_UNIT)/tests/, tmpfs_test overlay_test walk_test \
	pagecache_test kinds_test both_test faults_test)
UNIT_TESTS += $(FS_TESTS)

$(FS_TESTS): %: %.o $(FS_WORLD) $(B)/unit/target/fake/fake.a $(B)/unit/lib/lib.a
	$(CC) $(UNIT_CFLAGS) -o $@ $^
