# SPDX-License-Identifier: MIT
"""gdb for a program inside Enclos: `enclos gdb` loads this.

A program's threads are tasks of the kernel, and gdb knows only the vCPUs they
run on. This adds, for a live instance (targets linux and sgx-emu):

    enclos tasks         every task: ids, name, state, where it stands
    enclos bt [TID]      the kernel's frames of a task, then the program's
    enclos symbols       symbols of the program and its libraries

A task that is not on a vCPU is shown by lending its registers to the selected
gdb thread for the time of one backtrace; they are put back before anything
runs.
"""

import os
import gdb

USER_REGS = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi "
             "rip rsp").split()
KERNEL_REGS = "r15 r14 r13 r12 rbx rbp".split()  # as switch.S pushes them
STATES = ["running", "prepared", "sleeping", "dead"]
OUTSIDE_REGS = "rbp rbx r12 r13 r14 r15 rip".split()  # as sgx_leave pushes
BLOCK_SHIFT, BLOCK_STATE = 17, 0x4000  # target/sgx/layout.h
OURS = ("enclos", "sgxemu", "enclos-sgx.elf")
AT_PHDR, AT_ENTRY = 3, 9
DT_NULL, DT_DEBUG, PT_DYNAMIC, PT_PHDR = 0, 21, 2, 6


def value(text):
    return gdb.parse_and_eval(text)


def number(text):
    return int(value("(unsigned long)(%s)" % text))


def kernel_type(tag):
    """The kernel's struct of that tag: programs and sgxemu may have another."""
    block = gdb.lookup_global_symbol("proc_start_first").symtab.static_block()
    return gdb.lookup_symbol(tag, block, gdb.SYMBOL_STRUCT_DOMAIN)[0].type


def at_address(tag, address):
    return gdb.Value(address).cast(kernel_type(tag).pointer()).dereference()


def word(address, size=8):
    memory = gdb.selected_inferior().read_memory(address, size)
    return int.from_bytes(bytes(memory), "little")


def text(address):
    out = bytearray()
    while len(out) < 4096:
        byte = word(address + len(out), 1)
        if not byte:
            break
        out.append(byte)
    return out.decode(errors="replace")


def behind_trampoline(rip):
    """Where the code at rip, a trampoline's end, jumps back to."""
    try:
        code = bytes(gdb.selected_inferior().read_memory(rip, 32))
    except gdb.MemoryError:
        return rip
    for i in range(27):
        if code[i] == 0xe9:
            to = rip + i + 5 + int.from_bytes(code[i + 1:i + 5], "little",
                                              signed=True)
            if not where(to).startswith("0x"):
                return to
    return rip


class Task:
    """One struct task, and its struct thread if it runs a program."""

    def __init__(self, at):
        self.at = at
        self.task = at_address("task", at)
        self.thread = self.task["thread"].cast(
            kernel_type("thread").pointer())
        self.is_program = int(self.thread) != 0

    def ids(self):
        if not self.is_program:
            return 0, 0
        return int(self.thread["proc"]["pid"]), int(self.thread["tid"])

    def name(self):
        if self.is_program:
            return self.thread["comm"].string()
        return self.task["name"].string()

    def user_regs(self):
        size = kernel_type("user_regs").sizeof
        return at_address("user_regs",
                          int(self.task["kstack_top"]) - size)

    def program_regs(self):
        regs = {r: int(self.user_regs()[r]) for r in USER_REGS}
        if where(regs["rip"]).startswith("0x"):
            regs["rip"] = behind_trampoline(regs["rip"])
        return regs

    def outside(self):
        """Registers of a task whose vCPU has left the enclave, or None."""
        blocks = number("sgx.blocks") if has_enclave() else 0
        for i in range(int(value("sizeof(vcpus) / sizeof(vcpus[0])"))):
            if blocks and int(value("vcpus[%d].task" % i)) == self.at:
                sp = int(value("((struct sgx_vcpu *)%d)->rsp" % (
                    blocks + (i << BLOCK_SHIFT) + BLOCK_STATE)))
                regs = {r: word(sp + 8 * n) for n, r in enumerate(OUTSIDE_REGS)}
                regs["rsp"] = sp + 8 * len(OUTSIDE_REGS)
                return regs
        return None

    def saved(self):
        """Registers of a task that was switched away, or is outside."""
        outside = self.outside()
        if outside:
            return outside
        sp = int(self.task["ksp"])
        regs = {r: word(sp + 8 * i) for i, r in enumerate(KERNEL_REGS)}
        regs["rip"] = word(sp + 8 * len(KERNEL_REGS))
        regs["rsp"] = sp + 8 * (len(KERNEL_REGS) + 1)
        return regs


