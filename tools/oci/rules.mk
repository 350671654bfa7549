# SPDX-License-Identifier: MIT
# tools/oci: container images as trees and defaults of a policy.

CLI_OBJS_EXTRA += $(patsubst %.c,$(B)/host/%.o,$(wildcard tools/oci/*.c))
