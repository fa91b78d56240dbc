/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The target of a request.  AFTER is one bit above SLASH, so that the loop over
 * a path finds "//" and "/." by shifting the class of the previous byte.
 */
#include "http/target.h"

enum {
    STOP = 1, /* in no target: controls, space, DEL                      */
    SLASH = 2,
    AFTER = 4, /* after a slash, it requires normalisation                */
    PERCENT = 8,
    QUERY = 16,    /* "?"                                                     */
    FRAGMENT = 32, /* "#"                                                     */
};

static const uint8_t classes[256] = {
    [0 ... ' '] = STOP, [0x7f] = STOP, ['/'] = SLASH | AFTER,
    ['%'] = PERCENT,    ['?'] = QUERY, ['#'] = FRAGMENT,
    ['.'] = AFTER,
};


static unsigned
class_of(char c)
{
    return classes[(unsigned char) c];
}


const char *
target_take_args(struct target *t, const char *p, const char *end)
{
    const char *start;

    if (p < end && *p == '?') {
        start = ++p;
        while (p < end && !(class_of(*p) & (STOP | FRAGMENT)))
            p++;
        t->has_args = true;
        t->args = str_span(start, p);
    }

    if (p < end && *p == '#') {
        while (p < end && !(class_of(*p) & STOP))
            p++;
    }

    return p;
}


const char *
target_take(struct target *t, const char *p, const char *end)
{
    const char *start = p;
    unsigned class, before = 0, found = 0;

    for (; p < end; p++) {
        class = class_of(*p);
        if (class & (STOP | QUERY | FRAGMENT))
            break;
        found |= (class & PERCENT) | ((before << 1) & class & AFTER);
        before = class & SLASH;
    }

    t->path = str_span(start, p);
    t->is_complex = found != 0;
    return target_take_args(t, p, end);
}
