/* SPDX-License-Identifier: MIT
 *
 * Two vCPUs at once, for what is shared without a lock: fake.h.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include "target/fake/fake.h"

static void (*both)(unsigned id);

static void *second(void *arg)
{
    fake_be_vcpu(1);
    vcpu_by_id(1)->task->thread = vcpu_by_id(0)->task->thread;
    both(1);
    atomic_fetch_sub(&fake_running, 1);
    return NULL;
}

void fake_both(void (*fn)(unsigned id))
{
    pthread_t thread;

    both = fn;
    one_vcpu = false;
    atomic_store(&fake_running, FAKE_VCPUS);
    if (pthread_create(&thread, NULL, second, NULL)) {
        perror("fake: thread");
        abort();
    }
    fn(0);
    atomic_fetch_sub(&fake_running, 1);
    pthread_join(thread, NULL);
    atomic_store(&fake_running, 1);
}
