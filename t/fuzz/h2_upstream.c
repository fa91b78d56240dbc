/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an HTTP/2 server sends: whole, and in pieces whose length the first byte
 * says, to two streams.  Both ways have to come to the same heads, data and
 * ends, unless one has a fault, and what the streams get has the form that
 * h2peer_session.h describes.
 */
#include "core/base/check.h"
#include "modules/gateway/h2peer_session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STREAMS = 2, LIMIT = 4096 };

struct told {
    uint32_t sum;
    size_t   data;
    bool     has_head, is_over, has_failed;
};

struct run {
    struct h2peer_session *session;
    struct h2peer_stream   stream[STREAMS];
    struct told            told[STREAMS];
};


static void
on_input(struct h2peer_stream *t)
{
    (void) t;
}


static size_t
on_body(struct h2peer_stream *t, char *out, size_t n, bool *last)
{
    (void) t;
    CHECK(n != 0);
    *out = 'x';
    *last = true;
    return 1;
}


static void
add(struct told *to, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to->sum = to->sum * 31 + (unsigned char) p[i];
}


/* A head as text: its length. */
static size_t
head(struct told *to, const char *p, size_t n)
{
    const char *end;

    CHECK(n > 12 && memcmp(p, "HTTP/2.0 ", 9) == 0);
    for (end = p; end + 4 <= p + n && memcmp(end, "\r\n\r\n", 4) != 0; end++)
        CHECK(*end != '\0');
    CHECK(end + 4 <= p + n && (size_t) (end - p) <= LIMIT + 20);
    to->has_head = p[9] != '1';
    add(to, p, (size_t) (end + 4 - p));
    return (size_t) (end + 4 - p);
}


static size_t
record(struct told *to, const char *p, size_t n)
{
    size_t length;

    CHECK(!to->is_over);
    if (*p == 'R' || *p == 'E') {
        length = *p == 'R' ? 6 : 1;
        CHECK(n >= length && (*p == 'R' || to->has_head));
        to->is_over = true;
        to->has_failed = *p == 'R';
        add(to, p, length);
        return length;
    }
    if (!to->has_head)
        return head(to, p, n);
    CHECK(n >= 4 && (*p == 'D' || *p == 'T'));
    length = h2peer_number(p + 1, 3);
    CHECK(n >= 4 + length);
    if (*p == 'T')
        CHECK(length >= 2 && h2peer_number(p + 4, 2) + 2 <= length
              && length <= LIMIT + 2);
    else
        to->data += length;
    add(to, p + 4, length);
    return 4 + length;
}


static void
read_stream(struct h2peer_stream *t, struct told *to)
{
    static char all[1 << 22];
    size_t      n = h2peer_read(t, all, sizeof(all)), before = to->data;

    CHECK(n < sizeof(all));
    for (size_t at = 0; at < n;)
        at += record(to, all + at, n - at);
    h2peer_used(t, to->data - before);
}


static void
start(struct run *r)
{
    static const struct h2peer_field fields[]
        = { { STR_INIT(":method"), STR_INIT("POST") },
            { STR_INIT(":scheme"), STR_INIT("http") },
            { STR_INIT(":path"), STR_INIT("/") },
            { STR_INIT(":authority"), STR_INIT("a") } };

    memset(r, 0, sizeof(*r));
    r->session = h2peer_session_new();
    CHECK(r->session != NULL);
    for (size_t i = 0; i < STREAMS; i++) {
        r->stream[i].on_input = on_input;
        r->stream[i].on_body = on_body;
        r->stream[i].head_max = r->stream[i].field_max = LIMIT;
        CHECK(h2peer_open(r->session, &r->stream[i], fields, countof(fields),
                          i == 0));
    }
    while (h2peer_give(r->session).n != 0)
        continue;
}


static void
feed(struct run *r, str_t in, size_t piece)
{
    bool goes_on = true;

    start(r);
    while (in.n != 0 && goes_on) {
        str_t part = { in.p, in.n < piece ? in.n : piece };

        in = str_from(in, part.n);
        goes_on = h2peer_take(r->session, part);
        while (h2peer_give(r->session).n != 0)
            continue;
        goes_on = goes_on && !h2peer_is_ending(r->session);
        for (size_t i = 0; i < STREAMS; i++)
            read_stream(&r->stream[i], &r->told[i]);
    }
    h2peer_end(r->session);
    for (size_t i = 0; i < STREAMS; i++) {
        read_stream(&r->stream[i], &r->told[i]);
        h2peer_leave(&r->stream[i]);
    }
    h2peer_session_free(r->session);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run whole, pieces;
    str_t      in = { (const char *) data, size };

    if (size < 2)
        return 0;
    in = str_from(in, 1);
    feed(&whole, in, in.n);
    feed(&pieces, in, 1 + data[0]);
    /* What comes behind a fault may be judged before, or after, the server is
     * told of it. */
    for (size_t i = 0; i < STREAMS; i++) {
        CHECK(whole.told[i].has_failed == pieces.told[i].has_failed
              || whole.told[1 - i].has_failed || pieces.told[1 - i].has_failed);
        if (whole.told[i].has_failed || pieces.told[i].has_failed)
            continue;
        if (whole.told[1 - i].has_failed || pieces.told[1 - i].has_failed)
            continue;
        CHECK(whole.told[i].data == pieces.told[i].data);
        CHECK(whole.told[i].has_head == pieces.told[i].has_head);
        CHECK(whole.told[i].is_over == pieces.told[i].is_over);
        CHECK(whole.told[i].sum == pieces.told[i].sum);
    }
    return 0;
}
