/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chains carry bodies: a list of pieces, each a range of memory or of an open
 * file.  Links are allocated from an arena and reused within the chain.  The
 * bytes belong to a reference-counted block (network data, temporary buffers),
 * to a reference-counted file, or, without an owner, to something that lives
 * as long as the task (its arena, a literal, a cached file held by the task).
 * Use only the functions below: pieces are added at the end and consumed at
 * the front, which drops the reference to the owner of a piece that is used
 * up.
 */
#pragma once

#include <sys/types.h>

#include "core/base/arena.h"

/* Reference-counted memory outside of arenas. */
struct block {
    unsigned refs;
    unsigned size;                  /* of data, in bytes                     */
    void   (*free)(struct block *); /* at the last put; NULL: free()         */
    char    *data;
    bool     is_lasting; /* the same bytes, all of data, may be sent again   */
};

/* size bytes of reference-counted memory with one reference; never NULL.
 * Blocks of 4, 8, 16 and 32 KiB are recycled within the process. */
struct block *block_new(size_t size);
/* The same, or NULL without memory. */
struct block *block_try(size_t size);
struct block *block_get(struct block *b);
void          block_put(struct block *b); /* NULL is allowed */

/* Bytes that the thread has given back to malloc so far with blocks. */
size_t block_freed(void);

/* An open file that pieces refer to. */
struct chain_file {
    unsigned refs;
    int      fd;
    void   (*free)(struct chain_file *); /* at the last put                  */
};

struct chain_file *chain_file_get(struct chain_file *f);
void               chain_file_put(struct chain_file *f);

enum piece_flag {
    PIECE_FLUSH = 1, /* send everything before it at once                    */
    PIECE_MARK = 2,  /* empty: p is what chain_mark was given                */
    PIECE_ROOM = 4,  /* what is left of its block is the chain's to fill     */
};

struct piece {
    struct piece      *next;
    const char        *p;    /* memory; NULL for a range of file             */
    struct chain_file *file; /* or NULL                                      */
    off_t              at;   /* offset in file                               */
    size_t             n;    /* bytes that are left                          */
    struct block      *block; /* owner of p, or NULL                         */
    unsigned           flags; /* enum piece_flag                             */
};

struct chain {
    struct piece  *head, **tail;
    struct piece  *unused; /* links for another use                          */
    struct arena  *arena;  /* where links come from                          */
    uint64_t       n;      /* bytes in all pieces                            */
};

static inline void
chain_init(struct chain *c, struct arena *arena)
{
    *c = (struct chain){ .arena = arena };
    c->tail = &c->head;
}


static inline bool
chain_empty(const struct chain *c)
{
    return c->head == NULL;
}

/* Appends memory that outlives the chain; an empty s appends nothing. */
void chain_add(struct chain *c, str_t s);
/* Appends a copy of s, made in a block that short ones share. */
void chain_add_copy(struct chain *c, str_t s);
/* Appends bytes of a block and takes a reference to it. */
void chain_add_block(struct chain *c, struct block *b, str_t s);
/* The same for what comes off a connection.  Between s and the chain's last
 * piece stand only bytes that nobody needs any more, such as the framing of
 * chunks: where s is small, it is moved up to that piece.  Returns where s
 * ends now: the bytes up to those that follow it are free. */
char *chain_add_packed(struct chain *c, struct block *b, str_t s);
/* Appends n bytes of a file from offset at, and takes a reference to it. */
void chain_add_file(struct chain *c, struct chain_file *f, off_t at, size_t n);
/* Marks that everything so far is to be sent without delay.  On an empty chain,
 * an empty piece carries the mark. */
void chain_flush(struct chain *c);
/* Whether there is such a mark. */
bool chain_has_flush(const struct chain *c);

/* Appends a mark: a piece without bytes, with a pointer for its owner.  Marks
 * move like other pieces. */
void chain_mark(struct chain *c, void *what);
/* Moves the pieces before the first mark, removes the mark and returns its
 * pointer; NULL: there was no mark, and everything has been moved. */
void *chain_move_to_mark(struct chain *to, struct chain *from);

/* Moves all of from to the end of to (links move along; both chains must
 * have arenas of the same life, or to the longer one, in which case links are
 * made anew). */
void chain_move(struct chain *to, struct chain *from);
/* The same for what goes out: a few bytes are copied behind what waits there
 * already.  Marks may go. */
void chain_join(struct chain *to, struct chain *from);
/* Moves the first n bytes, cutting a piece in two where needed. */
void chain_move_n(struct chain *to, struct chain *from, uint64_t n);
/* Appends the same bytes to another chain, sharing their owners. */
void chain_share(struct chain *to, const struct chain *from);
/* Drops the first n bytes, and the marks among and right behind them. */
void chain_skip(struct chain *c, uint64_t n);
/* Drops everything. */
void chain_clear(struct chain *c);
/* Drops the first piece, or moves it, whatever it is. */
void chain_drop_first(struct chain *c);
void chain_move_first(struct chain *to, struct chain *from);
/* Takes over the free links of from, before from is abandoned; both are of the
 * same arena. */
void chain_take_links(struct chain *to, struct chain *from);
/* Copies memory pieces from the front to out, at most n bytes, consuming
 * nothing; stops at a file piece.  Returns the bytes copied. */
size_t chain_peek(const struct chain *c, char *out, size_t n);
