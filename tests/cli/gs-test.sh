#!/bin/bash
# SPDX-License-Identifier: MIT
# A program that changes its GS base is killed, and the operator is told why.
. tests/cli/lib.sh

gs=${CLI_PROGRAMS:-build/cli}/gs
for how in base zero selector; do
    run --root auto "$gs" $how
    check "gs-$how-is-killed" both 'status_is 137' 'out_is before' \
        'err_has "changed the GS base"'
done
run --root auto "$gs" none
check gs-untouched both 'status_is 0' 'err_has CONFIDENTIAL' \
    '! err_has "GS base"'
