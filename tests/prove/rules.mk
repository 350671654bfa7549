# SPDX-License-Identifier: MIT
# Proofs, by tools that are large: not a part of `make test`.
prove:
	@tools/dev/deps.sh prove
	@tests/run.sh tests/prove/prove.sh
.PHONY: prove
