/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each field at its place, whatever the compiler would make of a struct.
 */
#include "core/cache/disk/head.h"

#include "core/base/crc32.h"

enum {
    VERSION = 5,
    AT_VALID = 8,
    AT_UPDATING = 16,
    AT_ERROR = 24,
    AT_MODIFIED = 32,
    AT_DATE = 40,
    AT_CRC = 48,
    AT_HEAD = 54, /* behind two bytes of milliseconds */
    AT_BODY = 56,
    AT_ETAG = 58, /* its length, in one byte, then its bytes */
    AT_VARY = AT_ETAG + 1 + DISK_ETAG_MAX,
    AT_VARIANT = AT_VARY + 1 + DISK_VARY_MAX,
};

#define MARK STR("\nKEY: ")
#define TIME_MAX (INT64_MAX / 2) /* later ones are as good as this one */


static void
put(char *out, int64_t n)
{
    memcpy(out, &n, sizeof(n));
}


static int64_t
get(const char *in)
{
    int64_t n;

    memcpy(&n, in, sizeof(n));
    return n;
}


static int64_t
get_time(const char *in)
{
    int64_t n = get(in);

    return n < 0 ? 0 : n < TIME_MAX ? n : TIME_MAX;
}


static void
put_short(char *out, size_t n)
{
    uint16_t s = (uint16_t) n;

    memcpy(out, &s, sizeof(s));
}


static size_t
get_short(const char *in)
{
    uint16_t s;

    memcpy(&s, in, sizeof(s));
    return s;
}


static void
put_text(char *out, str_t s, size_t max)
{
    if (s.n == 0 || s.n > max)
        return;
    *out = (char) (unsigned char) s.n;
    memcpy(out + 1, s.p, s.n);
}


static bool
get_text(const char *in, size_t max, str_t *s)
{
    *s = (str_t){ in + 1, (unsigned char) *in };
    return s->n <= max;
}


void
disk_head_put_struct(char out[DISK_STRUCT], const struct disk_head *h)
{
    memset(out, 0, DISK_STRUCT);
    put(out, VERSION);
    put(out + AT_VALID, h->valid_at);
    put(out + AT_UPDATING, h->updating);
    put(out + AT_ERROR, h->error);
    put(out + AT_MODIFIED, h->last_modified);
    put(out + AT_DATE, h->date);
    memcpy(out + AT_CRC, &h->crc, sizeof(h->crc));
    put_short(out + AT_HEAD, h->head_at);
    put_short(out + AT_BODY, h->body_at);
    put_text(out + AT_ETAG, h->etag, DISK_ETAG_MAX);
    put_text(out + AT_VARY, h->vary, DISK_VARY_MAX);
    memcpy(out + AT_VARIANT, h->variant, sizeof(h->variant));
}


void
disk_head_put(char *out, const struct disk_head *h, str_t key)
{
    disk_head_put_struct(out, h);
    out += DISK_STRUCT;
    memcpy(out, MARK.p, MARK.n);
    out += MARK.n;
    if (key.n != 0)
        memcpy(out, key.p, key.n);
    out[key.n] = '\n';
}


/* Whether the key behind the struct is this one. */
static bool
has_key(str_t file, str_t key)
{
    str_t at = str_from(file, DISK_STRUCT);

    if (!str_starts(at, MARK))
        return false;
    at = str_from(at, MARK.n);
    return str_starts(at, key) && at.p[key.n] == '\n';
}


/* All but the key. */
static enum disk_verdict
get_fields(struct disk_head *h, str_t file)
{
    if (file.n < DISK_STRUCT || get(file.p) != VERSION)
        return DISK_BAD;
    *h = (struct disk_head){ .valid_at = get_time(file.p + AT_VALID),
                             .updating = get_time(file.p + AT_UPDATING),
                             .error = get_time(file.p + AT_ERROR),
                             .last_modified = get(file.p + AT_MODIFIED),
                             .date = get_time(file.p + AT_DATE),
                             .head_at = get_short(file.p + AT_HEAD),
                             .body_at = get_short(file.p + AT_BODY) };
    memcpy(&h->crc, file.p + AT_CRC, sizeof(h->crc));
    memcpy(h->variant, file.p + AT_VARIANT, sizeof(h->variant));
    if (!get_text(file.p + AT_ETAG, DISK_ETAG_MAX, &h->etag)
        || !get_text(file.p + AT_VARY, DISK_VARY_MAX, &h->vary)
        || h->head_at <= DISK_STRUCT || h->body_at < h->head_at)
        return DISK_BAD;
    return DISK_GOOD;
}


bool
disk_head_key(struct disk_head *h, str_t file, str_t *key)
{
    if (get_fields(h, file) != DISK_GOOD || h->head_at > file.n
        || h->head_at < disk_head_size(0))
        return false;
    *key = (str_t){ file.p + DISK_STRUCT + MARK.n,
                    h->head_at - disk_head_size(0) };
    return h->crc == crc32_of(*key) && has_key(file, *key);
}


enum disk_verdict
disk_head_get(struct disk_head *h, str_t file, str_t key)
{
    if (get_fields(h, file) != DISK_GOOD || h->body_at > file.n)
        return DISK_BAD;
    if (h->crc != crc32_of(key) || h->head_at != disk_head_size(key.n)
        || !has_key(file, key))
        return DISK_OTHER_KEY;
    return DISK_GOOD;
}
