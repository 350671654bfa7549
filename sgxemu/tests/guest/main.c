/* SPDX-License-Identifier: MIT */
/* The guest of sgxemu's own tests: run it under sgxemu. */
#include "sgxemu/tests/guest/builder.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : "";
    static const struct {
        const char *name;
        void (*run)(void);
        bool option; /* runs only when it is named */
    } all[] = {
        {"build", test_build, false},   {"enter", test_enter, false},
        {"pages", test_pages, false},   {"keys", test_keys, false},
        {"aex", test_aex, false},       {"threads", test_threads, false},
        {"rules", test_rules, false},   {"quote", test_quote, false},
        {"device", test_device, false}, {"fuzz", test_fuzz, false},
        {"abort", test_abort, true},    {"sgx1", test_sgx1, true},
        {"epc", test_epc, true},        {"time", test_time, true},
    };

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        if (*only ? strcmp(only, all[i].name) == 0 : !all[i].option) {
            all[i].run();
        }
    }
    printf("# %d assertions, %d failures\n", assertions, failures);
    return failures != 0;
}
