/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The forms of gRPC-Web.
 */
#include "modules/gateway/grpc_web.h"

#include "core/base/escape.h"


/* Whether type is name, name+x or name;x; *rest is what follows. */
static bool
is_kind(str_t type, const char *name, str_t *rest)
{
    str_t s = str_of(name);

    if (!str_istarts(type, s))
        return false;
    *rest = str_from(type, s.n);
    return rest->n == 0 || rest->p[0] == '+' || rest->p[0] == ';'
           || rest->p[0] == ' ';
}


enum grpc_web
grpc_web_kind(str_t type, str_t *rest)
{
    if (is_kind(type, "application/grpc-web-text", rest))
        return GRPC_WEB_TEXT;
    if (is_kind(type, "application/grpc-web", rest))
        return GRPC_WEB_BINARY;
    *rest = STR("");
    return GRPC_WEB_NONE;
}


bool
grpc_is_type(str_t type, str_t *rest)
{
    return is_kind(type, "application/grpc", rest);
}


/* A group of four is there. */
static char *
put_group(struct grpc_decoder *d, char *out)
{
    unsigned n = 3 - d->padding;

    for (unsigned i = 0; i < n; i++)
        *out++ = (char) (d->bits >> (16 - 8 * i));
    *d = (struct grpc_decoder){ .bits = 0 };
    return out;
}


char *
grpc_web_decode(struct grpc_decoder *d, char *out, str_t in)
{
    for (size_t i = 0; i < in.n; i++) {
        int value = base64_value(in.p[i], false);

        if (in.p[i] == '=' && d->n >= 2) {
            d->padding++;
            value = 0;
        } else if (value == -1 || d->padding != 0) {
            return NULL;
        }
        d->bits = d->bits << 6 | (unsigned) value;
        if (++d->n == 4)
            out = put_group(d, out);
    }
    return out;
}


bool
grpc_web_is_whole(const struct grpc_decoder *d)
{
    return d->n == 0;
}


void
grpc_place_move(struct grpc_place *p, str_t bytes)
{
    size_t n;

    while (bytes.n != 0) {
        n = 1;
        if (p->n == GRPC_PREFIX) {
            n = bytes.n < p->left ? bytes.n : p->left;
            p->left -= (uint32_t) n;
        } else if (p->n++ != 0) { /* behind the flags */
            p->left = p->left << 8 | (unsigned char) *bytes.p;
        }
        bytes = str_from(bytes, n);
        if (p->n == GRPC_PREFIX && p->left == 0)
            p->n = 0;
    }
}


bool
grpc_place_is_between(const struct grpc_place *p)
{
    return p->n == 0;
}