def has_enclave():
    return gdb.lookup_static_symbol("sgx") or gdb.lookup_global_symbol("sgx")


def tasks():
    head = number("&all_tasks")
    offset = next(f.bitpos // 8 for f in kernel_type("task").fields()
                  if f.name == "all_node")
    node = word(head)
    while node != head:
        yield Task(node - offset)
        node = word(node)


def vcpu_threads():
    """struct task's address -> the gdb thread that runs it."""
    found = {}
    start, size = number("vcpus"), number("sizeof(vcpus)")
    here = gdb.selected_thread()
    for thread in gdb.selected_inferior().threads():
        thread.switch()
        base = number("$gs_base")
        if start <= base < start + size:
            task = int(at_address("vcpu", base)["task"])
            found[task] = thread
    here.switch()
    return found


def where(address):
    block = gdb.execute("info symbol %d" % address, to_string=True).strip()
    if block.startswith("No symbol"):
        return "0x%x" % address
    return block.split(" in section")[0]


def show_bt(limit):
    try:
        gdb.execute("bt %d" % limit)
    except gdb.error as e:
        print("  (%s)" % e)


def lend(regs, limit):
    """A backtrace as if the selected thread had these registers."""
    kept = {r: number("$" + r) for r in regs}
    try:
        for r, v in regs.items():
            gdb.execute("set var $%s = %d" % (r, v))
        show_bt(limit)
    finally:
        for r, v in kept.items():
            gdb.execute("set var $%s = %d" % (r, v))


def of_a_running_kernel(invoke):
    """What cannot be read is a kernel that is not there yet."""
    def command(self, argument, from_tty):
        if gdb.selected_thread() is None:
            raise gdb.GdbError("nothing runs yet: 'hbreak' and 'run' come "
                               "first")
        try:
            invoke(self, argument, from_tty)
        except gdb.MemoryError as e:
            raise gdb.GdbError("the kernel cannot be read (%s); has it "
                               "started yet?" % e) from None
    return command


class Enclos(gdb.Command):
    """Tasks of the Enclos kernel in this process."""

    def __init__(self):
        super().__init__("enclos", gdb.COMMAND_USER, prefix=True)


class Tasks(gdb.Command):
    """enclos tasks: every task of the kernel, running or not."""

    def __init__(self):
        super().__init__("enclos tasks", gdb.COMMAND_STATUS)

    @of_a_running_kernel
    def invoke(self, argument, from_tty):
        running = vcpu_threads()
        for t in tasks():
            pid, tid = t.ids()
            state = STATES[int(t.task["state"]) & 3]
            if t.at in running:
                at = "gdb thread %d" % running[t.at].num
            else:
                at = "in " + where(t.saved()["rip"])
                at += " (outside)" if t.outside() else ""
            if t.is_program:
                at += ", program at " + where(t.program_regs()["rip"])
            print("%5d %5d  %-15s  %-8s  %s" % (pid, tid, t.name(), state, at))


