/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Heads of HTTP/2 requests, compressed: each in one frame, and in a frame with
 * CONTINUATION behind it, through a whole connection (connection.c).  Both ways
 * have to come to the same frames of the same streams.
 *
 * The input is a row of heads: a byte that says how many pieces there are (up to
 * seven), whether the stream ends (8), is the former one (16) and whether padding
 * and priority are there (32, 64); the length, in two bytes; the block.
 */
#define FUZZ_H2
#define LLVMFuzzerTestOneInput play_steps
#include "t/fuzz/connection.c"
#undef LLVMFuzzerTestOneInput

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LONGEST = 16000, OUT_MAX = 65536, LAST = 9 };
enum { PIECES = 7, ENDS = 8, AGAIN = 16, PADDED = 32, PRIORITY = 64 };

struct script {
    uint8_t at[OUT_MAX];
    size_t  n;
};


static void
put_frame(struct script *to, unsigned type, unsigned flags, unsigned id,
          const uint8_t *p, size_t n)
{
    uint8_t head[9] = { (uint8_t) (n >> 16),
                        (uint8_t) (n >> 8),
                        (uint8_t) n,
                        (uint8_t) type,
                        (uint8_t) flags,
                        0,
                        0,
                        (uint8_t) (id >> 8),
                        (uint8_t) id };

    CHECK(to->n + sizeof(head) + n <= OUT_MAX);
    memcpy(to->at + to->n, head, sizeof(head));
    if (n != 0)
        memcpy(to->at + to->n + sizeof(head), p, n);
    to->n += sizeof(head) + n;
}


/* A head in so many pieces; in front of the block stands what its flags say. */
static void
put_head(struct script *to, unsigned how, unsigned id, const uint8_t *p,
         size_t n, size_t pieces)
{
    static uint8_t first[LONGEST + 6];
    unsigned       flags = how & ENDS ? 1 : 0;
    size_t         at = 0, size = n / pieces;

    if (how & PADDED) {
        flags |= 8;
        first[at++] = 0;
    }
    if (how & PRIORITY) {
        flags |= 0x20;
        memcpy(first + at, "\0\0\0\0\7", 5);
        at += 5;
    }
    if (pieces == 1)
        size = n;
    if (size != 0)
        memcpy(first + at, p, size);
    put_frame(to, 1, flags | (pieces == 1 ? 4 : 0), id, first, at + size);
    for (size_t i = 2; i <= pieces; i++) {
        p += size;
        n -= size;
        if (i == pieces)
            size = n;
        put_frame(to, 9, i == pieces ? 4 : 0, id, p, size);
    }
}


static void
put_heads(struct script *to, const uint8_t *p, size_t size, bool is_cut)
{
    unsigned id = 1;
    size_t   n;

    to->n = 0;
    for (bool is_first = true; size > 3; is_first = false) {
        unsigned how = p[0];

        n = ((size_t) p[1] << 8 | p[2]) % LONGEST;
        if (n > size - 3)
            n = size - 3;
        if (!is_first && !(how & AGAIN))
            id += 2;
        put_head(to, how, id, p + 3, n, is_cut ? 1 + how % PIECES : 1);
        p += 3 + n;
        size -= 3 + n;
    }
}


/* What the client gets: a sum of the kinds, streams and flags of its frames, and
 * of the lengths of those with DATA.  Resets may come by a timer. */
static uint32_t
sum_of(const uint8_t *p, size_t n)
{
    uint32_t sum = 0;
    size_t   size;

    for (; n >= 9; p += 9 + size, n -= 9 + size) {
        size = (size_t) p[0] << 16 | (size_t) p[1] << 8 | p[2];
        if (size > n - 9)
            break;
        CHECK(size <= 16384 && p[3] <= LAST && p[3] != 5);
        for (unsigned i = p[3] == 0 ? 1 : 3; i < 9 && p[3] != 3; i++)
            sum = sum * 31 + p[i];
    }
    CHECK(n == 0);
    return sum;
}


static uint32_t
talk(const struct script *s)
{
    static uint8_t  in[1 << 20];
    struct play     p = { .client = -1 };
    struct addr_any from = { .len = sizeof(from.sa.sa_family) };
    size_t          got = 0;
    ssize_t         n;
    int             pair[2];

    CHECK(
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair)
        == 0);
    from.sa.sa_family = AF_UNIX;
    p.client = pair[1];
    open_client(&p);
    CHECK(send(p.client, s->at, s->n, MSG_NOSIGNAL) == (ssize_t) s->n);
    port.listener->accept(&port, self.loop, pair[0], &from);
    for (unsigned i = 0; i < 20; i++) {
        turn(&p);
        while ((n = recv(p.client, in + got, sizeof(in) - got, MSG_DONTWAIT))
               > 0)
            got += (size_t) n;
    }
    end(&p);
    return sum_of(in, got);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct script whole, cut;

    if (size > LONGEST)
        return 0;
    if (gen == NULL)
        (void) play_steps(data, 0);
    put_heads(&whole, data, size, false);
    put_heads(&cut, data, size, true);
    if (whole.n != 0)
        CHECK(talk(&whole) == talk(&cut));
    return 0;
}
