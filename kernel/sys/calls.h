/* SPDX-License-Identifier: MIT
 *
 * Every system call of x86-64 Linux, one row each, sorted by number:
 *
 *   SYSCALL(number, name, handler, state, result, arguments...)
 *
 * Numbers without a row (335..423, reserved) are no calls. A row names a
 * handler only when its .c exists; sys_none answers -ENOSYS. state: NONE;
 * PART, where a comment on the row's line says what is missing; DONE, when
 * the error cases match Linux in a guest test. result and arguments are
 * enum sys_kind without K_. `make docs/syscalls.md` turns this file into the
 * table in docs/. No include guard: read once for each use.
 */
/* One call, one line. */
/* clang-format off */
SYSCALL(0, read, sys_read, DONE, LONG, FD, OUTBUF, SIZE)
SYSCALL(1, write, sys_write, DONE, LONG, FD, BUF, SIZE)
SYSCALL(2, open, sys_open, DONE, FD, PATH, OFLAGS, OCT)
SYSCALL(3, close, sys_close, DONE, INT, FD)
SYSCALL(4, stat, sys_stat, DONE, INT, PATH, PTR)
SYSCALL(5, fstat, sys_fstat, DONE, INT, FD, PTR)
SYSCALL(6, lstat, sys_lstat, DONE, INT, PATH, PTR)
SYSCALL(7, poll, sys_poll, DONE, INT, PTR, UINT, INT)
SYSCALL(8, lseek, sys_lseek, DONE, OFF, FD, OFF, WHENCE)
SYSCALL(9, mmap, sys_mmap, PART, PTR, PTR, SIZE, PROT, MAP, FD, OFF) /* writable MAP_SHARED of files without a window */
SYSCALL(10, mprotect, sys_mprotect, DONE, INT, PTR, SIZE, PROT)
SYSCALL(11, munmap, sys_munmap, DONE, INT, PTR, SIZE)
SYSCALL(12, brk, sys_brk, DONE, PTR, PTR)
SYSCALL(13, rt_sigaction, sys_rt_sigaction, DONE, INT, SIG, PTR, PTR, SIZE)
SYSCALL(14, rt_sigprocmask, sys_rt_sigprocmask, DONE, INT, SIGHOW, SIGSET, PTR, SIZE)
SYSCALL(15, rt_sigreturn, sys_rt_sigreturn, DONE, LONG)
SYSCALL(16, ioctl, sys_ioctl, PART, INT, FD, HEX, PTR) /* the requests that programs make of files, pipes, sockets and terminals */
SYSCALL(17, pread64, sys_pread64, DONE, LONG, FD, OUTBUF, SIZE, OFF)
SYSCALL(18, pwrite64, sys_pwrite64, DONE, LONG, FD, BUF, SIZE, OFF)
SYSCALL(19, readv, sys_readv, DONE, LONG, FD, OUTIOV, INT)
SYSCALL(20, writev, sys_writev, DONE, LONG, FD, IOV, INT)
SYSCALL(21, access, sys_access, DONE, INT, PATH, OCT)
SYSCALL(22, pipe, sys_pipe, DONE, INT, FDPAIR)
SYSCALL(23, select, sys_select, DONE, INT, INT, PTR, PTR, PTR, PTR)
SYSCALL(24, sched_yield, sys_sched_yield, DONE, INT)
SYSCALL(25, mremap, sys_mremap, PART, PTR, PTR, SIZE, SIZE, HEX, PTR) /* MREMAP_DONTUNMAP, old length 0, moving code */
SYSCALL(26, msync, sys_msync, DONE, INT, PTR, SIZE, HEX)
SYSCALL(27, mincore, sys_mincore, DONE, INT, PTR, SIZE, PTR)
SYSCALL(28, madvise, sys_madvise, PART, INT, PTR, SIZE, MADV) /* SOFT_OFFLINE, HWPOISON; huge pages are nowhere seen */
SYSCALL(29, shmget, sys_shmget, DONE, INT, INT, SIZE, OCT)
SYSCALL(30, shmat, sys_shmat, PART, PTR, INT, PTR, HEX) /* one address for all: another is ENOMEM */
SYSCALL(31, shmctl, sys_shmctl, DONE, INT, INT, INT, PTR)
SYSCALL(32, dup, sys_dup, DONE, FD, FD)
SYSCALL(33, dup2, sys_dup2, DONE, FD, FD, FD)
SYSCALL(34, pause, sys_pause, DONE, INT)
SYSCALL(35, nanosleep, sys_nanosleep, DONE, INT, TIMESPEC, PTR)
SYSCALL(36, getitimer, sys_getitimer, DONE, INT, INT, PTR)
SYSCALL(37, alarm, sys_alarm, DONE, UINT, UINT)
SYSCALL(38, setitimer, sys_setitimer, DONE, INT, INT, PTR, PTR)
SYSCALL(39, getpid, sys_getpid, DONE, PID)
SYSCALL(40, sendfile, sys_sendfile, DONE, LONG, FD, FD, PTR, SIZE)
SYSCALL(41, socket, sys_socket, DONE, FD, AF, SOCK, INT)
SYSCALL(42, connect, sys_connect, DONE, INT, FD, PTR, UINT)
SYSCALL(43, accept, sys_accept, DONE, FD, FD, PTR, PTR)
SYSCALL(44, sendto, sys_sendto, DONE, LONG, FD, BUF, SIZE, HEX, PTR, UINT)
SYSCALL(45, recvfrom, sys_recvfrom, DONE, LONG, FD, OUTBUF, SIZE, HEX, PTR, PTR)
SYSCALL(46, sendmsg, sys_sendmsg, DONE, LONG, FD, PTR, HEX)
SYSCALL(47, recvmsg, sys_recvmsg, DONE, LONG, FD, PTR, HEX)
SYSCALL(48, shutdown, sys_shutdown, DONE, INT, FD, INT)
SYSCALL(49, bind, sys_bind, DONE, INT, FD, PTR, UINT)
SYSCALL(50, listen, sys_listen, DONE, INT, FD, INT)
SYSCALL(51, getsockname, sys_getsockname, DONE, INT, FD, PTR, PTR)
SYSCALL(52, getpeername, sys_getpeername, DONE, INT, FD, PTR, PTR)
SYSCALL(53, socketpair, sys_socketpair, DONE, INT, AF, SOCK, INT, FDPAIR)
SYSCALL(54, setsockopt, sys_setsockopt, PART, INT, FD, INT, INT, PTR, UINT) /* options of what is not there: multicast routing, TCP repair */
SYSCALL(55, getsockopt, sys_getsockopt, PART, INT, FD, INT, INT, PTR, PTR) /* as setsockopt */
SYSCALL(56, clone, sys_clone, PART, PID, CLONE, PTR, PTR, PTR, PTR) /* no namespaces; handlers are copied, never shared */
SYSCALL(57, fork, sys_fork, DONE, PID)
SYSCALL(58, vfork, sys_vfork, DONE, PID)
SYSCALL(59, execve, sys_execve, DONE, INT, PATH, STRV, PTR)
SYSCALL(60, exit, sys_exit, DONE, INT, INT)
SYSCALL(61, wait4, sys_wait4, DONE, PID, PID, STATUS, HEX, PTR)
SYSCALL(62, kill, sys_kill, DONE, INT, PID, SIG)
SYSCALL(63, uname, sys_uname, DONE, INT, PTR)
SYSCALL(64, semget, sys_semget, DONE, INT, INT, INT, OCT)
SYSCALL(65, semop, sys_semop, DONE, INT, INT, PTR, SIZE)
SYSCALL(66, semctl, sys_semctl, DONE, INT, INT, INT, INT, PTR)
SYSCALL(67, shmdt, sys_shmdt, DONE, INT, PTR)
SYSCALL(68, msgget, sys_msgget, DONE, INT, INT, OCT)
SYSCALL(69, msgsnd, sys_msgsnd, DONE, INT, INT, PTR, SIZE, HEX)
SYSCALL(70, msgrcv, sys_msgrcv, DONE, LONG, INT, PTR, SIZE, LONG, HEX)
SYSCALL(71, msgctl, sys_msgctl, DONE, INT, INT, INT, PTR)
SYSCALL(72, fcntl, sys_fcntl, DONE, INT, FD, FCNTL, PTR)
SYSCALL(73, flock, sys_flock, DONE, INT, FD, INT)
SYSCALL(74, fsync, sys_fsync, DONE, INT, FD)
SYSCALL(75, fdatasync, sys_fdatasync, DONE, INT, FD)
SYSCALL(76, truncate, sys_truncate, DONE, INT, PATH, OFF)
SYSCALL(77, ftruncate, sys_ftruncate, DONE, INT, FD, OFF)
SYSCALL(78, getdents, sys_getdents, DONE, LONG, FD, PTR, UINT)
SYSCALL(79, getcwd, sys_getcwd, DONE, INT, OUTBUF, SIZE)
SYSCALL(80, chdir, sys_chdir, DONE, INT, PATH)
SYSCALL(81, fchdir, sys_fchdir, DONE, INT, FD)
SYSCALL(82, rename, sys_rename, DONE, INT, PATH, PATH)
SYSCALL(83, mkdir, sys_mkdir, DONE, INT, PATH, OCT)
SYSCALL(84, rmdir, sys_rmdir, DONE, INT, PATH)
SYSCALL(85, creat, sys_creat, DONE, FD, PATH, OCT)
SYSCALL(86, link, sys_link, DONE, INT, PATH, PATH)
SYSCALL(87, unlink, sys_unlink, DONE, INT, PATH)
SYSCALL(88, symlink, sys_symlink, DONE, INT, PATH, PATH)
SYSCALL(89, readlink, sys_readlink, DONE, INT, PATH, OUTBUF, SIZE)
SYSCALL(90, chmod, sys_chmod, DONE, INT, PATH, OCT)
SYSCALL(91, fchmod, sys_fchmod, DONE, INT, FD, OCT)
SYSCALL(92, chown, sys_chown, DONE, INT, PATH, UINT, UINT)
SYSCALL(93, fchown, sys_fchown, DONE, INT, FD, UINT, UINT)
SYSCALL(94, lchown, sys_lchown, DONE, INT, PATH, UINT, UINT)
SYSCALL(95, umask, sys_umask, DONE, OCT, OCT)
SYSCALL(96, gettimeofday, sys_gettimeofday, DONE, INT, PTR, PTR)
SYSCALL(97, getrlimit, sys_getrlimit, DONE, INT, RLIMIT, PTR)
SYSCALL(98, getrusage, sys_getrusage, PART, INT, INT, PTR) /* no I/O counts */
SYSCALL(99, sysinfo, sys_sysinfo, DONE, INT, PTR)
SYSCALL(100, times, sys_times, DONE, LONG, PTR)
SYSCALL(101, ptrace, sys_ptrace, PART, LONG, LONG, PID, PTR, PTR) /* no watched addresses */
SYSCALL(102, getuid, sys_getuid, DONE, UINT)
SYSCALL(103, syslog, sys_not_permitted, PART, INT, INT, PTR, INT) /* EPERM always */
SYSCALL(104, getgid, sys_getgid, DONE, UINT)
SYSCALL(105, setuid, sys_setuid, DONE, INT, INT)
SYSCALL(106, setgid, sys_setgid, DONE, INT, INT)
SYSCALL(107, geteuid, sys_geteuid, DONE, UINT)
SYSCALL(108, getegid, sys_getegid, DONE, UINT)
SYSCALL(109, setpgid, sys_setpgid, DONE, INT, PID, PID)
SYSCALL(110, getppid, sys_getppid, DONE, PID)
SYSCALL(111, getpgrp, sys_getpgrp, DONE, PID)
SYSCALL(112, setsid, sys_setsid, DONE, PID)
SYSCALL(113, setreuid, sys_setreuid, DONE, INT, INT, INT)
SYSCALL(114, setregid, sys_setregid, DONE, INT, INT, INT)
SYSCALL(115, getgroups, sys_getgroups, DONE, INT, INT, PTR)
SYSCALL(116, setgroups, sys_setgroups, DONE, INT, INT, PTR)
SYSCALL(117, setresuid, sys_setresuid, DONE, INT, INT, INT, INT)
SYSCALL(118, getresuid, sys_getresuid, DONE, INT, PTR, PTR, PTR)
SYSCALL(119, setresgid, sys_setresgid, DONE, INT, INT, INT, INT)
SYSCALL(120, getresgid, sys_getresgid, DONE, INT, PTR, PTR, PTR)
SYSCALL(121, getpgid, sys_getpgid, DONE, PID, PID)
SYSCALL(122, setfsuid, sys_setfsuid, DONE, INT, INT)
SYSCALL(123, setfsgid, sys_setfsgid, DONE, INT, INT)
SYSCALL(124, getsid, sys_getsid, DONE, PID, PID)
SYSCALL(125, capget, sys_capget, DONE, INT, PTR, PTR)
SYSCALL(126, capset, sys_capset, DONE, INT, PTR, PTR)
SYSCALL(127, rt_sigpending, sys_rt_sigpending, DONE, INT, PTR, SIZE)
SYSCALL(128, rt_sigtimedwait, sys_rt_sigtimedwait, DONE, SIG, SIGSET, PTR, TIMESPEC, SIZE)
SYSCALL(129, rt_sigqueueinfo, sys_rt_sigqueueinfo, DONE, INT, PID, SIG, PTR)
SYSCALL(130, rt_sigsuspend, sys_rt_sigsuspend, DONE, INT, SIGSET, SIZE)
SYSCALL(131, sigaltstack, sys_sigaltstack, DONE, INT, PTR, PTR)
SYSCALL(132, utime, sys_utime, DONE, INT, PATH, PTR)
SYSCALL(133, mknod, sys_mknod, DONE, INT, PATH, OCT, HEX)
SYSCALL(134, uselib, sys_none, NONE, INT, PATH)
SYSCALL(135, personality, sys_personality, PART, HEX, HEX) /* MMAP_PAGE_ZERO and ADDR_COMPAT_LAYOUT have no effect */
SYSCALL(136, ustat, sys_ustat, DONE, INT, HEX, PTR)
SYSCALL(137, statfs, sys_statfs, DONE, INT, PATH, PTR)
SYSCALL(138, fstatfs, sys_fstatfs, DONE, INT, FD, PTR)
SYSCALL(139, sysfs, sys_sysfs, DONE, INT, INT, PTR, PTR)
SYSCALL(140, getpriority, sys_getpriority, DONE, INT, INT, PID)
SYSCALL(141, setpriority, sys_setpriority, PART, INT, INT, PID, INT) /* kept, but of no weight */
SYSCALL(142, sched_setparam, sys_sched_setparam, DONE, INT, PID, PTR)
SYSCALL(143, sched_getparam, sys_sched_getparam, DONE, INT, PID, PTR)
SYSCALL(144, sched_setscheduler, sys_sched_setscheduler, DONE, INT, PID, INT, PTR)
SYSCALL(145, sched_getscheduler, sys_sched_getscheduler, DONE, INT, PID)
SYSCALL(146, sched_get_priority_max, sys_sched_get_priority_max, DONE, INT, INT)
SYSCALL(147, sched_get_priority_min, sys_sched_get_priority_min, DONE, INT, INT)
SYSCALL(148, sched_rr_get_interval, sys_sched_rr_get_interval, DONE, INT, PID, PTR)
SYSCALL(149, mlock, sys_mlock, DONE, INT, PTR, SIZE)
SYSCALL(150, munlock, sys_munlock, DONE, INT, PTR, SIZE)
SYSCALL(151, mlockall, sys_mlockall, DONE, INT, HEX)
SYSCALL(152, munlockall, sys_munlockall, DONE, INT)
SYSCALL(153, vhangup, sys_not_permitted, PART, INT) /* EPERM always */
SYSCALL(154, modify_ldt, sys_none, NONE, INT, INT, PTR, SIZE)
SYSCALL(155, pivot_root, sys_pivot_root, DONE, INT, PATH, PATH)
SYSCALL(156, _sysctl, sys_none, NONE, INT, PTR)
SYSCALL(157, prctl, sys_prctl, PART, INT, INT, PTR, PTR, PTR, PTR) /* see sys_prctl.c */
SYSCALL(158, arch_prctl, sys_arch_prctl, PART, INT, HEX, PTR) /* ARCH_SET_GS is EINVAL */
SYSCALL(159, adjtimex, sys_adjtimex, PART, INT, PTR) /* reading only */
SYSCALL(160, setrlimit, sys_setrlimit, DONE, INT, RLIMIT, PTR)
SYSCALL(161, chroot, sys_chroot, DONE, INT, PATH)
SYSCALL(162, sync, sys_sync, DONE, INT)
SYSCALL(163, acct, sys_not_permitted, PART, INT, PATH) /* EPERM always */
SYSCALL(164, settimeofday, sys_settimeofday, DONE, INT, PTR, PTR)
SYSCALL(165, mount, sys_mount, PART, INT, PATH, PATH, PATH, HEX, PTR) /* overlays over a tmpfs */
SYSCALL(166, umount2, sys_umount2, DONE, INT, PATH, HEX)
SYSCALL(167, swapon, sys_not_permitted, PART, INT, PATH, HEX) /* EPERM always */
SYSCALL(168, swapoff, sys_not_permitted, PART, INT, PATH) /* EPERM always */
SYSCALL(169, reboot, sys_not_permitted, PART, INT, HEX, HEX, HEX, PTR) /* EPERM always */
SYSCALL(170, sethostname, sys_sethostname, DONE, INT, PATH, SIZE)
SYSCALL(171, setdomainname, sys_setdomainname, DONE, INT, PATH, SIZE)
SYSCALL(172, iopl, sys_not_permitted, PART, INT, INT) /* EPERM always */
SYSCALL(173, ioperm, sys_not_permitted, PART, INT, PTR, SIZE, INT) /* EPERM always */
SYSCALL(174, create_module, sys_none, NONE, INT)
SYSCALL(175, init_module, sys_not_permitted, PART, INT, PTR, SIZE, PATH) /* EPERM always */
SYSCALL(176, delete_module, sys_not_permitted, PART, INT, PATH, HEX) /* EPERM always */
SYSCALL(177, get_kernel_syms, sys_none, NONE, INT)
SYSCALL(178, query_module, sys_none, NONE, INT)
SYSCALL(179, quotactl, sys_quotactl, PART, INT, HEX, PATH, INT, PTR) /* there are no quotas */
SYSCALL(180, nfsservctl, sys_none, NONE, INT)
SYSCALL(181, getpmsg, sys_none, NONE, INT)
SYSCALL(182, putpmsg, sys_none, NONE, INT)
SYSCALL(183, afs_syscall, sys_none, NONE, INT)
SYSCALL(184, tuxcall, sys_none, NONE, INT)
SYSCALL(185, security, sys_none, NONE, INT)
SYSCALL(186, gettid, sys_gettid, DONE, PID)
SYSCALL(187, readahead, sys_readahead, DONE, LONG, FD, OFF, SIZE)
SYSCALL(188, setxattr, sys_setxattr, DONE, INT, PATH, PATH, BUF, SIZE, HEX)
SYSCALL(189, lsetxattr, sys_lsetxattr, DONE, INT, PATH, PATH, BUF, SIZE, HEX)
SYSCALL(190, fsetxattr, sys_fsetxattr, DONE, INT, FD, PATH, BUF, SIZE, HEX)
SYSCALL(191, getxattr, sys_getxattr, DONE, LONG, PATH, PATH, OUTBUF, SIZE)
SYSCALL(192, lgetxattr, sys_lgetxattr, DONE, LONG, PATH, PATH, OUTBUF, SIZE)
SYSCALL(193, fgetxattr, sys_fgetxattr, DONE, LONG, FD, PATH, OUTBUF, SIZE)
SYSCALL(194, listxattr, sys_listxattr, DONE, LONG, PATH, OUTBUF, SIZE)
SYSCALL(195, llistxattr, sys_llistxattr, DONE, LONG, PATH, OUTBUF, SIZE)
SYSCALL(196, flistxattr, sys_flistxattr, DONE, LONG, FD, OUTBUF, SIZE)
SYSCALL(197, removexattr, sys_removexattr, DONE, INT, PATH, PATH)
SYSCALL(198, lremovexattr, sys_lremovexattr, DONE, INT, PATH, PATH)
SYSCALL(199, fremovexattr, sys_fremovexattr, DONE, INT, FD, PATH)
SYSCALL(200, tkill, sys_tkill, DONE, INT, PID, SIG)
SYSCALL(201, time, sys_time, DONE, LONG, PTR)
SYSCALL(202, futex, sys_futex, DONE, INT, PTR, FUTEX, UINT, PTR, PTR, UINT)
SYSCALL(203, sched_setaffinity, sys_sched_setaffinity, DONE, INT, PID, SIZE, PTR)
SYSCALL(204, sched_getaffinity, sys_sched_getaffinity, DONE, INT, PID, SIZE, PTR)
SYSCALL(205, set_thread_area, sys_none, NONE, INT, PTR)
SYSCALL(206, io_setup, sys_io_setup, DONE, INT, UINT, PTR)
SYSCALL(207, io_destroy, sys_io_destroy, DONE, INT, PTR)
SYSCALL(208, io_getevents, sys_io_getevents, DONE, INT, PTR, LONG, LONG, PTR, TIMESPEC)
SYSCALL(209, io_submit, sys_io_submit, DONE, INT, PTR, LONG, PTR)
SYSCALL(210, io_cancel, sys_io_cancel, DONE, INT, PTR, PTR, PTR)
SYSCALL(211, get_thread_area, sys_none, NONE, INT, PTR)
SYSCALL(212, lookup_dcookie, sys_not_permitted, PART, INT, LONG, PTR, SIZE) /* EPERM always */
SYSCALL(213, epoll_create, sys_epoll_create, DONE, FD, INT)
SYSCALL(214, epoll_ctl_old, sys_none, NONE, INT)
SYSCALL(215, epoll_wait_old, sys_none, NONE, INT)
SYSCALL(216, remap_file_pages, sys_remap_file_pages, PART, INT, PTR, SIZE, PROT, SIZE, MAP) /* target sgx: one address a page, ENOMEM */
SYSCALL(217, getdents64, sys_getdents64, DONE, LONG, FD, PTR, UINT)
SYSCALL(218, set_tid_address, sys_set_tid_address, DONE, PID, PTR)
SYSCALL(219, restart_syscall, sys_restart_syscall, DONE, LONG)
SYSCALL(220, semtimedop, sys_semtimedop, DONE, INT, INT, PTR, SIZE, TIMESPEC)
SYSCALL(221, fadvise64, sys_fadvise64, DONE, INT, FD, OFF, SIZE, INT)
SYSCALL(222, timer_create, sys_timer_create, DONE, INT, CLOCK, PTR, PTR)
SYSCALL(223, timer_settime, sys_timer_settime, DONE, INT, INT, HEX, PTR, PTR)
SYSCALL(224, timer_gettime, sys_timer_gettime, DONE, INT, INT, PTR)
SYSCALL(225, timer_getoverrun, sys_timer_getoverrun, DONE, INT, INT)
SYSCALL(226, timer_delete, sys_timer_delete, DONE, INT, INT)
SYSCALL(227, clock_settime, sys_clock_settime, DONE, INT, CLOCK, TIMESPEC)
SYSCALL(228, clock_gettime, sys_clock_gettime, DONE, INT, CLOCK, PTR)
SYSCALL(229, clock_getres, sys_clock_getres, DONE, INT, CLOCK, PTR)
SYSCALL(230, clock_nanosleep, sys_clock_nanosleep, DONE, INT, CLOCK, HEX, TIMESPEC, PTR)
SYSCALL(231, exit_group, sys_exit_group, DONE, INT, INT)
SYSCALL(232, epoll_wait, sys_epoll_wait, DONE, INT, FD, PTR, INT, INT)
SYSCALL(233, epoll_ctl, sys_epoll_ctl, DONE, INT, FD, INT, FD, PTR)
SYSCALL(234, tgkill, sys_tgkill, DONE, INT, PID, PID, SIG)
SYSCALL(235, utimes, sys_utimes, DONE, INT, PATH, PTR)
SYSCALL(236, vserver, sys_none, NONE, INT)
SYSCALL(237, mbind, sys_mbind, DONE, INT, PTR, SIZE, INT, PTR, SIZE, HEX)
SYSCALL(238, set_mempolicy, sys_set_mempolicy, DONE, INT, INT, PTR, SIZE)
SYSCALL(239, get_mempolicy, sys_get_mempolicy, DONE, INT, PTR, PTR, SIZE, PTR, HEX)
SYSCALL(240, mq_open, sys_mq_open, DONE, FD, PATH, OFLAGS, OCT, PTR)
SYSCALL(241, mq_unlink, sys_mq_unlink, DONE, INT, PATH)
SYSCALL(242, mq_timedsend, sys_mq_timedsend, DONE, INT, FD, BUF, SIZE, UINT, TIMESPEC)
SYSCALL(243, mq_timedreceive, sys_mq_timedreceive, DONE, LONG, FD, OUTBUF, SIZE, PTR, TIMESPEC)
SYSCALL(244, mq_notify, sys_mq_notify, DONE, INT, FD, PTR)
SYSCALL(245, mq_getsetattr, sys_mq_getsetattr, DONE, INT, FD, PTR, PTR)
SYSCALL(246, kexec_load, sys_not_permitted, PART, INT, PTR, LONG, PTR, HEX) /* EPERM always */
SYSCALL(247, waitid, sys_waitid, DONE, INT, INT, PID, PTR, HEX, PTR)
SYSCALL(248, add_key, sys_add_key, PART, INT, PATH, PATH, PTR, SIZE, INT) /* user, logon, big_key, keyring */
SYSCALL(249, request_key, sys_request_key, PART, INT, PATH, PATH, PATH, INT) /* nobody is asked: negative keys */
SYSCALL(250, keyctl, sys_keyctl, PART, LONG, INT, PTR, PTR, PTR, PTR) /* no instantiation, no cryptography, no persistent keyrings */
SYSCALL(251, ioprio_set, sys_ioprio_set, DONE, INT, INT, PID, HEX)
SYSCALL(252, ioprio_get, sys_ioprio_get, DONE, INT, INT, PID)
SYSCALL(253, inotify_init, sys_inotify_init, DONE, FD)
SYSCALL(254, inotify_add_watch, sys_inotify_add_watch, DONE, INT, FD, PATH, HEX)
SYSCALL(255, inotify_rm_watch, sys_inotify_rm_watch, DONE, INT, FD, INT)
SYSCALL(256, migrate_pages, sys_migrate_pages, DONE, INT, PID, LONG, PTR, PTR)
SYSCALL(257, openat, sys_openat, DONE, FD, FD, PATH, OFLAGS, OCT)
SYSCALL(258, mkdirat, sys_mkdirat, DONE, INT, FD, PATH, OCT)
SYSCALL(259, mknodat, sys_mknodat, DONE, INT, FD, PATH, OCT, HEX)
SYSCALL(260, fchownat, sys_fchownat, DONE, INT, FD, PATH, UINT, UINT, ATFLAGS)
SYSCALL(261, futimesat, sys_futimesat, DONE, INT, FD, PATH, PTR)
SYSCALL(262, newfstatat, sys_newfstatat, DONE, INT, FD, PATH, PTR, ATFLAGS)
SYSCALL(263, unlinkat, sys_unlinkat, DONE, INT, FD, PATH, ATFLAGS)
SYSCALL(264, renameat, sys_renameat, DONE, INT, FD, PATH, FD, PATH)
SYSCALL(265, linkat, sys_linkat, DONE, INT, FD, PATH, FD, PATH, ATFLAGS)
SYSCALL(266, symlinkat, sys_symlinkat, DONE, INT, PATH, FD, PATH)
SYSCALL(267, readlinkat, sys_readlinkat, DONE, INT, FD, PATH, OUTBUF, SIZE)
SYSCALL(268, fchmodat, sys_fchmodat, DONE, INT, FD, PATH, OCT)
SYSCALL(269, faccessat, sys_faccessat, DONE, INT, FD, PATH, OCT)
SYSCALL(270, pselect6, sys_pselect6, DONE, INT, INT, PTR, PTR, PTR, TIMESPEC, PTR)
SYSCALL(271, ppoll, sys_ppoll, DONE, INT, PTR, UINT, TIMESPEC, SIGSET, SIZE)
SYSCALL(272, unshare, sys_unshare, PART, INT, CLONE) /* no namespaces */
SYSCALL(273, set_robust_list, sys_set_robust_list, DONE, INT, PTR, SIZE)
SYSCALL(274, get_robust_list, sys_get_robust_list, DONE, INT, PID, PTR, PTR)
SYSCALL(275, splice, sys_splice, DONE, LONG, FD, PTR, FD, PTR, SIZE, HEX)
SYSCALL(276, tee, sys_tee, DONE, LONG, FD, FD, SIZE, HEX)
SYSCALL(277, sync_file_range, sys_sync_file_range, DONE, INT, FD, OFF, OFF, HEX)
SYSCALL(278, vmsplice, sys_vmsplice, DONE, LONG, FD, IOV, LONG, HEX)
SYSCALL(279, move_pages, sys_move_pages, DONE, INT, PID, LONG, PTR, PTR, PTR, HEX)
SYSCALL(280, utimensat, sys_utimensat, DONE, INT, FD, PATH, PTR, ATFLAGS)
SYSCALL(281, epoll_pwait, sys_epoll_pwait, DONE, INT, FD, PTR, INT, INT, SIGSET, SIZE)
SYSCALL(282, signalfd, sys_signalfd, DONE, FD, FD, SIGSET, SIZE)
SYSCALL(283, timerfd_create, sys_timerfd_create, DONE, FD, CLOCK, OFLAGS)
SYSCALL(284, eventfd, sys_eventfd, DONE, FD, UINT)
SYSCALL(285, fallocate, sys_fallocate, DONE, INT, FD, HEX, OFF, OFF)
SYSCALL(286, timerfd_settime, sys_timerfd_settime, DONE, INT, FD, HEX, PTR, PTR)
SYSCALL(287, timerfd_gettime, sys_timerfd_gettime, DONE, INT, FD, PTR)
SYSCALL(288, accept4, sys_accept4, DONE, FD, FD, PTR, PTR, SOCK)
SYSCALL(289, signalfd4, sys_signalfd4, DONE, FD, FD, SIGSET, SIZE, OFLAGS)
SYSCALL(290, eventfd2, sys_eventfd2, DONE, FD, UINT, OFLAGS)
SYSCALL(291, epoll_create1, sys_epoll_create1, DONE, FD, OFLAGS)
SYSCALL(292, dup3, sys_dup3, DONE, FD, FD, FD, OFLAGS)
SYSCALL(293, pipe2, sys_pipe2, DONE, INT, FDPAIR, OFLAGS)
SYSCALL(294, inotify_init1, sys_inotify_init1, DONE, FD, OFLAGS)
SYSCALL(295, preadv, sys_preadv, DONE, LONG, FD, OUTIOV, INT, OFF, LONG)
SYSCALL(296, pwritev, sys_pwritev, DONE, LONG, FD, IOV, INT, OFF, LONG)
SYSCALL(297, rt_tgsigqueueinfo, sys_rt_tgsigqueueinfo, DONE, INT, PID, PID, SIG, PTR)
SYSCALL(298, perf_event_open, sys_not_permitted, PART, FD, PTR, PID, INT, FD, HEX) /* EPERM always */
SYSCALL(299, recvmmsg, sys_recvmmsg, DONE, INT, FD, PTR, UINT, HEX, TIMESPEC)
SYSCALL(300, fanotify_init, sys_none, NONE, FD, HEX, OFLAGS)
SYSCALL(301, fanotify_mark, sys_none, NONE, INT, FD, HEX, HEX, FD, PATH)
SYSCALL(302, prlimit64, sys_prlimit64, DONE, INT, PID, RLIMIT, PTR, PTR)
SYSCALL(303, name_to_handle_at, sys_name_to_handle_at, PART, INT, FD, PATH, PTR, PTR, ATFLAGS) /* files that left the cache of names are stale */
SYSCALL(304, open_by_handle_at, sys_open_by_handle_at, PART, FD, FD, PTR, OFLAGS) /* as name_to_handle_at */
SYSCALL(305, clock_adjtime, sys_clock_adjtime, PART, INT, CLOCK, PTR) /* reading only */
SYSCALL(306, syncfs, sys_syncfs, DONE, INT, FD)
SYSCALL(307, sendmmsg, sys_sendmmsg, DONE, INT, FD, PTR, UINT, HEX)
SYSCALL(308, setns, sys_setns, PART, INT, FD, CLONE) /* no namespaces */
SYSCALL(309, getcpu, sys_getcpu, DONE, INT, PTR, PTR, PTR)
SYSCALL(310, process_vm_readv, sys_process_vm_readv, DONE, LONG, PID, PTR, LONG, PTR, LONG, HEX)
SYSCALL(311, process_vm_writev, sys_process_vm_writev, DONE, LONG, PID, IOV, LONG, IOV, LONG, HEX)
SYSCALL(312, kcmp, sys_kcmp, PART, INT, PID, PID, INT, PTR, PTR) /* no I/O contexts, no shared undos */
SYSCALL(313, finit_module, sys_not_permitted, PART, INT, FD, PATH, HEX) /* EPERM always */
SYSCALL(314, sched_setattr, sys_sched_setattr, PART, INT, PID, PTR, HEX) /* no clamps; SCHED_DEADLINE reserves nothing */
SYSCALL(315, sched_getattr, sys_sched_getattr, PART, INT, PID, PTR, SIZE, HEX) /* no clamps */
SYSCALL(316, renameat2, sys_renameat2, DONE, INT, FD, PATH, FD, PATH, HEX)
SYSCALL(317, seccomp, sys_seccomp, DONE, INT, INT, HEX, PTR)
SYSCALL(318, getrandom, sys_getrandom, DONE, LONG, OUTBUF, SIZE, HEX)
SYSCALL(319, memfd_create, sys_memfd_create, PART, FD, PATH, HEX) /* no huge pages */
SYSCALL(320, kexec_file_load, sys_not_permitted, PART, INT, FD, FD, SIZE, PATH, HEX) /* EPERM always */
SYSCALL(321, bpf, sys_not_permitted, PART, INT, INT, PTR, SIZE) /* EPERM always */
SYSCALL(322, execveat, sys_execveat, DONE, INT, FD, PATH, STRV, PTR, ATFLAGS)
SYSCALL(323, userfaultfd, sys_userfaultfd, PART, FD, OFLAGS) /* missing and protected pages of private memory */
SYSCALL(324, membarrier, sys_membarrier, DONE, INT, INT, HEX, INT)
SYSCALL(325, mlock2, sys_mlock2, DONE, INT, PTR, SIZE, HEX)
SYSCALL(326, copy_file_range, sys_copy_file_range, DONE, LONG, FD, PTR, FD, PTR, SIZE, HEX)
SYSCALL(327, preadv2, sys_preadv2, DONE, LONG, FD, OUTIOV, INT, OFF, LONG, HEX)
SYSCALL(328, pwritev2, sys_pwritev2, DONE, LONG, FD, IOV, INT, OFF, LONG, HEX)
SYSCALL(329, pkey_mprotect, sys_pkey_mprotect, PART, INT, PTR, SIZE, PROT, INT) /* no key to protect with */
SYSCALL(330, pkey_alloc, sys_pkey_alloc, PART, INT, HEX, HEX) /* no keys */
SYSCALL(331, pkey_free, sys_pkey_free, DONE, INT, INT)
SYSCALL(332, statx, sys_statx, DONE, INT, FD, PATH, ATFLAGS, HEX, PTR)
SYSCALL(333, io_pgetevents, sys_io_pgetevents, DONE, INT, PTR, LONG, LONG, PTR, TIMESPEC, PTR)
SYSCALL(334, rseq, sys_none, NONE, INT, PTR, UINT, HEX, HEX)
SYSCALL(424, pidfd_send_signal, sys_pidfd_send_signal, DONE, INT, FD, SIG, PTR, HEX)
SYSCALL(425, io_uring_setup, sys_none, NONE, FD, UINT, PTR)
SYSCALL(426, io_uring_enter, sys_none, NONE, INT, FD, UINT, UINT, HEX, PTR, SIZE)
SYSCALL(427, io_uring_register, sys_none, NONE, INT, FD, UINT, PTR, UINT)
SYSCALL(428, open_tree, sys_open_tree, DONE, FD, FD, PATH, HEX)
SYSCALL(429, move_mount, sys_move_mount, DONE, INT, FD, PATH, FD, PATH, HEX)
SYSCALL(430, fsopen, sys_fsopen, PART, FD, PATH, HEX) /* no messages about errors */
SYSCALL(431, fsconfig, sys_fsconfig, DONE, INT, FD, UINT, PATH, PTR, INT)
SYSCALL(432, fsmount, sys_fsmount, DONE, FD, FD, HEX, HEX)
SYSCALL(433, fspick, sys_fspick, DONE, FD, FD, PATH, HEX)
SYSCALL(434, pidfd_open, sys_pidfd_open, DONE, FD, PID, OFLAGS)
SYSCALL(435, clone3, sys_clone3, PART, PID, PTR, SIZE) /* as clone */
SYSCALL(436, close_range, sys_close_range, DONE, INT, UINT, UINT, HEX)
SYSCALL(437, openat2, sys_openat2, DONE, FD, FD, PATH, PTR, SIZE)
SYSCALL(438, pidfd_getfd, sys_pidfd_getfd, DONE, FD, FD, INT, HEX)
SYSCALL(439, faccessat2, sys_faccessat2, DONE, INT, FD, PATH, OCT, ATFLAGS)
SYSCALL(440, process_madvise, sys_process_madvise, DONE, LONG, FD, IOV, SIZE, MADV, HEX)
SYSCALL(441, epoll_pwait2, sys_epoll_pwait2, DONE, INT, FD, PTR, INT, TIMESPEC, SIGSET, SIZE)
SYSCALL(442, mount_setattr, sys_mount_setattr, PART, INT, FD, PATH, HEX, PTR, SIZE) /* no mapped ids: there are no user namespaces */
SYSCALL(443, quotactl_fd, sys_quotactl_fd, PART, INT, FD, HEX, INT, PTR) /* there are no quotas */
SYSCALL(444, landlock_create_ruleset, sys_landlock_create_ruleset, PART, FD, PTR, SIZE, HEX) /* version 7, no log */
SYSCALL(445, landlock_add_rule, sys_landlock_add_rule, PART, INT, FD, INT, PTR, HEX) /* version 7, no log */
SYSCALL(446, landlock_restrict_self, sys_landlock_restrict_self, PART, INT, FD, HEX) /* version 7, no log */
SYSCALL(447, memfd_secret, sys_memfd_secret, DONE, FD, OFLAGS)
SYSCALL(448, process_mrelease, sys_process_mrelease, DONE, INT, FD, HEX)
SYSCALL(449, futex_waitv, sys_futex_waitv, DONE, INT, PTR, UINT, HEX, TIMESPEC, CLOCK)
SYSCALL(450, set_mempolicy_home_node, sys_set_mempolicy_home_node, DONE, INT, PTR, SIZE, UINT, HEX)
SYSCALL(451, cachestat, sys_cachestat, DONE, INT, FD, PTR, PTR, HEX)
SYSCALL(452, fchmodat2, sys_fchmodat2, DONE, INT, FD, PATH, OCT, ATFLAGS)
SYSCALL(453, map_shadow_stack, sys_none, NONE, PTR, PTR, SIZE, HEX)
SYSCALL(454, futex_wake, sys_futex_wake, PART, INT, PTR, HEX, INT, HEX) /* older Linux lacks it: compared by hand */
SYSCALL(455, futex_wait, sys_futex_wait, PART, INT, PTR, HEX, HEX, HEX, TIMESPEC, CLOCK) /* older Linux lacks it: compared by hand */
SYSCALL(456, futex_requeue, sys_futex_requeue, PART, INT, PTR, HEX, INT, INT) /* older Linux lacks it: compared by hand */
SYSCALL(457, statmount, sys_statmount, PART, INT, PTR, PTR, SIZE, HEX) /* no options, no namespaces */
SYSCALL(458, listmount, sys_listmount, PART, LONG, PTR, PTR, SIZE, HEX) /* no namespaces */
SYSCALL(459, lsm_get_self_attr, sys_lsm_get_self_attr, PART, INT, UINT, PTR, PTR, HEX) /* there are none */
SYSCALL(460, lsm_set_self_attr, sys_none, NONE, INT, UINT, PTR, UINT, HEX)
SYSCALL(461, lsm_list_modules, sys_lsm_list_modules, PART, INT, PTR, PTR, HEX) /* older Linux lacks it: compared by hand */
SYSCALL(462, mseal, sys_mseal, PART, INT, PTR, SIZE, HEX) /* older Linux lacks it: compared by hand */
SYSCALL(463, setxattrat, sys_setxattrat, PART, INT, FD, PATH, ATFLAGS, PATH, PTR, SIZE) /* older Linux lacks it */
SYSCALL(464, getxattrat, sys_getxattrat, PART, LONG, FD, PATH, ATFLAGS, PATH, PTR, SIZE) /* older Linux lacks it */
SYSCALL(465, listxattrat, sys_listxattrat, PART, LONG, FD, PATH, ATFLAGS, OUTBUF, SIZE) /* older Linux lacks it */
SYSCALL(466, removexattrat, sys_removexattrat, PART, INT, FD, PATH, ATFLAGS, PATH) /* older Linux lacks it */
SYSCALL(467, open_tree_attr, sys_open_tree_attr, PART, FD, FD, PATH, HEX, PTR, SIZE) /* as mount_setattr; older Linux lacks it */
SYSCALL(468, file_getattr, sys_file_getattr, PART, INT, FD, PATH, PTR, SIZE, ATFLAGS) /* on tmpfs; older Linux lacks it */
SYSCALL(469, file_setattr, sys_file_setattr, PART, INT, FD, PATH, PTR, SIZE, ATFLAGS) /* as file_getattr */
SYSCALL(470, listns, sys_none, NONE, LONG, PTR, PTR, SIZE, HEX)
/* clang-format on */
