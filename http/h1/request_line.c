/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The request line: "METHOD target HTTP/1.1", parsed from left to right on a
 * complete line.  Each take_* function gets the start and returns where it
 * stopped, or NULL if the grammar does not allow it.
 */
#include "http/h1/parse.h"

/* Classes of bytes. */
enum {
    METHOD = 1,  /* A-Z - _                                                 */
    HOST = 2,    /* of a name in absolute-form: A-Za-z0-9 . -               */
    SCHEME = 4,  /* A-Za-z0-9 + - .                                         */
    LITERAL = 8, /* inside of [...]: unreserved, sub-delims and ":"         */
};

static const uint8_t classes[256] = {
    ['.'] = HOST | SCHEME | LITERAL,
    ['-'] = METHOD | HOST | SCHEME | LITERAL,
    ['+'] = SCHEME | LITERAL,
    ['_'] = METHOD | LITERAL,
    ['~'] = LITERAL,
    ['!'] = LITERAL,
    ['$'] = LITERAL,
    ['&' ... '*'] = LITERAL,
    [','] = LITERAL,
    [':' ... ';'] = LITERAL,
    ['='] = LITERAL,
    ['0' ... '9'] = HOST | SCHEME | LITERAL,
    ['A' ... 'Z'] = METHOD | HOST | SCHEME | LITERAL,
    ['a' ... 'z'] = HOST | SCHEME | LITERAL,
};


static unsigned
class_of(char c)
{
    return classes[(unsigned char) c];
}


static const char *
skip_class(const char *p, const char *end, unsigned class)
{
    while (p < end && (class_of(*p) & class))
        p++;

    return p;
}


static const char *
skip_spaces(const char *p, const char *end)
{
    while (p < end && *p == ' ')
        p++;

    return p;
}


bool
h1_may_be_request(str_t in)
{
    const char *p = in.p, *end = in.p + in.n;

    while (p < end && (*p == '\r' || *p == '\n'))
        p++;

    if (p < end && *p == ' ')
        return false;

    p = skip_class(p, end, METHOD);

    return p == end || *p == ' ';
}


static const char *
take_method(struct h1_request_line *out, const char *p, const char *end)
{
    const char *start = p;

    p = skip_class(p, end, METHOD);

    if (p == start || p == end || *p != ' ')
        return NULL;

    out->method = str_span(start, p);
    return p;
}


static const char *
take_path(struct h1_request_line *out, const char *p, const char *end)
{
    const char *start = p;

    p = target_take(&out->parts, p, end);
    out->target = str_span(start, p);
    return p;
}


/* A name, an address or [literal]; empty if there is none. */
static const char *
take_host(const char *p, const char *end)
{
    if (p == end || *p != '[')
        return skip_class(p, end, HOST);

    p = skip_class(p + 1, end, LITERAL);

    return p < end && *p == ']' ? p + 1 : NULL;
}


static const char *
take_port(const char *p, const char *end)
{
    while (p < end && *p >= '0' && *p <= '9')
        p++;

    return p;
}


/* "scheme://host[:port]" and the path.  If the path is missing, nginx uses
 * "/", and the rest ("?args") as the target. */
static const char *
take_absolute(struct h1_request_line *out, const char *p, const char *end)
{
    const char *start = p;

    if (!(ascii_lower(*p) >= 'a' && ascii_lower(*p) <= 'z'))
        return NULL;

    p = skip_class(p, end, SCHEME);
    if (end - p < 3 || memcmp(p, "://", 3) != 0)
        return NULL;

    start = p + 3;
    p = take_host(start, end);
    if (p == NULL || p == start)
        return NULL;
    if (p < end && *p == ':')
        p = take_port(p + 1, end);

    out->host = str_span(start, p);

    if (p < end && *p == '/')
        return take_path(out, p, end);

    if (p == end || (*p != ' ' && *p != '?'))
        return NULL;

    start = p;
    p = target_take_args(&out->parts, p, end);
    out->parts.path = STR("/");
    out->target = out->parts.has_args ? str_span(start, p) : STR("/");
    return p;
}


/* "host:port" of CONNECT (RFC 9112 section 3.2.3); the port is required.  An
 * empty host is refused like other bad ones, when the target is known: "/", for
 * whoever chooses a location. */
static const char *
take_authority(struct h1_request_line *out, const char *p, const char *end)
{
    const char *start = p, *port;

    p = take_host(p, end);
    if (p == NULL || p == end || *p != ':')
        return NULL;

    port = p + 1;
    p = take_port(port, end);
    if (p == port || p == end)
        return NULL;

    out->host = str_span(start, p);
    out->target = out->parts.path = STR("/");
    return p;
}


static const char *
take_target(struct h1_request_line *out, const char *p, const char *end)
{
    if (p == end)
        return NULL;

    if (str_is(out->method, "CONNECT"))
        return take_authority(out, p, end);

    if (*p == '/')
        return take_path(out, p, end);

    return take_absolute(out, p, end);
}


/*
 * Digits from p on, with nginx's limit: further digits are accepted as long as
 * the number before the last digit is at most limit.  NULL beyond that.
 */
static const char *
take_number(const char *p, const char *end, unsigned limit, unsigned *out)
{
    for (*out = 0; p < end && *p >= '0' && *p <= '9'; p++) {
        if (*out > limit)
            return NULL;
        *out = *out * 10 + (unsigned) (*p - '0');
    }

    return p;
}


/* "HTTP/1.1", optionally followed by spaces.  A major version above 1 is
 * reported before anything after it is looked at. */
static enum h1_error
take_version(struct h1_request_line *out, const char *p, const char *end)
{
    const char *protocol = p, *start;

    if (end - p < 6 || memcmp(p, "HTTP/", 5) != 0)
        return H1_BAD_REQUEST;

    p += 5;
    if (*p < '1' || *p > '9')
        return H1_BAD_REQUEST;
    if (take_number(p, end, 1, &out->major) == NULL || out->major > 1)
        return H1_BAD_VERSION;

    if (++p == end || *p != '.')
        return H1_BAD_REQUEST;

    start = ++p;
    p = take_number(p, end, 99, &out->minor);
    if (p == NULL || p == start || skip_spaces(p, end) != end)
        return H1_BAD_REQUEST;

    out->protocol = str_span(protocol, p);
    return H1_OK;
}


enum h1_error
h1_request_line(struct h1_request_line *out, str_t line)
{
    const char *p = line.p, *end = line.p + line.n;

    *out = (struct h1_request_line){ .minor = 9 };

    p = take_method(out, p, end);
    if (p == NULL)
        return H1_BAD_METHOD;

    p = take_target(out, skip_spaces(p, end), end);
    if (p == NULL || (p < end && *p != ' '))
        return H1_BAD_REQUEST;

    p = skip_spaces(p, end);
    if (p < end)
        return take_version(out, p, end);

    return str_is(out->method, "GET") ? H1_OK : H1_BAD_09_METHOD;
}
