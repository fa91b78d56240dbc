/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pairs are written one behind the other, for most requests on the stack, and
 * copied behind their head when it is known.
 */
#include "modules/gateway/params_form.h"

#include "core/base/number.h"
#include "modules/gateway/fastcgi_record.h"

enum { ROLE_RESPONDER = 1, KEEP_CONN = 1, BEGIN = 2 * FASTCGI_HEADER };


void
params_init(struct params *out, struct arena *a, params_put *put)
{
    out->put = put;
    out->arena = a;
    out->start = out->write = out->few;
    out->end = out->few + sizeof(out->few);
}


/* Makes room for n bytes more. */
static __attribute__((noinline)) void
grow(struct params *out, size_t n)
{
    size_t have = (size_t) (out->write - out->start);
    size_t room = (size_t) (out->end - out->start);
    char  *p;

    while (room - have < n)
        room *= 2;
    p = arena_bytes(out->arena, room);
    memcpy(p, out->start, have);
    out->start = p;
    out->write = p + have;
    out->end = p + room;
}


void
params_add(struct params *out, str_t name, str_t value)
{
    size_t n = name.n + value.n + PARAMS_MORE;

    if ((size_t) (out->end - out->write) < n)
        grow(out, n);
    out->write = out->put(out->write, name, value);
}


str_t
params_pairs(const struct params *params)
{
    return str_span(params->start, params->write);
}


/* --- SCGI ----------------------------------------------------------------- */

static char *
put_ended(char *p, str_t s)
{
    char *end = params_put_text(p, s);

    *end = '\0';
    while ((p += strlen(p)) != end)
        *p = ' ';
    return end + 1;
}


char *
params_put_scgi(char *p, str_t name, str_t value)
{
    return put_ended(put_ended(p, name), value);
}


str_t
params_scgi(const struct params *params)
{
    str_t  pairs = params_pairs(params);
    char   length[21];
    size_t digits = number_put(length, pairs.n);
    char  *start = arena_bytes(params->arena, digits + pairs.n + 2), *p;

    memcpy(start, length, digits);
    p = start + digits;
    *p++ = ':';
    p = str_put(p, pairs);
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
    return params_put_text(put_size(p, s.n), s);
}


char *
params_put_uwsgi(char *p, str_t name, str_t value)
{
    return put_sized(put_sized(p, name), value);
}


str_t
params_uwsgi(const struct params *params, const unsigned char modifiers[2],
             str_t more, size_t *size)
{
    str_t pairs = params_pairs(params);
    char *start, *p;

    *size = pairs.n + more.n;
    if (*size > UWSGI_MAX)
        return STR_NONE;
    p = start = arena_bytes(params->arena, UWSGI_HEADER + *size);
    *p++ = (char) modifiers[0];
    p = put_size(p, *size);
    *p++ = (char) modifiers[1];
    p = str_put(p, pairs);
    return str_span(start, str_put(p, more));
}


/* --- FastCGI -------------------------------------------------------------- */

/* Lengths below 128 take a byte, others four. */
static char *
put_length(char *p, size_t n)
{
    if (n >= 128) {
        *p++ = (char) (n >> 24 | 0x80);
        *p++ = (char) (n >> 16);
        *p++ = (char) (n >> 8);
    }
    *p++ = (char) n;
    return p;
}


char *
params_put_fastcgi(char *p, str_t name, str_t value)
{
    p = put_length(p, name.n);
    p = put_length(p, value.n);
    p = params_put_text(p, name);
    return params_put_text(p, value);
}


static char *
put_header(char *p, enum fastcgi_type type, size_t n)
{
    fastcgi_put_header(p, type, n);
    return p + FASTCGI_HEADER;
}


static char *
put_begin(char *p, bool keeps)
{
    p = put_header(p, FASTCGI_BEGIN, FASTCGI_HEADER);
    memset(p, 0, FASTCGI_HEADER);
    p[1] = ROLE_RESPONDER;
    p[2] = keeps ? KEEP_CONN : 0;
    return p + FASTCGI_HEADER;
}


str_t
params_fastcgi(const struct params *params, bool keeps, bool has_body)
{
    str_t  pairs = params_pairs(params), part;
    size_t records = (pairs.n + FASTCGI_MAX - 1) / FASTCGI_MAX;
    char  *start, *p;

    p = start = arena_bytes(params->arena,
                            BEGIN + pairs.n + (records + 2) * FASTCGI_HEADER);
    p = put_begin(p, keeps);
    for (; pairs.n != 0; pairs = str_from(pairs, part.n)) {
        part = pairs;
        if (part.n > FASTCGI_MAX)
            part.n = FASTCGI_MAX;
        p = put_header(p, FASTCGI_PARAMS, part.n);
        p = str_put(p, part);
    }
    p = put_header(p, FASTCGI_PARAMS, 0);
    if (!has_body)
        p = put_header(p, FASTCGI_STDIN, 0);
    return str_span(start, p);
}
