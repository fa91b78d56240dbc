/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each form is measured, gets its memory at once, and is then written.  A
 * length cannot differ from what follows it, as the list is made before.
 */
#include "modules/gateway/params_form.h"

#include "core/base/check.h"
#include "core/base/number.h"
#include "modules/gateway/fastcgi_record.h"

enum { ROLE_RESPONDER = 1, KEEP_CONN = 1, BEGIN = 2 * FASTCGI_HEADER };


void
params_add(struct params *out, str_t name, str_t value)
{
    CHECK(out->n < out->room);
    out->at[out->n++] = (struct param){ name, value };
}


/* The bytes of all names and values, and so many more for each pair. */
static size_t
size_of(const struct params *params, size_t for_each)
{
    size_t n = params->n * for_each;

    for (size_t i = 0; i < params->n; i++)
        n += params->at[i].name.n + params->at[i].value.n;
    return n;
}


/* --- SCGI ----------------------------------------------------------------- */

static char *
put_ended(char *p, str_t s)
{
    char *end = str_put(p, s);

    *end = '\0';
    while ((p += strlen(p)) != end)
        *p = ' ';
    return end + 1;
}


str_t
params_scgi(struct arena *a, const struct params *params)
{
    char   length[21];
    size_t n = size_of(params, 2), digits = number_put(length, n);
    char  *start = arena_bytes(a, digits + n + 2), *p = start + digits;

    memcpy(start, length, digits);
    *p++ = ':';
    for (size_t i = 0; i < params->n; i++) {
        p = put_ended(p, params->at[i].name);
        p = put_ended(p, params->at[i].value);
    }
    *p++ = ',';
    return str_span(start, p);
}


/* --- uwsgi ---------------------------------------------------------------- */

static char *
put_size(char *p, size_t n)
{
    *p++ = (char) n;
    *p++ = (char) (n >> 8);
    return p;
}


static char *
put_sized(char *p, str_t s)
{
    p = put_size(p, s.n);
    return str_put(p, s);
}


str_t
params_uwsgi(struct arena *a, const struct params *params,
             const unsigned char modifiers[2], str_t more, size_t *size)
{
    char *start, *p;

    *size = size_of(params, 4) + more.n;
    if (*size > UWSGI_MAX)
        return STR_NONE;
    p = start = arena_bytes(a, UWSGI_HEADER + *size);
    *p++ = (char) modifiers[0];
    p = put_size(p, *size);
    *p++ = (char) modifiers[1];
    for (size_t i = 0; i < params->n; i++) {
        p = put_sized(p, params->at[i].name);
        p = put_sized(p, params->at[i].value);
    }
    (void) str_put(p, more);
    return (str_t){ start, UWSGI_HEADER + *size };
}


/* --- FastCGI -------------------------------------------------------------- */

static char *
put_begin(char *p, bool keeps)
{
    memset(p, 0, BEGIN);
    fastcgi_put_header(p, FASTCGI_BEGIN, FASTCGI_HEADER);
    p[FASTCGI_HEADER + 1] = ROLE_RESPONDER;
    p[FASTCGI_HEADER + 2] = keeps ? KEEP_CONN : 0;
    return p + BEGIN;
}


/* The pairs are written behind the room for all headers, and then moved up to
 * those: where one record has them all, they stand there already. */
str_t
params_fastcgi(struct arena *a, const struct params *params, bool keeps)
{
    size_t n = 0, records, part;
    char  *start, *p, *pairs;

    for (size_t i = 0; i < params->n; i++)
        n += fastcgi_pair_size(params->at[i].name, params->at[i].value);
    records = (n + FASTCGI_MAX - 1) / FASTCGI_MAX;
    start = arena_bytes(a, BEGIN + (records + 1) * FASTCGI_HEADER + n);
    p = pairs = start + BEGIN + records * FASTCGI_HEADER;
    for (size_t i = 0; i < params->n; i++)
        p = fastcgi_put_pair(p, params->at[i].name, params->at[i].value);

    for (p = put_begin(start, keeps); n != 0; n -= part) {
        part = n < FASTCGI_MAX ? n : FASTCGI_MAX;
        fastcgi_put_header(p, FASTCGI_PARAMS, part);
        p += FASTCGI_HEADER;
        if (p != pairs)
            memmove(p, pairs, part);
        p += part;
        pairs += part;
    }
    fastcgi_put_header(p, FASTCGI_PARAMS, 0);
    return str_span(start, p + FASTCGI_HEADER);
}
