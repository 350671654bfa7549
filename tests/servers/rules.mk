# SPDX-License-Identifier: MIT
# Real servers and clients: a quick round in `make test`, all of it in
# `make test-servers`.

SCRIPT_TESTS += tests/servers/servers.py tests/servers/daemons.py
tests/servers/servers.py tests/servers/daemons.py: $(B)/bin/enclos

test-servers: deps all
	@ENCLOS=$(B)/bin/enclos tests/servers/servers.py --long
	@ENCLOS=$(B)/bin/enclos tests/servers/daemons.py --long
.PHONY: test-servers
