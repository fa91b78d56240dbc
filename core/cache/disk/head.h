/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What precedes the body in a file of the disk cache.  The layout is that of
 * nginx (version 5, from nginx 1.11.10 on, on 64-bit systems), so that a folder
 * can be taken over either way:
 *
 *     336 bytes of struct > "\nKEY: " key "\n" > the response's head, as it came
 *     > the body
 *
 * Numbers are in the machine's order of bytes.  A file that is not as it has to
 * be is no file of this cache: disk_head_get judges bytes that anybody may have
 * written.
 */
#pragma once

#include "core/base/str.h"

enum {
    DISK_STRUCT = 336,
    DISK_KEY_N = 16,     /* bytes of a digest                                */
    DISK_ETAG_MAX = 128, /* longer ones are not kept                         */
    DISK_VARY_MAX = 128,
    DISK_HEAD_MAX = 65535, /* of all that precedes the body                  */
};

/* Where the key begins. */
enum { DISK_KEY_AT = DISK_STRUCT + sizeof("\nKEY: ") - 1 };

/* Seconds since 1970, but for updating and error. */
struct disk_head {
    int64_t  valid_at;      /* fresh until then                              */
    int64_t  updating;      /* stale-while-revalidate: seconds               */
    int64_t  error;         /* stale-if-error: seconds                       */
    int64_t  last_modified; /* -1: none                                      */
    int64_t  date;          /* when it was stored                            */
    uint32_t crc;           /* of the key                                    */
    size_t   head_at;       /* where the response's head begins              */
    size_t   body_at;       /* ... and the body                              */
    str_t    etag, vary;
    unsigned char variant[DISK_KEY_N]; /* with vary: of the request's fields */
};

/* Where the response's head begins, behind a key of n bytes. */
static inline size_t
disk_head_size(size_t n)
{
    return DISK_STRUCT + sizeof("\nKEY: \n") - 1 + n;
}

/* Writes disk_head_size(key.n) bytes.  An etag that is too long is left out; vary
 * is not too long, nor is body_at. */
void disk_head_put(char *out, const struct disk_head *h, str_t key);
/* Only the struct, to be written over that of a file. */
void disk_head_put_struct(char out[DISK_STRUCT], const struct disk_head *h);

enum disk_verdict {
    DISK_GOOD,
    DISK_OTHER_KEY, /* a file of another key with the same digest            */
    DISK_BAD,       /* of another version, cut off, or no such file          */
};

/* Reads what precedes the body from the first bytes of a file; texts point into
 * it.  Times are not negative, but for last_modified, and the sum of two of them
 * does not overflow. */
enum disk_verdict disk_head_get(struct disk_head *h, str_t file, str_t key);

/* The same for a file whose key is not known: *key becomes it.  False: it is no
 * such file, or the key does not end within these bytes. */
bool disk_head_key(struct disk_head *h, str_t file, str_t *key);
