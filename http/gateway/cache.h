/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cache of gateways: their directives, and what a run does with it.  Files,
 * keys and the index are those of core/cache/disk.
 *
 *     LOOK: a file that is fresh > its head is decoded like a peer's, and its
 *           body is a range of the file
 *     RESPOND: the head of a peer's response may be stored > a temporary file
 *     RELAY: and the body > renamed, when it is complete
 */
#pragma once

#include "core/cache/disk/cache.h"
#include "core/expr/expr.h"
#include "http/method.h"

struct cache_purge;
struct exchange;
struct gateway;
struct gateway_conf;

/* PREFIX_cache. */
struct cache_zone {
    str_t                    name; /* empty: off                             */
    struct expr             *expr; /* or it depends on variables             */
    const struct disk_cache *cache; /* set by gateway_ready_cached            */
};

static inline bool
cache_zone_is_on(const struct cache_zone *z)
{
    return z->name.n != 0 || z->expr != NULL;
}

/* PREFIX_cache_valid: status 0 is any. */
struct cache_valid {
    unsigned status;
    uint64_t seconds;
};

struct cache_valids {
    VEC(struct cache_valid) list;
};

/* PREFIX_cache_lock. */
enum cache_lock { CACHE_LOCK_OFF, CACHE_LOCK_ON, CACHE_LOCK_STREAMING };

struct gateway_cache_conf {
    struct cache_zone      zone;
    struct expr           *key; /* NULL: the protocol's                      */
    struct cache_valids    valid;
    struct expr_list       bypass, no_store; /* PREFIX_no_cache              */
    struct cache_purge    *purge;
    struct expr           *purge_tag;
    struct expr_list       purge_soft, tags;
    uint64_t               min_uses;
    uint64_t               max_offset; /* of a range, and one; 0: any          */
    unsigned               methods;    /* besides GET and HEAD               */
    unsigned               use_stale;  /* enum gateway_next                  */
    msec_t                 lock_age, lock_timeout;
    unsigned               locks; /* enum cache_lock                         */
    bool                   updates_behind, revalidates, converts_head;
    const struct zone_use *use; /* set by gateway_ready_cached                */
};

extern const struct directive gateway_cache_rows[];

/* PREFIX_cache_use_stale of C, whose member gateway is a struct gateway_conf. */
#define GATEWAY_USE_STALE(name, C, words)                                      \
    BITS(name, IN_WEB, ARGS_1_OR_MORE, C, gateway.cache.use_stale, "off",      \
         words,                                                                \
         "After which failures, or while what is stored is updated, a stale "  \
         "response is used; off: never.")
/* PREFIX_cache_path. */
#define GATEWAY_CACHE_PATH(name, use)                                          \
    { name, IN_HTTP | ROW_MANY, ARGS_2_OR_MORE, &disk_cache_path_type, 0,      \
      NULL, &use, DISK_CACHE_SYNTAX,                                           \
      "A cache: the folder of its files, and the zone that has its keys. A "   \
      "file that was not used for the time of inactive is deleted, and the "   \
      "least used ones where there are more than max_size or less than "       \
      "min_free is left on the disk. memory: for copies, in each "          \
      "process, of small files that are asked for often; they go with the "     \
      "file; 32m by default." }

enum cache_status {
    CACHE_NONE,
    CACHE_MISS,
    CACHE_BYPASS,
    CACHE_EXPIRED,
    CACHE_STALE,
    CACHE_UPDATING,
    CACHE_REVALIDATED,
    CACHE_HIT,
};

/* What a run has to do with a cache: g->cache. */
struct cached;

/* Whether the response to this request may be stored, so that the peer is to
 * send the whole of it: without the client's conditions and ranges. */
bool gateway_cache_asks_whole(const struct gateway *g);
/* Whether HEAD is sent as GET. */
bool gateway_cache_converts(const struct gateway *g);

/* Of what is stored, where it is to be revalidated: for $upstream_cache_... */
str_t gateway_cache_etag(const struct gateway *g);
str_t gateway_cache_modified(const struct gateway *g);
enum cache_status gateway_cache_status(const struct gateway *g);
str_t             gateway_cache_key(const struct gateway *g);
/* Of a response that comes from there: seconds. */
str_t gateway_cache_age(const struct gateway *g);

/* --- for the engine ------------------------------------------------------------ */

/* Bytes of a head that a decoder has taken. */
void gateway_cache_note(struct gateway *g, str_t bytes);
/* ... were those of an interim response, or of a peer that is given up. */
void gateway_cache_forget(struct gateway *g);
/* A peer has failed in one of the ways of use_stale: whether there is a stale
 * response instead, reported to g->x. */
bool gateway_cache_stale(struct gateway *g, unsigned how);
/* Likewise, for a status that a peer has answered with. */
bool gateway_cache_replaces(struct gateway *g, unsigned how);
/* A peer has said 304: whether that is about what is stored. */
bool gateway_cache_revalidates(const struct gateway *g);
/* ... then it is fresh again, and reported to g->x.  False: it is broken, and no
 * more what requests are conditional on. */
bool gateway_cache_confirms(struct gateway *g);
/* The response is not passed on, but its status (an error page). */
void gateway_cache_intercepted(struct gateway *g);
/* The head of a response is about to be passed on: stores it where it is to be
 * stored. */
void gateway_cache_open(struct gateway *g);
/* Whether it is being stored, and so is to be read to its end. */
bool gateway_cache_is_filling(const struct gateway *g);
/* Stores bytes of the body. */
void gateway_cache_add(struct gateway *g, const struct chain *data);
/* Moves what is in memory to what was stored: the last n bytes of that, which
 * data was copied to. */
bool gateway_cache_spill(struct gateway *g, struct chain *to,
                         struct chain *data);
/* More of a response that another request is storing (x->is_growing), to x->body.
 * STEP_WAIT: nothing now; STEP_DONE: that was all; STEP_FAIL: the rest does not
 * come. */
enum step gateway_cache_more(struct gateway *g);
/* The run ends with that status, 0 for a response. */
void gateway_cache_fail(struct gateway *g, unsigned status);
void gateway_cache_end(struct gateway *g);
