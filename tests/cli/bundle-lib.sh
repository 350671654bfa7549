# SPDX-License-Identifier: MIT
# What the tests of bundles share, beside lib.sh.
. tests/cli/lib.sh
programs=${CLI_PROGRAMS:-build/cli}
kernel=$programs/stub-kernel.elf
chmod 755 "$work" # the directory is in the image
cp "$programs/hello" "$work/hello"

# pack SRC OPTION...: a bundle at $work/app.enc.
pack() {
    rm -f "$work/app.enc"
    ours build "$@" --kernel "$kernel" -o "$work/app.enc"
}

# measurement FILE: the three lines.
measurement() { "$enclos" measure "$1" 2>/dev/null; }
mrenclave() { measurement "$1" | sed -n 's/^mrenclave: //p'; }

# flip FILE OFFSET: one bit of it, in place.
flip_bit() {
    local byte
    byte=$(od -A n -t u1 -j "$2" -N 1 "$1" | tr -d ' ')
    printf "\\$(printf %o $((byte ^ 4)))" |
        dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
