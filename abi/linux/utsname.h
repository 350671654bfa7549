/* SPDX-License-Identifier: MIT
 *
 * uname(2) in Linux's ABI.
 */
#ifndef ABI_LINUX_UTSNAME_H
#define ABI_LINUX_UTSNAME_H

#define UTS_LEN 64

struct abi_utsname {
    char sysname[UTS_LEN + 1], nodename[UTS_LEN + 1], release[UTS_LEN + 1],
        version[UTS_LEN + 1], machine[UTS_LEN + 1], domainname[UTS_LEN + 1];
};

#endif
