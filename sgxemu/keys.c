/* SPDX-License-Identifier: MIT */
/*
 * Key derivation (SDM, EGETKEY, table "Key Derivation"): the AES-CMAC, under
 * a key that only this "machine" has, of everything that the key depends on.
 * Hardware does the same with fuses; the layout of the dependencies is its
 * secret, so ours is our own. --machine FILE keeps the secrets.
 */
#include "sgxemu/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

struct machine machine;

void key_derive(const struct key_dependencies *d, uint8_t key[16])
{
    uint8_t message[sizeof(*d) + 32];

    memcpy(message, d, sizeof(*d));
    memset(message + sizeof(*d), 0, 32);
    /* Provisioning keys outlive an owner: they leave its epoch out. */
    if (d->key_name != SGX_KEY_PROVISION &&
        d->key_name != SGX_KEY_PROVISION_SEAL) {
        memcpy(message + sizeof(*d), machine.owner_epoch, 16);
    }
    memcpy(message + sizeof(*d) + 16, machine.seal_fuses, 16);
    aes_cmac(machine.root_key, message, sizeof(message), key);
}

void key_report(const struct sgx_targetinfo *target, const uint8_t key_id[32],
                uint8_t key[16])
{
    struct key_dependencies d;

    memset(&d, 0, sizeof(d));
    d.key_name = SGX_KEY_REPORT;
    d.attributes = target->attributes;
    d.miscselect = target->miscselect;
    d.config_svn = target->config_svn;
    memcpy(d.mrenclave, target->measurement, 32);
    memcpy(d.config_id, target->config_id, 64);
    memcpy(d.cpu_svn, machine.cpu_svn, 16);
    memcpy(d.key_id, key_id, 32);
    key_derive(&d, key);
}

/* Made beside its place and linked there: nobody ever finds half of it. */
static int create(const char *path)
{
    char temporary[PATH_MAX];
    int fd, err = 0;

    snprintf(temporary, sizeof(temporary), "%s.%d", path, getpid());
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return -errno;
    }
    if (getentropy(&machine, sizeof(machine)) != 0) {
        err = -errno;
    }
    memset(machine.cpu_svn, 0, 16);
    memset(machine.cpu_svn, 6, 8); /* some SVN above zero, to test with */
    if (!err && write(fd, &machine, sizeof(machine)) != sizeof(machine)) {
        err = -ENOSPC;
    }
    close(fd);
    if (!err && link(temporary, path)) {
        err = -errno;
    }
    unlink(temporary);
    return err;
}

/* Before the program runs. Makes the file when it is not there. */
int keys_load(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0 && errno == ENOENT) {
        int err = create(path);

        if (err != -EEXIST) {
            return err;
        }
        fd = open(path, O_RDONLY | O_CLOEXEC);
    }
    if (fd < 0) {
        return -errno;
    }
    n = read(fd, &machine, sizeof(machine));
    close(fd);
    return n == (ssize_t)sizeof(machine) ? 0 : -EINVAL;
}
