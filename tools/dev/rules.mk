# SPDX-License-Identifier: MIT
# make lint, make sizes, make install, make run.

C_FILES = $(shell git ls-files '*.c' '*.h' | grep -v '/vdso/')
LINTS += lint-format lint-includes lint-length lint-cppcheck lint-spdx

lint-format:
	@clang-format --dry-run --Werror $(C_FILES)

lint-includes:
	tools/dev/lint-includes.py

# A file is one idea: 800 lines are two.
lint-length:
	@git ls-files '*.c' '*.h' '*.S' '*.py' '*.sh' | xargs wc -l | \
		awk '$$2 != "total" && $$1 > 800 { print $$2 ": " $$1 \
		" lines, over 800"; bad = 1 } END { exit bad }'

lint-spdx:
	@bad=$$(git ls-files '*.c' '*.h' '*.S' | xargs grep -L 'SPDX'); \
		[ -z "$$bad" ] || { echo "no SPDX line: $$bad"; exit 1; }

lint-cppcheck:
	@cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr \
		--enable=warning,portability -I. --suppress=missingInclude --suppress=comparePointers \
		-DENCLOS_KERNEL -U ENCLOS_UNIT -U ENCLOS_DEBUG -j 2 \
		kernel lib arch target tools

# Two builds in two directories, compared; takes minutes.
reproducible:
	@tools/dev/reproducible.sh
.PHONY: reproducible

sizes: $(B)/kernel.o
	@tools/dev/sizes.sh $(B)

# The main job: Debian's own programs in a verified image.
run: deps
	@$(MAKE) --no-print-directory all
	@tools/dev/run.sh $(B)

PREFIX ?= /usr/local
install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/enclos
	install $(filter $(B)/bin/%,$(PROGRAMS)) $(DESTDIR)$(PREFIX)/bin/
	install -m 644 $(filter $(B)/lib/enclos/%,$(PROGRAMS)) \
		$(DESTDIR)$(PREFIX)/lib/enclos/

.PHONY: $(LINTS)