class Backtrace(gdb.Command):
    """enclos bt [TID]: one task's frames, or those of all programs' tasks."""

    def __init__(self):
        super().__init__("enclos bt", gdb.COMMAND_STACK)

    def show(self, t, thread):
        pid, tid = t.ids()
        print("task %d of process %d (%s)" % (tid, pid, t.name()))
        if thread:
            here = gdb.selected_thread()
            thread.switch()
            show_bt(30)
            here.switch()
        else:
            lend(t.saved(), 30)
        if t.is_program and not (thread and self.in_user(thread)):
            print("  the program, at its system call or trap:")
            lend(t.program_regs(), 30)

    @staticmethod
    def in_user(thread):
        here = gdb.selected_thread()
        thread.switch()
        place = gdb.execute("info symbol $rip", to_string=True).strip()
        here.switch()
        if " in section" not in place:
            return True
        # Without "of FILE" it is the program that gdb runs: ours.
        return " of " in place and os.path.basename(place) not in OURS

    @of_a_running_kernel
    def invoke(self, argument, from_tty):
        if argument.strip() and not argument.strip().isdigit():
            raise gdb.GdbError("enclos bt takes a task's number; 'enclos "
                               "tasks' lists them")
        wanted = int(argument) if argument.strip() else None
        running = vcpu_threads()
        shown = False
        for t in tasks():
            tid = t.ids()[1]
            if tid == wanted or (wanted is None and t.is_program):
                self.show(t, running.get(t.at))
                shown = True
        if not shown:
            raise gdb.GdbError("there is no task %s; 'enclos tasks' lists them"
                               % argument)


def path_of(file):
    """The path of a struct file, from the root of all mounts."""
    if not file:
        return ""
    mount, dentry = file["path"]["mount"], file["path"]["dentry"]
    names = []
    while True:
        if dentry == mount["root"]:
            if not mount["parent"]:
                break
            mount, dentry = mount["parent"], mount["point"]
        else:
            names.append(dentry["name"].string())
            dentry = dentry["parent"]
    return "/" + "/".join(reversed(names))


class Symbols(gdb.Command):
    """enclos symbols [ROOT]: load symbols of the programs that run, and of
their libraries, from files under ROOT (default /)."""

    def __init__(self):
        super().__init__("enclos symbols", gdb.COMMAND_FILES)
        self.loaded = set()

    def add(self, root, path, base):
        path = os.path.join(root, path.lstrip("/"))
        if (path, base) in self.loaded or not os.path.isfile(path):
            return
        self.loaded.add((path, base))
        gdb.execute("add-symbol-file %s -o %d" % (path, base), to_string=True)
        print("%s at 0x%x" % (path, base))

    @staticmethod
    def auxv(proc):
        words = [int(proc["auxv"][i]) for i in range(int(proc["auxv_len"]))]
        return dict(zip(words[::2], words[1::2]))

    def program(self, proc, root):
        auxv = self.auxv(proc)
        phdr = auxv.get(AT_PHDR, 0)
        base, dynamic = None, None
        for i in range(16 if phdr else 0):
            at = phdr + 56 * i
            kind, vaddr = word(at, 4), word(at + 16)
            if kind == PT_PHDR:
                base = phdr - vaddr
            elif kind == PT_DYNAMIC:
                dynamic = vaddr
            elif kind > 0x70000000 or kind == 0:
                break
        self.add(root, path_of(proc["exe"]), base or 0)
        if dynamic is not None:
            self.libraries((base or 0) + dynamic, root)

    def libraries(self, dynamic, root):
        """The dynamic linker's list, from DT_DEBUG (struct r_debug)."""
        while word(dynamic) not in (DT_NULL, DT_DEBUG):
            dynamic += 16
        debug = word(dynamic + 8)
        link = word(debug + 8) if debug else 0
        while link:
            name = text(word(link + 8))
            if name.startswith("/"):
                self.add(root, name, word(link))
            link = word(link + 24)

    @of_a_running_kernel
    def invoke(self, argument, from_tty):
        seen = set()
        for t in tasks():
            if t.is_program and int(t.thread["proc"]) not in seen:
                proc = t.thread["proc"].dereference()
                seen.add(int(t.thread["proc"]))
                try:
                    self.program(proc, argument.strip() or "/")
                except gdb.MemoryError:
                    print("process %d is not in memory now" % proc["pid"])


Enclos()
Tasks()
Backtrace()
Symbols()
