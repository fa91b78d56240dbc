/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chains of pieces.  Links are reused: when pieces move to another chain of
 * the same arena, that chain's free links are moved back in exchange.  So a
 * body of any length needs no more links than the most that are in use at a
 * time.
 *
 * Invariant: *tail is NULL and is in the last piece, or is head; n is the sum
 * of the pieces' n.
 */
#include "core/base/chain.h"

#include "core/base/check.h"

enum {
    PACK_MAX = 512,  /* bytes that are moved to save a link                  */
    JOIN_MAX = 64,   /* ... that are copied, with what they stand in         */
    COPY_ROOM = 256, /* of a block for copies                                */
};


struct chain_file *
chain_file_get(struct chain_file *f)
{
    DCHECK(f->refs > 0);
    f->refs++;
    return f;
}


void
chain_file_put(struct chain_file *f)
{
    if (!f)
        return;
    CHECK(f->refs > 0);
    if (--f->refs == 0)
        f->free(f);
}


/* The last piece, or NULL. */
static inline struct piece *
last_piece(const struct chain *c)
{
    return c->head ? container_of(c->tail, struct piece, next) : NULL;
}


/* Appends a copy of the piece like, and takes over its reference to the
 * owner. */
static struct piece *
append(struct chain *c, const struct piece *like)
{
    struct piece *piece = c->unused;

    if (piece)
        c->unused = piece->next;
    else
        piece = arena_alloc(c->arena, sizeof(*piece));

    *piece = *like;
    piece->next = NULL;
    *c->tail = piece;
    c->tail = &piece->next;
    c->n += piece->n;
    return piece;
}


/* Removes the first piece and keeps its link for reuse; does not touch its
 * owner. */
static inline void
unlink_first(struct chain *c)
{
    struct piece *piece = c->head;

    c->head = piece->next;
    if (!c->head)
        c->tail = &c->head;
    c->n -= piece->n;
    piece->next = c->unused;
    c->unused = piece;
}


void
chain_drop_first(struct chain *c)
{
    struct piece *piece = c->head;

    block_put(piece->block);
    chain_file_put(piece->file);
    unlink_first(c);
}


/* Drops the first n bytes of a piece. */
static inline void
shorten(struct chain *c, struct piece *piece, size_t n)
{
    if (piece->p)
        piece->p += n;
    else
        piece->at += (off_t) n;
    piece->n -= n;
    c->n -= n;
}


/* Whether the last piece can simply be extended. */
static inline bool
extends(const struct piece *last, const struct piece *next)
{
    if (!last || last->n == 0 || (last->flags & ~PIECE_ROOM)
        || last->block != next->block || last->file != next->file)
        return false;
    if (last->block)
        return last->p + last->n == next->p;
    return last->file && last->at + (off_t) last->n == next->at;
}


void
chain_take_links(struct chain *to, struct chain *from)
{
    struct piece **end = &to->unused;

    DCHECK(to->arena == from->arena);

    while (*end)
        end = &(*end)->next;
    *end = from->unused;
    from->unused = NULL;
}


/* Copies s into the room behind the last piece, if there is any. */
static bool
fill_room(struct chain *c, str_t s)
{
    struct piece *last = last_piece(c);
    char         *end;

    if (!last || last->flags != PIECE_ROOM)
        return false;
    end = (char *) (uintptr_t) last->p + last->n;
    if (s.n > (size_t) (last->block->data + last->block->size - end))
        return false;
    memcpy(end, s.p, s.n);
    last->n += s.n;
    c->n += s.n;
    return true;
}


void
chain_add(struct chain *c, str_t s)
{
    if (s.n == 0 || (s.n <= JOIN_MAX && fill_room(c, s)))
        return;
    append(c, &(struct piece){ .p = s.p, .n = s.n });
}


void
chain_add_copy(struct chain *c, str_t s)
{
    struct block *b;

    if (s.n == 0 || fill_room(c, s))
        return;
    b = block_new(s.n > COPY_ROOM ? s.n : COPY_ROOM);
    memcpy(b->data, s.p, s.n);
    append(c, &(struct piece){
                  .p = b->data, .n = s.n, .block = b, .flags = PIECE_ROOM });
}


void
chain_add_block(struct chain *c, struct block *b, str_t s)
{
    struct piece  next = { .p = s.p, .n = s.n, .block = b };
    struct piece *last = last_piece(c);

    if (s.n == 0)
        return;
    if (extends(last, &next)) {
        last->n += s.n;
        c->n += s.n;
        return;
    }
    block_get(b);
    append(c, &next);
}


char *
chain_add_packed(struct chain *c, struct block *b, str_t s)
{
    struct piece *last = last_piece(c);
    char         *end;

    if (last && last->block == b && !last->flags && s.n <= PACK_MAX) {
        end = (char *) (uintptr_t) last->p + last->n;
        DCHECK(end <= s.p);
        s.p = memmove(end, s.p, s.n);
    }
    chain_add_block(c, b, s);
    return (char *) (uintptr_t) s.p + s.n;
}


