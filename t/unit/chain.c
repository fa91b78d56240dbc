/* SPDX-License-Identifier: BSD-2-Clause */
/* Chains: owners' counts, cutting, sharing, marks, and links that return. */
#include "t/unit/tap.h"

#include "core/base/chain.h"

static struct arena     *a;
static int               files_freed, blocks_freed;
static struct chain_file file;


static void
free_file(struct chain_file *f)
{
    files_freed += f == &file;
}


static void
free_block(struct block *b)
{
    blocks_freed++;
    free(b);
}


/* The memory pieces of a chain as one string; checks its bookkeeping. */
static str_t
text_of(const struct chain *c)
{
    char                *out = arena_bytes(a, (size_t) c->n + 1);
    uint64_t             n = 0;
    struct piece *const *tail = &c->head;

    for (struct piece *p = c->head; p; p = p->next) {
        n += p->n;
        tail = &p->next;
    }
    if (n != c->n || tail != c->tail)
        fail("bookkeeping of a chain");
    return (str_t){ out, chain_peek(c, out, (size_t) c->n) };
}


static void
test_memory(void)
{
    struct chain c;
    char         out[4];

    chain_init(&c, a);
    chain_add(&c, STR(""));
    ok(chain_empty(&c), "nothing adds nothing");
    chain_add(&c, STR("hello, "));
    chain_add_copy(&c, STR("world"));
    is_str(text_of(&c), "hello, world", "two pieces");
    is(c.n, 12, "counted");
    is(chain_peek(&c, out, 4), 4, "peeked at");
    is_bytes(out, 4, "hell", 4, "a part");
    chain_skip(&c, 3);
    is_str(text_of(&c), "lo, world", "skipped in a piece");
    chain_skip(&c, 5);
    is_str(text_of(&c), "orld", "and over its end");
    chain_clear(&c);
    ok(chain_empty(&c) && c.n == 0, "cleared");
}


static void
test_owners(void)
{
    struct chain  c, d;
    struct block *b = block_new(100);

    chain_init(&c, a);
    chain_init(&d, a);
    b->free = free_block;
    memcpy(b->data, "0123456789", 10);
    chain_add_block(&c, b, (str_t){ b->data, 4 });
    chain_add_block(&c, b, (str_t){ b->data + 4, 2 });
    is(b->refs, 2, "bytes that follow one another are one piece");
    chain_add_block(&c, b, (str_t){ b->data + 7, 3 });
    is(b->refs, 3, "and others another");
    block_put(b);
    block_put(NULL);

    chain_share(&d, &c);
    is(b->refs, 4, "shared");
    chain_skip(&c, 6);
    is(b->refs, 3, "a piece that is used up drops its count");
    chain_move_n(&d, &c, 1);
    is_str(text_of(&d), "0123457897", "one byte moved");
    is_str(text_of(&c), "89", "off the other");
    chain_clear(&c);
    is(blocks_freed, 0, "still held");
    chain_clear(&d);
    is(blocks_freed, 1, "freed with the last");
}


static void
test_files(void)
{
    struct chain c, d;
    char         out[8];

    file = (struct chain_file){ 1, -1, free_file };
    chain_init(&c, a);
    chain_init(&d, a);
    chain_add(&c, STR("head"));
    chain_add_file(&c, &file, 100, 50);
    chain_add_file(&c, &file, 150, 50);
    chain_add_file(&c, &file, 0, 0);
    is(file.refs, 2, "ranges that follow one another are one piece");
    chain_add_file(&c, &file, 0, 7);
    is(c.n, 111, "counted");
    is(chain_peek(&c, out, 8), 4, "a peek ends at the file");

    chain_move_n(&d, &c, 34);
    is(d.n, 34, "cut in the file");
    is(c.head->at, 130, "which goes on behind");
    is(c.head->n, 70, "with what is left");
    is(file.refs, 4, "each part holds it");
    chain_skip(&c, 70);
    is(c.head->at, 0, "the second range");
    chain_move(&d, &c);
    chain_clear(&d);
    chain_file_put(&file);
    is(files_freed, 1, "closed once");
    chain_file_put(NULL);
}


static void
test_marks(void)
{
    struct chain c, d;

    chain_init(&c, a);
    chain_init(&d, a);
    chain_flush(&c);
    ok(!chain_empty(&c) && c.n == 0, "a mark alone");
    chain_move_n(&d, &c, 0);
    ok(chain_empty(&c) && d.head->flags == PIECE_FLUSH, "moves");
    chain_skip(&d, 0);
    ok(chain_empty(&d), "and is skipped with what is before it");

    chain_add(&c, STR("abcd"));
    chain_flush(&c);
    chain_move_n(&d, &c, 2);
    is(d.head->flags, 0, "the first half has no mark");
    is(c.head->flags, PIECE_FLUSH, "the second has");
    chain_clear(&c);
    chain_clear(&d);
}


