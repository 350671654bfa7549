# SPDX-License-Identifier: MIT
# What `enclos gdb` has gdb load.

PROGRAMS += $(B)/lib/enclos/gdb.py
$(B)/lib/enclos/gdb.py: tools/gdb/enclos.py
	@mkdir -p $(@D)
	cp $< $@
