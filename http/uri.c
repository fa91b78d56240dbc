/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Paths and hosts of URIs.
 */
#include "http/uri.h"

#include "core/base/number.h"

/* Which bytes a host may contain (RFC 3986 section 3.2.2).  Percent escapes
 * are not decoded or checked. */
enum { NAME = 1, ADDRESS = 2, FUTURE = 4, UPPER = 8, DOT = 16 };

static const uint8_t classes[256] = {
    ['!'] = NAME | FUTURE,
    ['$'] = NAME | FUTURE,
    ['%'] = NAME,
    ['&' ... '-'] = NAME | FUTURE,
    ['.'] = NAME | FUTURE | ADDRESS | DOT,
    ['0' ... '9'] = NAME | FUTURE | ADDRESS,
    [':'] = FUTURE | ADDRESS,
    [';'] = NAME | FUTURE,
    ['='] = NAME | FUTURE,
    ['A' ... 'F'] = NAME | FUTURE | ADDRESS | UPPER,
    ['G' ... 'Z'] = NAME | FUTURE | UPPER,
    ['_'] = NAME | FUTURE,
    ['a' ... 'f'] = NAME | FUTURE | ADDRESS,
    ['g' ... 'z'] = NAME | FUTURE,
    ['~'] = NAME | FUTURE,
};


/* The byte that the escape at p encodes; -1: not an escape. */
static int
escaped_byte(const char *p, const char *end)
{
    return end - p < 3 ? -1 : number_hex_byte(p + 1);
}


/* Copies path, up to a "#", to out and decodes its escapes. */
static bool
decode(str_t path, char *out, size_t *n)
{
    const char *p = path.p, *end = path.p + path.n;
    char       *w = out;
    int         byte;

    for (; p < end && *p != '#'; p++) {
        if (*p != '%') {
            *w++ = *p;
            continue;
        }
        byte = escaped_byte(p, end);
        if (byte < 0)
            return false;
        *w++ = (char) byte;
        p += 2;
    }

    *n = (size_t) (w - out);
    return *n > 0 && memchr(out, '\0', *n) == NULL;
}


/* Removes the last segment, "x/", from the path that ends at w; NULL if there
 * is none. */
static char *
drop_segment(char *out, char *w)
{
    if (w == out + 1)
        return NULL;

    do
        w--;
    while (w[-1] != '/');

    return w;
}


static bool
is_dots(const char *p, size_t len, size_t count)
{
    return len == count && p[0] == '.' && p[len - 1] == '.';
}


/*
 * Works in place on a decoded path that starts with "/": the write position
 * never passes the read position.  Between two iterations, out ends with a
 * "/".
 */
static bool
resolve(char *out, size_t *n, bool merge_slashes)
{
    const char *p = out + 1, *end = out + *n, *slash;
    char       *w = out + 1;
    size_t      len;

    for (;; p = slash + 1) {
        slash = memchr(p, '/', (size_t) (end - p));
        len = (size_t) ((slash ? slash : end) - p);

        if (is_dots(p, len, 2)) {
            w = drop_segment(out, w);
            if (w == NULL)
                return false;
        } else if (!is_dots(p, len, 1) && !(len == 0 && merge_slashes)) {
            memmove(w, p, len);
            w += len;
            if (slash)
                *w++ = '/';
        }

        if (slash == NULL)
            break;
    }

    *n = (size_t) (w - out);
    return true;
}


bool
uri_normalize(str_t path, bool merge_slashes, char *out, str_t *result)
{
    size_t n;

    if (path.n == 0 || !decode(path, out, &n) || out[0] != '/')
        return false;

    if (!resolve(out, &n, merge_slashes))
        return false;

    *result = (str_t){ out, n };
    return true;
}