void
chain_add_file(struct chain *c, struct chain_file *f, off_t at, size_t n)
{
    struct piece  next = { .file = f, .at = at, .n = n };
    struct piece *last = last_piece(c);

    if (n == 0)
        return;
    if (extends(last, &next)) {
        last->n += n;
        c->n += n;
        return;
    }
    chain_file_get(f);
    append(c, &next);
}


void
chain_flush(struct chain *c)
{
    struct piece *last = last_piece(c);

    if (last)
        last->flags |= PIECE_FLUSH;
    else
        append(c, &(struct piece){ .flags = PIECE_FLUSH });
}


bool
chain_has_flush(const struct chain *c)
{
    const struct piece *piece;

    for (piece = c->head; piece; piece = piece->next) {
        if (piece->flags & PIECE_FLUSH)
            return true;
    }
    return false;
}


void
chain_mark(struct chain *c, void *what)
{
    append(c, &(struct piece){ .p = what, .flags = PIECE_MARK });
}


/* Moves the free links of to back to from. */
static inline void
return_links(struct chain *to, struct chain *from)
{
    if (!from->unused) {
        from->unused = to->unused;
        to->unused = NULL;
    }
}


void
chain_move_first(struct chain *to, struct chain *from)
{
    struct piece *piece = from->head;

    if (to->arena != from->arena) {
        append(to, piece);
        unlink_first(from);
        return;
    }
    from->head = piece->next;
    if (!from->head)
        from->tail = &from->head;
    from->n -= piece->n;

    piece->next = NULL;
    *to->tail = piece;
    to->tail = &piece->next;
    to->n += piece->n;
}


void
chain_move(struct chain *to, struct chain *from)
{
    if (!from->head || to == from)
        return;
    if (to->arena != from->arena) {
        while (from->head)
            chain_move_first(to, from);
        return;
    }
    *to->tail = from->head;
    to->tail = from->tail;
    to->n += from->n;
    from->head = NULL;
    from->tail = &from->head;
    from->n = 0;
    return_links(to, from);
}


void
chain_join(struct chain *to, struct chain *from)
{
    struct piece *piece;
    str_t         s;

    if (!to->head || from->n > JOIN_MAX) {
        chain_move(to, from);
        return;
    }
    while ((piece = from->head) && !piece->file) {
        s = (str_t){ piece->p, piece->n };
        if (s.n != 0 && !piece->block && !fill_room(to, s)) {
            chain_move_first(to, from); /* its bytes stay where they are    */
            continue;
        }
        if (piece->block)
            chain_add_copy(to, s);
        chain_drop_first(from);
    }
    chain_move(to, from);
}


void *
chain_move_to_mark(struct chain *to, struct chain *from)
{
    struct piece *piece;

    while ((piece = from->head) && !(piece->flags & PIECE_MARK))
        chain_move_first(to, from);
    if (!piece)
        return NULL;
    unlink_first(from);
    return (void *) (uintptr_t) piece->p;
}


/* Appends a piece with the first n bytes of another, with references of its
 * own. */
static void
append_shared(struct chain *to, const struct piece *piece, size_t n)
{
    struct piece copy = *piece;

    if (copy.block)
        block_get(copy.block);
    if (copy.file)
        chain_file_get(copy.file);
    copy.flags &= n < copy.n ? 0 : ~(unsigned) PIECE_ROOM;
    copy.n = n;
    append(to, &copy);
}


void
chain_move_n(struct chain *to, struct chain *from, uint64_t n)
{
    struct piece *piece;

    while ((piece = from->head) && piece->n <= n && (n || !piece->n)) {
        n -= piece->n;
        chain_move_first(to, from);
    }
    if (piece && n) {
        append_shared(to, piece, (size_t) n);
        shorten(from, piece, (size_t) n);
    }
    if (to->arena == from->arena)
        return_links(to, from);
}


void
chain_share(struct chain *to, const struct chain *from)
{
    const struct piece *piece;

    for (piece = from->head; piece; piece = piece->next)
        append_shared(to, piece, piece->n);
}


void
chain_skip(struct chain *c, uint64_t n)
{
    struct piece *piece;

    DCHECK(n <= c->n);

    while ((piece = c->head) && piece->n <= n) {
        n -= piece->n;
        chain_drop_first(c);
    }
    if (piece && n)
        shorten(c, piece, (size_t) n);
}


void
chain_clear(struct chain *c)
{
    while (c->head)
        chain_drop_first(c);
}


size_t
chain_peek(const struct chain *c, char *out, size_t n)
{
    const struct piece *piece;
    size_t              copied = 0, part;

    for (piece = c->head; piece && copied < n; piece = piece->next) {
        if (piece->file)
            break;
        part = piece->n < n - copied ? piece->n : n - copied;
        if (part)
            memcpy(out + copied, piece->p, part);
        copied += part;
    }
    return copied;
}
