/* SPDX-License-Identifier: MIT
 *
 * Asynchronous I/O (io_setup(2)): contexts, and the completions that wait in
 * them. Reads, writes and syncs are done while they are submitted, as Linux
 * does them on files in the page cache (sys_aio.c); only polls stay under way.
 *
 * A request takes one of its context's places when it is submitted and gives
 * it back when its event is taken.
 */
#ifndef KERNEL_FS_AIO_H
#define KERNEL_FS_AIO_H

#include "kernel/fs/file.h"
#include "abi/linux/aio.h"

struct aio_context;

/* Contexts belong to an address space, whoever lives in it: owner names it,
 * and is not looked into. Its last user has gone: all of its contexts end,
 * polls under way with them. */
void aio_end(const void *owner);

/* A context for `places` requests under the number id, which is unique for
 * owner. -ENOMEM; -EAGAIN: more places than all processes may have. */
int aio_create(const void *owner, uint64_t id, unsigned places);
/* With a reference (aio_put), or NULL. */
struct aio_context *aio_find(const void *owner, uint64_t id);
void aio_put(struct aio_context *c);
/* Ends the context; who waits in it gets -EINVAL. -EINVAL: owner has none. */
int aio_destroy(const void *owner, uint64_t id);
/* Owner's context has another number from now on, if there is one. */
void aio_renumber(const void *owner, uint64_t id, uint64_t to);
unsigned aio_places(const struct aio_context *c);

/* A request that has a place. */
struct aio_request {
    struct list node;
    struct abi_io_event event;
    struct file *eventfd; /* is told; counted, or NULL */
};
/* -EAGAIN: no place is free; -ENOMEM. */
int aio_take_place(struct aio_context *c, struct aio_request **out);
/* The request will not run; its place is free again. */
void aio_give_back(struct aio_context *c, struct aio_request *r);
/* r is done: its event waits now. */
void aio_complete(struct aio_context *c, struct aio_request *r, int64_t res);

/* Begins to wait for events (POLL*) of f, whose reference is taken (also on
 * failure); r gets the result: the bits. -ENOMEM, -EINVAL (the context ended):
 * r is still the caller's. */
int aio_poll(struct aio_context *c, struct aio_request *r, struct file *f,
             uint32_t events);
/* A poll under way ends: its event comes with no bits. -EINVAL: obj names
 * none. */
int aio_cancel_poll(struct aio_context *c, uint64_t obj);

/* Waits until `least` events are there, or deadline (ns of clock_now(); 0:
 * none) has passed; now: does not wait. Takes at most `most` and returns how
 * many; -EINTR, -EINVAL (the context ended). */
int aio_wait(struct aio_context *c, unsigned least, uint64_t deadline,
             bool now);
bool aio_take(struct aio_context *c, struct abi_io_event *out);

#endif