static void
test_links(void)
{
    struct chain  c, d, other;
    struct arena *b = arena_new(0);
    size_t        used;

    chain_init(&c, a);
    chain_init(&d, a);
    chain_init(&other, b);
    for (int warm = 0; warm < 2; warm++) {
        used = arena_used(a);
        for (int i = 0; i < 1000; i++) {
            chain_add(&c, STR("ab"));
            chain_add(&c, STR("cd"));
            chain_move(&d, &c);
            chain_skip(&d, 4);
            chain_add(&c, STR("abcd"));
            chain_move_n(&d, &c, 2);
            chain_move_n(&d, &c, 2);
            chain_skip(&d, 4);
        }
    }
    is(arena_used(a), used, "a long body takes no more links");

    chain_add(&c, STR("ab"));
    chain_add_copy(&c, STR("cd"));
    chain_move(&other, &c);
    ok(chain_empty(&c), "moved to another arena");
    is_str(text_of(&other), "abcd", "whole");
    chain_add(&c, STR("xyz"));
    chain_move_n(&other, &c, 2);
    is_str(text_of(&other), "abcdxy", "or in part");
    is_str(text_of(&c), "z", "and the rest stays");
    chain_move(&c, &d);
    chain_move(&c, &c);
    is_str(text_of(&c), "z", "nothing to move");
    chain_clear(&other);
    chain_clear(&c);
    arena_free(b);
}


static void
test_blocks(void)
{
    static const size_t sizes[] = { 0, 1, 4096, 8192, 16384, 32768, 65536 };
    struct block       *b[7][20];
    bool                whole = true;

    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 7; i++) {
            for (int j = 0; j < 20; j++) {
                b[i][j] = block_new(sizes[i]);
                memset(b[i][j]->data, i * 20 + j, sizes[i]);
            }
        }
        for (int i = 0; i < 7; i++) {
            for (int j = 0; j < 20; j++) {
                if (sizes[i])
                    whole = whole && b[i][j]->data[0] == (char) (i * 20 + j)
                            && b[i][j]->data[sizes[i] - 1]
                                   == (char) (i * 20 + j);
                whole = whole && b[i][j]->refs == 1
                        && b[i][j]->size == sizes[i];
                block_put(b[i][j]);
            }
        }
    }
    ok(whole, "blocks of all sizes, used again");
    is_same(block_try((size_t) 1 << 40), NULL, "too large a block");
}


/* What stands for something else, between bytes. */
static void
test_places(void)
{
    struct chain c, d;
    int          first, second;

    chain_init(&c, a);
    chain_init(&d, a);
    chain_mark(&c, &first);
    chain_add(&c, STR("one"));
    chain_mark(&c, &second);
    chain_add(&c, STR("two"));
    chain_move(&d, &c);
    ok(chain_move_to_mark(&c, &d) == &first && c.n == 0, "the first place");
    ok(chain_move_to_mark(&c, &d) == &second && c.n == 3, "the second");
    ok(chain_move_to_mark(&c, &d) == NULL && c.n == 6, "no more");
    ok(chain_empty(&d), "all has been moved");
    chain_mark(&c, &first);
    chain_skip(&c, 6);
    ok(chain_empty(&c), "places go with what is dropped");
}


static unsigned
count_pieces(const struct chain *c)
{
    unsigned n = 0;

    for (const struct piece *p = c->head; p; p = p->next)
        n++;
    return n;
}


/* Chunks of one byte as they come, and small pieces as they go. */
static void
test_small(void)
{
    struct chain  c, d, e;
    struct block *b = block_new(4000);
    char         *end = b->data;

    chain_init(&c, a);
    chain_init(&d, a);
    chain_init(&e, a);
    b->free = free_block;
    for (int i = 0; i < 500; i++) {
        memcpy(b->data + 8 * i, "1\r\nx\r\n-", 8);
        b->data[8 * i + 3] = (char) ('a' + i % 26);
        end = chain_add_packed(&c, b, (str_t){ b->data + 8 * i + 3, 1 });
    }
    is(count_pieces(&c), 1, "chunks of one byte are one piece");
    is(c.n, 500, "of as many bytes");
    is_bytes(c.head->p, 4, "abcd", 4, "in order");
    ok(end == c.head->p + 500, "and the rest is free");
    chain_flush(&c);
    chain_add_packed(&c, b, (str_t){ end + 10, 1 });
    is(count_pieces(&c), 2, "what is to be flushed ends a piece");
    chain_clear(&c);
    block_put(b);

    for (int i = 0; i < 100; i++) {
        chain_add_copy(&c, STR("1\r\n"));
        chain_add(&e, STR("x"));
        chain_join(&c, &e);
        chain_add(&c, STR("\r\n"));
    }
    is(c.n, 600, "small ones that go out");
    ok(count_pieces(&c) <= 6, "stand together");
    chain_share(&d, &c);
    chain_add(&c, STR("!"));
    chain_add_copy(&d, STR("?"));
    is(text_of(&c).p[600], '!', "what is shared ends where it did");
    is(text_of(&d).p[600], '?', "... for both");
    is_bytes(text_of(&c).p, 12, "1\r\nx\r\n1\r\nx\r\n", 12, "in order");
    chain_clear(&c);
    chain_clear(&d);
    is(blocks_freed, 2, "nothing is held");
}


int
main(void)
{
    a = arena_new(0);
    test_memory();
    test_owners();
    test_files();
    test_marks();
    test_places();
    test_links();
    test_blocks();
    test_small();
    arena_free(a);
    return done();
}
