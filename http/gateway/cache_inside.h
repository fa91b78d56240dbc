/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state of a run with a cache; for the files of the cache only.
 */
#pragma once

#include "core/cache/disk/hot.h"
#include "http/gateway/cache_age.h"
#include "http/gateway/cache_tell.h"
#include "http/gateway/exchange.h"

/* A file that was opened. */
struct cached_file {
    struct chain_file *file;  /* NULL: none was opened                       */
    struct block      *block;
    str_t              start; /* its first bytes, in block                   */
    uint64_t           size;
    struct disk_head   head;  /* texts point into start                      */
    struct disk_hot   *hot;   /* the copy of it in memory, or NULL           */
};

/* What is being stored. */
struct cache_fill {
    const struct exchange *x;
    struct chain_file     *file; /* NULL: nothing is stored                  */
    str_t                  name; /* of the temporary file                    */
    off_t                  end;
    struct chain           head; /* not written so far                       */
    size_t                 body_at;
    bool                   is_broken;
    bool                   is_announced; /* others read it                    */
};

/* What another request is storing. */
struct cache_join {
    struct chain_file *file; /* NULL: nothing                                */
    uint32_t           claim;
    off_t              start, at; /* of the body; read so far                */
};

struct cached {
    const struct disk_cache *in;
    str_t                    text; /* the key                                */
    struct disk_key          main, key; /* its digest; that of the variant   */
    bool                     has_digest; /* main is set                      */
    enum cache_status        status;
    enum cache_why           why;
    const char              *unstored; /* why the response is not; NULL    */
    int64_t                  valid_at; /* of what is answered; 0             */
    int64_t                  date; /* when what is answered was stored; 0    */
    bool                     is_storable, is_stored;
    bool                     may_use_error; /* stale-if-error                */
    bool                     is_strict; /* stale, it must not be used        */
    uint32_t                 claim; /* 0: none                               */
    uint64_t purges;  /* the number of the last one before it was looked up  */
    struct disk_version version; /* of the file that was found               */
    bool     is_soft; /* what is stored was purged, softly                   */
    msec_t                   extended_at; /* when its time was, last         */

    struct cached_file old;  /* stale: for revalidation, or instead of errors */
    struct cache_age   age;  /* of the peer's response                       */
    str_t              raw;  /* its head, as it came                         */
    size_t             raw_room;
    struct cache_fill  fill;
    struct cache_join  join;

    /* Waiting for another request. */
    struct list  link;
    struct task *task;
    struct timer timer;
    msec_t       until; /* 0: it has not waited so far                       */
};

/* The look of the source (struct gateway_source). */
enum step gateway_cache_look(struct gateway *g);
/* Reports the head of what is stored to a new g->x.  False: it is no response,
 * and g->x is as before. */
bool cache_report_head(struct gateway *g, const struct cached_file *f);
/* ... which it becomes again. */
void cache_forget_report(struct gateway *g, struct exchange *before);
/* What zones of the prefix of a directive that ends so are for; NULL: none. */
const struct zone_use *cache_use_of(str_t directive, str_t tail);
/* Takes the fields of x into account. */
void cache_age_of(struct cache_age *a, const struct gateway *g,
                  const struct exchange *x);
/* The seconds since 1970 until which a response with that status and those
 * fields is fresh; 0: it is not stored. */
int64_t cache_valid_until(const struct gateway *g, const struct cache_age *a,
                          unsigned status);
/* --- copies in memory (cache_hot.c) --- */

/* Of what is asked for, if it is fresh: *f, and the key. */
bool cache_hot_find(struct gateway *g, struct cached_file *f);
/* Keeps one of a file that was read. */
void cache_hot_add(const struct cached *c, struct cached_file *f,
                   const struct disk_asked *asked, int wd);
/* Reports the head that is kept with a copy to a new g->x.  False: there is none,
 * or none for such a request. */
bool cache_hot_report(struct gateway *g, const struct disk_hot *h);
/* Keeps what was decoded. */
void cache_hot_note(struct disk_hot *h, const struct exchange *x);
/* Reads a small body. */
bool cache_hot_body(const struct cached_file *f, struct chain *body);

/* PREFIX_cache_valid for that status.  False: it says nothing. */
bool cache_valid_for(const struct gateway *g, unsigned status,
                     int64_t *seconds);
/* A temporary file for the key of g->cache.  False: logged. */
bool cache_open_temp(struct gateway *g, struct cache_fill *fill);
/* Its file, of n bytes, becomes that of the key.  False: logged, and it is gone. */
bool cache_put(struct gateway *g, const struct cache_fill *fill, uint64_t n);
/* The dates and tags that conditions are about. */
void cache_set_validators(struct disk_head *h, const struct exchange *x);
/* The cache of the location; NULL: none.  False: logged. */
bool cache_find(struct gateway *g, const struct disk_cache **out);
/* The key of its request; and then its digest, which nothing needs where a copy in
 * memory answers. */
void cache_make_key(struct gateway *g, struct cached *c);
void cache_digest_key(struct cached *c);
void cache_digest(str_t text, struct disk_key *out);
/* The cache of the location, NULL: none, and what the key of its request is, or
 * would be for GET.  False: logged. */
bool cache_key_of_get(struct gateway *g, const struct disk_cache **in,
                      str_t *key);

/* Waits for others, who ring the bell, for so many milliseconds. */
void cache_wait(struct cached *c, msec_t ms);
/* The wait is over. */
void cache_stop_waiting(struct cached *c);
/* Reports the head of what another request is storing to a new g->x, if others may
 * read it. */
bool cache_join(struct gateway *g);
/* What is being stored has its head: others may read it, if they may. */
void cache_join_announce(struct gateway *g);

/* The claim is given up, and those that wait for it go on. */
void cache_leave(struct cached *c);
void cache_close(struct cached_file *f);
/* What was being stored is complete, or dropped. */
void cache_finish(struct gateway *g);
/* Whether one of the texts is true. */
bool cache_is_any(const struct expr_list *list, struct task *t);
