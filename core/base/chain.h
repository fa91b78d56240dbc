/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chains carry bodies: a list of pieces, each a range of memory or of an open
 * file.  Links come from an arena and are used again within the chain's pool;
 * the bytes belong to a counted block (network data, temporary buffers), to a
 * counted file, or, with no owner, to something that lives as long as the
 * task (its arena, a literal, a cached file held by the task).
 *
 * Nobody edits links by hand: pieces go in at the end and are consumed at the
 * front by the functions below, which drop the owner's count when a piece has
 * been used up.
 *
 * Whoever sends a body chooses its pieces, but not what they cost: small ones
 * become one (chain_add_packed, chain_join).
 */
#pragma once

#include <sys/types.h>

#include "core/base/arena.h"

/* Counted memory outside of arenas. */
struct block {
    unsigned refs;
    unsigned size;                  /* of data, in bytes                     */
    void   (*free)(struct block *); /* at the last put; NULL: free()         */
    char    *data;
};

/* Size bytes of counted memory with one reference; never NULL.  Blocks of 4,
 * 8, 16 and 32 KiB are recycled within the process. */
struct block *block_new(size_t size);
/* The same, or NULL without memory. */
struct block *block_try(size_t size);
struct block *block_get(struct block *b);
void          block_put(struct block *b); /* NULL is allowed */

/* An open file that pieces refer to. */
struct chain_file {
    unsigned refs;
    int      fd;
    void   (*free)(struct chain_file *); /* at the last put                  */
};

struct chain_file *chain_file_get(struct chain_file *f);
void               chain_file_put(struct chain_file *f);

enum piece_flag {
    PIECE_FLUSH = 1, /* send what stands before at once                      */
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

void chain_init(struct chain *c, struct arena *arena);

static inline bool
chain_empty(const struct chain *c)
{
    return c->head == NULL;
}

/* Appends memory that outlives the chain; an empty s appends nothing. */
void chain_add(struct chain *c, str_t s);
/* Appends a copy of s, made in a block that short ones share. */
void chain_add_copy(struct chain *c, str_t s);
/* Appends bytes of a block and takes a count of its own on it. */
void chain_add_block(struct chain *c, struct block *b, str_t s);
/* The same for what comes off a connection.  Between s and the chain's last
 * piece stand only bytes that nobody needs any more, such as the framing of
 * chunks: where s is small, it is moved up to that piece.  Returns where s
 * ends now: the bytes up to those that follow it are free. */
char *chain_add_packed(struct chain *c, struct block *b, str_t s);
/* Appends n bytes of a file from offset at, taking a count on it. */
void chain_add_file(struct chain *c, struct chain_file *f, off_t at, size_t n);
/* Marks that everything so far is to be sent without delay; on an empty chain
 * an empty piece carries the mark. */
void chain_flush(struct chain *c);
/* Whether there is such a mark. */
bool chain_has_flush(const struct chain *c);

/* Marks the place behind what is there so far, with what stands for it.  Marks
 * move along like pieces. */
void chain_mark(struct chain *c, void *what);
/* Moves what stands before the first mark and takes that off; NULL: there was
 * none, all has been moved. */
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
/* Takes the links that are free in from, before that is forgotten; both are
 * of the same arena. */
void chain_take_links(struct chain *to, struct chain *from);
/* Copies memory pieces from the front to out, at most n bytes, consuming
 * nothing; stops at a file piece.  Returns the bytes copied. */
size_t chain_peek(const struct chain *c, char *out, size_t n);
