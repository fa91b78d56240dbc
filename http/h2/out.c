/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The output of a connection over TLS: frames stand one behind the other in
 * blocks, each of which is a number of whole records, so that nothing is copied
 * again before it is encrypted.  Files are read as their frames are made: one
 * that cannot be read costs its stream, not the connection.
 */
#include <errno.h>
#include <sys/uio.h>

#include "http/h2/conn.h"

enum {
    BLOCK = 32 * 1024, /* two records                                  */
    PARTS = 2,         /* of the memory for one frame                  */
    FRAME_HEAD = 9,
    FRAME_MAX = 16384 + FRAME_HEAD, /* what nghttp2 makes by itself           */
};

/* Memory for what comes next, which may go over into other blocks. */
struct room {
    struct block *block[PARTS];
    struct iovec  part[PARTS];
    unsigned      n;
};


static struct room
room_for(struct h2 *h, size_t n)
{
    struct room r = { .n = 0 };
    size_t      at = h->room_at, size;

    if (h->room == NULL || at == h->room->size) {
        block_put(h->room);
        h->room = block_new(BLOCK);
        h->room_at = 0;
        at = 0;
    }
    for (struct block *b = h->room; n != 0; b = block_new(BLOCK), at = 0) {
        size = b->size - at < n ? b->size - at : n;
        CHECK(r.n < PARTS);
        r.block[r.n] = b;
        r.part[r.n++] = (struct iovec){ b->data + at, size };
        n -= size;
        if (n == 0)
            break;
    }
    return r;
}


/* What is in it goes out. */
static void
use(struct h2 *h, const struct room *r)
{
    for (unsigned i = 0; i < r->n; i++) {
        if (r->block[i] != h->room) {
            block_put(h->room);
            h->room = r->block[i];
            h->room_at = 0;
        }
        chain_add_block(&h->http.conn.out, h->room,
                        (str_t){ r->part[i].iov_base, r->part[i].iov_len });
        h->room_at += (uint32_t) r->part[i].iov_len;
    }
}


static void
give_back(const struct h2 *h, const struct room *r)
{
    for (unsigned i = 0; i < r->n; i++)
        if (r->block[i] != h->room)
            block_put(r->block[i]);
}


/* The n bytes at offset at of r. */
static struct room
within(const struct room *r, size_t at, size_t n)
{
    struct room to = { .n = 0 };
    size_t      size;

    for (unsigned i = 0; i < r->n && n != 0; i++) {
        size = r->part[i].iov_len;
        if (at >= size) {
            at -= size;
            continue;
        }
        size = size - at < n ? size - at : n;
        to.part[to.n++]
            = (struct iovec){ (char *) r->part[i].iov_base + at, size };
        n -= size;
        at = 0;
    }
    return to;
}


static void
copy(const struct room *r, size_t at, const char *p, size_t n)
{
    struct room to = within(r, at, n);

    for (unsigned i = 0; i < to.n; i++) {
        memcpy(to.part[i].iov_base, p, to.part[i].iov_len);
        p += to.part[i].iov_len;
    }
}


/* False: logged. */
static bool
read_file(struct h2_stream *s, const struct room *r, size_t at,
          const struct piece *p, size_t n)
{
    struct log *l = s->r->task.log;
    struct room to;
    ssize_t     got;

    for (size_t done = 0; done < n; done += (size_t) got) {
        to = within(r, at + done, n - done);
        do {
            got = preadv(p->file->fd, to.part, (int) to.n,
                         p->at + (off_t) done);
        } while (got == -1 && errno == EINTR);
        if (got == -1)
            log_at(l, LEVEL_CRIT, errno, "pread() failed");
        else if (got == 0)
            log_at(l, LEVEL_ALERT, 0,
                   "pread() has read only %zu of %zu from a file", done, n);
        if (got <= 0)
            return false;
    }
    return true;
}


/* The next n bytes of the body, to offset at of r. */
static bool
fill(struct h2_stream *s, const struct room *r, size_t at, size_t n)
{
    size_t size;

    for (const struct piece *p = s->out.head; n != 0; p = p->next) {
        size = p->n < n ? p->n : n;
        if (p->file == NULL)
            copy(r, at, p->p, size);
        else if (!read_file(s, r, at, p, size))
            return false;
        at += size;
        n -= size;
    }
    return true;
}


/* The same for a few bytes, which mostly stand together; NULL: they do not. */
static char *
add_short(struct h2 *h, size_t n)
{
    char *p;

    if (h->room == NULL || h->room->size - h->room_at < n)
        return NULL;
    p = h->room->data + h->room_at;
    h->room_at += (uint32_t) n;
    chain_add_block(&h->http.conn.out, h->room, (str_t){ p, n });
    return p;
}


void
h2_out_add(struct h2 *h, str_t bytes)
{
    char       *p = add_short(h, bytes.n);
    struct room r;
    size_t      n;

    if (p != NULL) {
        memcpy(p, bytes.p, bytes.n);
        return;
    }
    for (; bytes.n != 0; bytes = str_from(bytes, n)) {
        n = bytes.n < BLOCK ? bytes.n : BLOCK;
        r = room_for(h, n);
        copy(&r, 0, bytes.p, n);
        use(h, &r);
    }
}


bool
h2_out_body(struct h2_stream *s, const char *head, size_t n)
{
    const struct piece *in = s->out.head;
    struct h2          *h = s->h;
    struct room         r;
    char               *p;

    CHECK(n <= FRAME_MAX - FRAME_HEAD);
    if (n == 0 || (in->file == NULL && in->n >= n)) {
        p = add_short(h, FRAME_HEAD + n);
        if (p != NULL) {
            memcpy(p, head, FRAME_HEAD);
            if (n != 0)
                memcpy(p + FRAME_HEAD, in->p, n);
            chain_skip(&s->out, n);
            return true;
        }
    }
    r = room_for(h, FRAME_HEAD + n);
    copy(&r, 0, head, FRAME_HEAD);
    if (!fill(s, &r, FRAME_HEAD, n)) {
        give_back(h, &r);
        return false;
    }
    use(h, &r);
    chain_skip(&s->out, n);
    return true;
}


void
h2_out_end(struct h2 *h)
{
    block_put(h->room);
    h->room = NULL;
}
