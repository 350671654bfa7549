/* SPDX-License-Identifier: MIT */
/*
 * AESM's protocol, one connection: a 32-bit length, then a protobuf message,
 * each way. Answered are the DCAP requests (init quote ex, quote size, quote
 * ex, the attestation keys) for the "SGX ECDSA" key; EPID's are refused, as
 * its service is no more. Field numbers: messages.proto of the SGX PSW.
 */
#include "sgxemu/aesm.h"
#include "sgxemu/quote/platform.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    INIT_QUOTE_EX = 15,
    QUOTE_SIZE_EX = 16,
    QUOTE_EX = 17,
    SELECT_KEY = 19,
    UNSUPPORTED = 20,
    KEY_COUNT = 21,
    KEY_IDS = 22
};
enum { AESM_OK = 0, AESM_UNEXPECTED = 1, AESM_PARAMETER = 3 };

#define KEY_ID_SIZE 256 /* sgx_att_key_id_t */
#define MESSAGE_MAX 65536

struct buffer {
    uint8_t bytes[MESSAGE_MAX];
    size_t n;
};

/* ---- protobuf ---- */
static void put_varint(struct buffer *b, uint64_t v)
{
    do {
        b->bytes[b->n++] = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
        v >>= 7;
    } while (v);
}

static void put_number(struct buffer *b, int field, uint64_t v)
{
    put_varint(b, (uint64_t)field << 3);
    put_varint(b, v);
}

static void put_bytes(struct buffer *b, int field, const void *p, size_t n)
{
    put_varint(b, (uint64_t)field << 3 | 2);
    put_varint(b, n);
    memcpy(b->bytes + b->n, p, n);
    b->n += n;
}

static bool get_varint(const uint8_t **p, const uint8_t *end, uint64_t *v)
{
    *v = 0;
    for (int shift = 0; *p < end && shift < 64; shift += 7) {
        uint8_t byte = *(*p)++;

        *v |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            return true;
        }
    }
    return false;
}

struct field {
    int number;
    uint64_t value;      /* of a varint; the length of bytes */
    const uint8_t *data; /* NULL for a varint */
};

/* The next field, or false at the end or at nonsense. */
static bool next_field(const uint8_t **p, const uint8_t *end, struct field *f)
{
    uint64_t tag;

    if (!get_varint(p, end, &tag) || !get_varint(p, end, &f->value)) {
        return false;
    }
    f->number = (int)(tag >> 3);
    f->data = NULL;
    if ((tag & 7) == 2) {
        if (f->value > (uint64_t)(end - *p)) {
            return false;
        }
        f->data = *p;
        *p += f->value;
    }
    return (tag & 7) == 2 || (tag & 7) == 0;
}

static bool find_field(const struct field *message, int number,
                       struct field *found)
{
    const uint8_t *p = message->data, *end = p + message->value;

    while (p && next_field(&p, end, found)) {
        if (found->number == number) {
            return true;
        }
    }
    return false;
}

/* ---- requests ---- */
/* sgx_ql_att_key_id_t, padded: version, MRSIGNER, product, algorithm. */
static void key_id(uint8_t id[KEY_ID_SIZE])
{
    struct sgx_report_body qe;

    platform_qe_report(&qe);
    memset(id, 0, KEY_ID_SIZE);
    id[4] = 32; /* MRSIGNER's length */
    memcpy(id + 6, qe.mrsigner, 32);
    id[54] = QE_PROD;
    id[154] = 2; /* ECDSA P-256 */
}

static void init_quote(const struct field *request, struct buffer *answer)
{
    struct sgx_targetinfo target;
    uint8_t public[64], digest[32];
    struct field wants;

    platform_qe_target(&target);
    platform_public(KEY_ATTEST, public);
    SHA256(public, 64, digest);
    put_number(answer, 1, AESM_OK);
    put_bytes(answer, 2, &target, sizeof(target));
    put_number(answer, 3, 32);
    if (find_field(request, 3, &wants) && wants.value) {
        put_bytes(answer, 4, digest, 32);
    }
}

static void get_quote(const struct field *request, struct buffer *answer)
{
    static uint8_t quote[QUOTE_MAX];
    struct sgx_report report;
    struct field f, size;
    size_t n = 0;

    if (find_field(request, 1, &f) && f.data && f.value == sizeof(report) &&
        find_field(request, 4, &size)) {
        memcpy(&report, f.data, sizeof(report));
        n = quote_make(&report, quote,
                       size.value < sizeof(quote) ? size.value : sizeof(quote));
    }
    put_number(answer, 1, n ? AESM_OK : AESM_PARAMETER);
    if (n) {
        put_bytes(answer, 2, quote, n);
    }
}

static void handle(const struct field *request, struct buffer *answer,
                   int *kind)
{
    uint8_t id[KEY_ID_SIZE];

    key_id(id);
    *kind = request->number;
    switch (request->number) {
    case INIT_QUOTE_EX:
        init_quote(request, answer);
        break;
    case QUOTE_SIZE_EX:
        put_number(answer, 1, AESM_OK);
        put_number(answer, 2, QUOTE_MAX / 2);
        break;
    case QUOTE_EX:
        get_quote(request, answer);
        break;
    case SELECT_KEY:
    case KEY_IDS:
        put_number(answer, 1, AESM_OK);
        put_bytes(answer, 2, id, sizeof(id));
        break;
    case KEY_COUNT:
        put_number(answer, 1, AESM_OK);
        put_number(answer, 2, 1);
        break;
    default:
        put_number(answer, 1, AESM_UNEXPECTED);
        *kind = request->number >= 1 && request->number <= 4 ? request->number
                                                             : UNSUPPORTED;
    }
}

static bool transfer(int fd, void *bytes, size_t n, bool out)
{
    uint8_t *p = bytes;

    while (n) {
        ssize_t done = out ? write(fd, p, n) : read(fd, p, n);

        if (done <= 0) {
            return false;
        }
        p += done;
        n -= (size_t)done;
    }
    return true;
}

int aesm_serve(int fd)
{
    static struct buffer in, inner, out;
    uint32_t length;

    fprintf(stderr, "sgxemu: quoting service: " EMULATED "\n");
    while (transfer(fd, &length, 4, false)) {
        const uint8_t *p = in.bytes;
        struct field request;
        int kind;

        if (length > MESSAGE_MAX / 2 ||
            !transfer(fd, in.bytes, length, false)) {
            return 1;
        }
        if (!next_field(&p, in.bytes + length, &request) ||
            request.data == NULL) {
            return 1;
        }
        inner.n = out.n = 0;
        handle(&request, &inner, &kind);
        put_bytes(&out, kind, inner.bytes, inner.n);
        length = (uint32_t)out.n;
        if (!transfer(fd, &length, 4, true) ||
            !transfer(fd, out.bytes, out.n, true)) {
            return 1;
        }
    }
    return 0;
}