/* Whether path has a segment "..", or a NUL byte, before or after decoding. */
static bool
is_unsafe(str_t path)
{
    const char *p = path.p, *end = path.p + path.n;
    size_t      len = 0, dots = 0;
    int         byte;

    for (; p < end; p++) {
        byte = *p == '%' ? escaped_byte(p, end) : (unsigned char) *p;

        if (*p == '%' && byte >= 0)
            p += 2;

        if (byte == '\0')
            return true;

        if (byte == '/') {
            if (len == 2 && dots == 2)
                return true;
            len = dots = 0;
            continue;
        }

        len++;
        dots += byte == '.';
    }

    return len == 2 && dots == 2;
}


bool
uri_split_unsafe(str_t uri, str_t *path, str_t *args)
{
    const char *mark = str_chr(uri, '?');

    *path = uri;
    *args = STR_NONE;

    if (mark) {
        *path = str_span(uri.p, mark);
        *args = str_span(mark + 1, uri.p + uri.n);
    }

    return path->n > 0 && !is_unsafe(*path);
}


/* A dot at the start of a segment does not start an extension: "/.htaccess"
 * has none. */
str_t
uri_extension(struct arena *a, str_t path)
{
    size_t i;
    str_t  found;
    char  *lower;

    for (i = path.n; i > 1; i--) {
        if (path.p[i - 1] == '/' || path.p[i - 2] == '/')
            return STR_NONE;
        if (path.p[i - 1] == '.')
            break;
    }

    if (i <= 1 || i == path.n)
        return STR_NONE;

    found = str_from(path, i);
    lower = arena_bytes(a, found.n);
    str_lower_to(lower, found);

    return (str_t){ lower, found.n };
}


static bool
is_second_dot(str_t in, size_t i)
{
    return i > 0 && in.p[i] == '.' && in.p[i - 1] == '.';
}


/* The length of "[...]" at the start of in, 0 if there is none: an IPv6
 * address, of which only the characters are checked, or "v1.something".  Adds
 * the classes of its bytes to *found. */
static size_t
literal_length(str_t in, unsigned *found)
{
    const char *end = str_chr(in, ']');
    size_t      i, n;
    unsigned    wanted, class;
    bool        has_colon = false;

    if (end == NULL || end - in.p < 3)
        return 0;

    n = (size_t) (end - in.p);
    wanted = ascii_lower(in.p[1]) == 'v' ? FUTURE : ADDRESS;

    for (i = 1; i < n; i++) {
        class = classes[(unsigned char) in.p[i]];
        if (!(class & wanted) || is_second_dot(in, i))
            return 0;
        *found |= class;
        has_colon |= in.p[i] == ':';
    }

    return has_colon || wanted == FUTURE ? n + 1 : 0;
}


/* The length of a name or an IPv4 address, 0 if there is none.  Adds the classes
 * of its bytes to *found. */
static size_t
name_length(str_t in, unsigned *found)
{
    unsigned class, before = 0;
    size_t i;

    for (i = 0; i < in.n; i++) {
        class = classes[(unsigned char) in.p[i]];
        if (!(class & NAME))
            break;
        if (class & before & DOT)
            return 0;
        *found |= class;
        before = class;
    }

    return i;
}


/* Parses what follows a host: nothing, ":" or ":" and a port. */
static bool
take_port(str_t rest, uint16_t *port)
{
    uint64_t n = 0;

    if (rest.n > 1 && !number_parse(str_from(rest, 1), UINT16_MAX, &n))
        return false;

    *port = (uint16_t) n;
    return rest.n == 0 || rest.p[0] == ':';
}


static str_t
lower_host(struct arena *a, str_t host)
{
    char *lower = arena_bytes(a, host.n);

    str_lower_to(lower, host);

    return (str_t){ lower, host.n };
}


bool
uri_host(struct arena *a, str_t in, str_t *host, uint16_t *port)
{
    unsigned found = 0;
    size_t   n;

    if (in.n == 0)
        return false;

    n = in.p[0] == '[' ? literal_length(in, &found) : name_length(in, &found);
    if (n == 0 || !take_port(str_from(in, n), port))
        return false;

    if (in.p[n - 1] == '.' && --n == 0)
        return false;

    *host = (str_t){ in.p, n };
    if (found & UPPER)
        *host = lower_host(a, *host);
    return true;
}
