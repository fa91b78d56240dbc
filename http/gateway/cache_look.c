/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looks a request up in the cache, and answers it from there: a stored head goes
 * through the protocol's decoder as if it came from a peer.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/date.h"
#include "core/os/clock.h"
#include "http/gateway/cache_inside.h"
#include "http/gateway/cache_purge.h"
#include "http/gateway/cache_rfc.h"
#include "http/gateway/cache_vary.h"
#include "http/range.h"
#include "http/response.h"
#include "http/subrequest.h"

enum {
    FIRST_READ = 16384, /* of a small file: all of it                        */
    HEAD_READ = 4096,   /* of a large one, whose body goes by sendfile       */
    UPDATE_MS = 3600 * 1000, /* the longest time of an update                */
    KEY_ROOM = 256, /* of PREFIX_buffer_size, for the head               */
    UNIT = 1024,
};

/* --- files --------------------------------------------------------------------- */

static void
free_file(struct chain_file *f)
{
    (void) close(f->fd);
    free(f);
}


void
cache_close(struct cached_file *f)
{
    chain_file_put(f->file);
    block_put(f->block);
    f->file = NULL;
    f->block = NULL;
}


static int
open_file(const struct cached *c, const struct log *log)
{
    char name[DISK_NAME_MAX] UNSET;
    int  fd;

    disk_cache_name(c->in, &c->key, name);
    fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd == -1 && errno != ENOENT && errno != ENOTDIR)
        log_at(log, LEVEL_CRIT, errno, "open() \"%s\" failed", name);
    return fd;
}


static void
tell(const struct cached *c, const char *what, const struct log *log)
{
    char name[DISK_NAME_MAX] UNSET;

    disk_cache_name(c->in, &c->key, name);
    log_at(log, LEVEL_CRIT, 0, "cache file \"%s\" %s", name, what);
}


static void
read_start(struct cached_file *f, size_t room)
{
    struct block *b = block_new(room);
    ssize_t       n = pread(f->file->fd, b->data, room, 0);

    block_put(f->block);
    f->block = b;
    f->start = (str_t){ b->data, n > 0 ? (size_t) n : 0 };
}


/* Its size, unless all of it was read. */
static uint64_t
size_of(const struct cached_file *f)
{
    struct stat s;

    if (f->start.n < f->block->size)
        return f->start.n;
    return fstat(f->file->fd, &s) == 0 ? (uint64_t) s.st_size : 0;
}


/* How much of a file that takes so many bytes (0: unknown) is read at first. */
static size_t
first_read(const struct cached *c, uint64_t bytes, bool is_hot)
{
    if (bytes <= FIRST_READ)
        return FIRST_READ;
    return is_hot && bytes <= disk_hot_most(c->in) ? (size_t) bytes + 1
                                                   : HEAD_READ;
}


/* Opens the key's file, and reads its head.  False: there is none that can be
 * used. */
static bool
open_head(const struct cached *c, struct cached_file *f, size_t room,
          const struct log *log)
{
    int               fd = open_file(c, log);
    enum disk_verdict v;

    *f = (struct cached_file){ .file = NULL };
    if (fd == -1)
        return false;
    f->file = malloc(sizeof(*f->file));
    if (f->file == NULL)
        check_memory(sizeof(*f->file));
    *f->file = (struct chain_file){ 1, fd, free_file };
    read_start(f, room);
    v = disk_head_get(&f->head, f->start, c->text);
    if (v == DISK_BAD && f->start.n == room) { /* a large head */
        read_start(f, DISK_HEAD_MAX);
        v = disk_head_get(&f->head, f->start, c->text);
    }
    f->size = size_of(f);
    if (v == DISK_GOOD && f->size >= f->head.body_at)
        return true;
    if (v == DISK_OTHER_KEY)
        tell(c, "has md5 collision", log);
    cache_close(f);
    return false;
}


/* ... and keeps a copy of what is asked for often. */
static bool
read_file(const struct cached *c, struct cached_file *f,
          const struct disk_asked *asked, const struct log *log)
{
    int    wd = -1;
    bool   is_hot = disk_hot_watch(c->in, &c->key, asked, &wd);
    size_t room = first_read(c, asked->bytes, is_hot);
    bool   ok = open_head(c, f, room, log);

    if (is_hot && ok && f->head.valid_at >= clock_seconds())
        cache_hot_add(c, f, asked, wd);
    else if (is_hot)
        disk_hot_unwatch(c->in, wd);
    return ok;
}


/* --- answers ------------------------------------------------------------------- */

/* Whether the length that a stored head announces is that of the stored body;
 * where HEAD is asked for as such, there is none. */
static bool
has_length(const struct gateway *g, const struct exchange *x, uint64_t n)
{
    if (x->length < 0 || (uint64_t) x->length == n)
        return true;
    return n == 0 && (g->r->method == HTTP_HEAD || x->code == 304);
}


static void
add_body(struct exchange *x, const struct cached_file *f)
{
    struct chain body;
    uint64_t     n = f->size - f->head.body_at;

    chain_init(&body, x->gateway->r->task.arena);
    if (n != 0 && f->size <= f->start.n)
        chain_add_block(
            &body, f->block,
            str_from((str_t){ f->start.p, (size_t) f->size }, f->head.body_at));
    else if (n != 0 && (n > FIRST_READ || !cache_hot_body(f, &body)))
        chain_add_file(&body, f->file, (off_t) f->head.body_at, (size_t) n);
    exchange_chain(x, &body);
}


void
cache_forget_report(struct gateway *g, struct exchange *before)
{
    g->x = g->r->exchanges->used = before;
}


bool
cache_report_head(struct gateway *g, const struct cached_file *f)
{
    struct exchange *before = g->x;
    struct exchange *x;
    char            *start = f->block->data;
    struct buf       in = { .start = start + f->head.head_at,
                            .read = start + f->head.head_at,
                            .write = start + f->head.body_at,
                            .end = start + f->head.body_at };

    if (cache_hot_report(g, f->hot))
        return true;
    x = gateway_answer(g);
    if (g->protocol->decode(x, &in) == STEP_NEXT && !x->is_upgrade
        && !x->is_headless && has_length(g, x, f->size - f->head.body_at))
    {
        if (f->hot != NULL && f->hot->made == NULL && g->r->method == HTTP_GET)
            cache_hot_note(f->hot, x);
        return true;
    }
    tell(g->cache, "contains invalid header", g->r->task.log);
    cache_forget_report(g, before);
    return false;
}


/* The same with its body. */
static bool
report(struct gateway *g, const struct cached_file *f)
{
    if (!cache_report_head(g, f))
        return false;
    add_body(g->x, f);
    return true;
}


static enum step
answer(struct gateway *g, struct cached_file *f, enum cache_status status)
{
    struct cached *c = g->cache;
    bool           is_good = report(g, f);

    c->date = f->head.date;
    c->valid_at = f->head.valid_at;
    cache_close(f);
    if (!is_good) {
        c->why = CACHE_WHY_BROKEN;
        (void) disk_cache_remove(c->in, &c->key);
        return STEP_NEXT;
    }
    c->status = status;
    c->is_storable = false;
    return STEP_DONE;
}


/* --- stale ----------------------------------------------------------------------- */

struct handed {
    const struct disk_cache *in;
    struct disk_key          key;
    uint32_t                 claim;
};


static void
leave_handed(void *arg)
{
    const struct handed *h = arg;

    disk_cache_leave(h->in, &h->key, h->claim);
}


/* Lets a subrequest update it, to which the claim goes. */
static bool
update_behind(struct gateway *g)
{
    struct cached          *c = g->cache;
    struct http_request    *r = g->r;
    struct http_subrequest *s;
    struct handed          *h;

    if (r->subrequests == 0)
        return false;
    s = arena_make(r->task.arena, struct http_subrequest);
    s->is_clone = s->in_background = s->drops_body = true;
    if (http_subrequest(r, s, r->uri, r->args) == STEP_FAIL)
        return false;
    s->made->exchanges = arena_make(s->made->task.arena, struct exchange_list);
    s->made->exchanges->handed = c->claim;
    h = arena_make(r->task.arena, struct handed);
    *h = (struct handed){ c->in, c->key, c->claim };
    arena_defer(r->task.arena, leave_handed, h);
    c->claim = 0;
    return true;
}


/* Of a file that is no longer fresh, or not to be used as it is (is_new):
 * STEP_DONE: it is used all the same. */
static enum step
judge_stale(struct gateway *g, struct cached_file *f, bool is_new)
{
    const struct gateway_cache_conf *conf = &g->conf->cache;
    struct cached                   *c = g->cache;
    time_t                           now = clock_seconds();
    bool                             is_update = g->r->exchanges->handed != 0;
    bool may = !is_update && !is_new && !c->is_strict
               && ((conf->use_stale & NEXT_UPDATING) || c->is_soft
                   || f->head.valid_at + f->head.updating >= now);

    c->may_use_error = c->is_soft || f->head.valid_at + f->head.error >= now;
    c->claim = is_update ? g->r->exchanges->handed
                         : disk_cache_claim(c->in, &c->key, UPDATE_MS);
    c->why = CACHE_WHY_UPDATING;
    if (c->claim == 0 && may)
        return answer(g, f, CACHE_UPDATING);
    if (c->claim != 0 && may && (conf->updates_behind || c->is_soft)
        && update_behind(g))
        return answer(g, f, CACHE_STALE);
    c->status = CACHE_EXPIRED;
    c->why = is_new       ? CACHE_WHY_REQUEST
             : c->is_soft ? CACHE_WHY_SOFT
                          : CACHE_WHY_EXPIRED;
    c->old = *f;
    return STEP_NEXT;
}


/* Answers with what is stored, although it is stale. */
static bool
fall_back(struct gateway *g, enum cache_status status)
{
    struct cached *c = g->cache;

    if (g->x != NULL)
        exchange_end(g->x);
    if (status == CACHE_STALE)
        c->why = CACHE_WHY_FAILED;
    return answer(g, &c->old, status) == STEP_DONE;
}


static bool
has_stale(const struct gateway *g)
{
    return g->cache != NULL && g->cache->status == CACHE_EXPIRED
           && g->cache->old.file != NULL;
}


bool
gateway_cache_stale(struct gateway *g, unsigned how)
{
    return has_stale(g) && !g->cache->is_strict
           && ((g->conf->cache.use_stale & how) || g->cache->may_use_error)
           && fall_back(g, CACHE_STALE);
}


bool
gateway_cache_replaces(struct gateway *g, unsigned how)
{
    return has_stale(g) && !g->cache->is_strict
           && (g->conf->cache.use_stale & how) && fall_back(g, CACHE_STALE);
}


/* Writes the times of h over those of the file, if it is still the same. */
static void
renew(const struct cached *c, const struct cached_file *f, struct disk_head *h)
{
    struct stat old, now;
    char        name[DISK_NAME_MAX] UNSET, bytes[DISK_STRUCT];
    int         fd;

    disk_cache_name(c->in, &c->key, name);
    fd = open(name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd == -1)
        return;
    disk_head_put_struct(bytes, h);
    if (fstat(fd, &now) == 0 && fstat(f->file->fd, &old) == 0
        && now.st_ino == old.st_ino && now.st_dev == old.st_dev)
        (void) !pwrite(fd, bytes, sizeof(bytes), 0);
    (void) close(fd);
    disk_cache_changed(c->in, &c->key);
}


bool
gateway_cache_revalidates(const struct gateway *g)
{
    return has_stale(g) && (g->conf->cache.revalidates || cache_rfc_is_on(g));
}


bool
gateway_cache_confirms(struct gateway *g)
{
    struct cached     *c = g->cache;
    struct cached_file f;
    struct disk_head   h;
    struct cache_age   stored = { 0 };
    int64_t            valid_at;

    if (cache_rfc_update(g)) {
        (void) fall_back(g, CACHE_REVALIDATED);
        cache_leave(c);
        return c->status == CACHE_REVALIDATED;
    }
    if (!cache_rfc_is_on(g))
        cache_age_of(&c->age, g, g->x); /* of the 304, which comes first */
    f = c->old;
    chain_file_get(f.file);
    block_get(f.block);
    if (fall_back(g, CACHE_REVALIDATED)) {
        h = f.head;
        cache_age_of(&stored, g, g->x);
        valid_at = c->age.valid_at;
        if (valid_at != 0) {
            h.updating = c->age.updating;
            h.error = c->age.error;
        } else {
            valid_at = cache_valid_until(g, &stored, g->x->code);
            h.updating = stored.updating;
            h.error = stored.error;
        }
        h.valid_at = valid_at;
        h.date = clock_seconds();
        if (valid_at != 0) {
            disk_cache_confirmed(c->in, &c->key, &c->version, c->purges);
            renew(c, &f, &h);
        }
    } else {
        c->age = (struct cache_age){ 0 }; /* of what is asked for instead */
    }
    cache_close(&f);
    cache_leave(c);
    return c->status == CACHE_REVALIDATED;
}


/* --- looking up ------------------------------------------------------------------- */

static bool
fits(const struct gateway *g, const struct cached *c)
{
    size_t needed = disk_head_size(c->text.n) + KEY_ROOM;

    if (needed <= g->conf->buffer_size)
        return true;
    log_error(g->r->task.log,
              "%s_buffer_size %zu is not enough for cache key, it should be "
              "increased to at least %zu",
              g->protocol->prefix, g->conf->buffer_size,
              (needed + UNIT - 1) / UNIT * UNIT);
    return false;
}


bool
cache_is_any(const struct expr_list *list, struct task *t)
{
    VEC_EACH(&list->list, e)
        if (expr_is_true(expr_eval(*e, t)))
            return true;
    return false;
}


/* STEP_ACCEPT: what is to be looked up is in g->cache. */
static enum step
begin(struct gateway *g)
{
    const struct gateway_cache_conf *conf = &g->conf->cache;
    struct task                     *t = &g->r->task;
    const struct disk_cache         *in;
    struct cached                   *c;
    bool                             is_bypassed;

    if (cache_purge_is_asked(g))
        return cache_purge(g);
    if (task_is_dry(t))
        cache_explain(g);
    if (task_is_dry(t)
        || !(g->r->method & (conf->methods | HTTP_GET | HTTP_HEAD)))
        return STEP_NEXT;
    if (!cache_find(g, &in))
        return gateway_fail(g, 500);
    if (in == NULL)
        return STEP_NEXT;
    c = arena_make(t->arena, struct cached);
    c->in = in;
    c->task = t;
    cache_make_key(g, c);
    is_bypassed = cache_is_any(&conf->bypass, t);
    if (t->has_bad_value)
        return gateway_fail(g, 500);
    if (!fits(g, c))
        return STEP_NEXT;
    g->cache = c;
    if (is_bypassed)
        cache_digest_key(c);
    c->purges = disk_purge_number(in);
    c->is_storable = true;
    c->status = is_bypassed ? CACHE_BYPASS : CACHE_MISS;
    c->why = is_bypassed ? CACHE_WHY_BYPASS : CACHE_WHY_NEW;
    return is_bypassed ? STEP_NEXT : STEP_ACCEPT;
}


/* Of several requests for what is not stored, one asks the peer. */
static enum step
lock(struct gateway *g)
{
    const struct gateway_cache_conf *conf = &g->conf->cache;
    struct cached                   *c = g->cache;
    msec_t                           now = clock_ms();

    if (conf->locks == CACHE_LOCK_OFF || c->claim != 0)
        return STEP_NEXT;
    c->claim = disk_cache_claim(c->in, &c->key, conf->lock_age);
    if (c->claim != 0)
        return STEP_NEXT;
    if (conf->locks == CACHE_LOCK_STREAMING && cache_join(g))
        return STEP_DONE;
    if (c->until == 0)
        c->until = now + conf->lock_timeout;
    if (now >= c->until) {
        if (conf->lock_timeout != 0)
            log_info(g->r->task.log, "cache lock timeout");
        c->why = CACHE_WHY_LOCKED;
        c->is_storable = false;
        return STEP_NEXT;
    }
    cache_wait(c, c->until - now);
    return STEP_WAIT;
}


/* The file of the key, or of its variant for this request, of which asked tells
 * then.  False: there is none that can be used. */
static bool
find_file(struct gateway *g, struct cached_file *f, struct disk_asked *asked)
{
    struct cached  *c = g->cache;
    struct disk_key variant;

    if (!read_file(c, f, asked, g->r->task.log))
        return false;
    if (f->head.vary.n == 0)
        return true;
    cache_variant(&variant, &c->main, f->head.vary, &g->r->in);
    if (memcmp(variant.b, f->head.variant, sizeof(variant.b)) == 0)
        return true;
    cache_close(f);
    c->key = variant;
    c->why = CACHE_WHY_VARIANT;
    if (!disk_cache_ask(c->in, &c->key, asked) || !asked->may_have_file
        || !read_file(c, f, asked, g->r->task.log))
        return false;
    cache_variant(&variant, &c->main, f->head.vary, &g->r->in);
    if (memcmp(variant.b, f->head.variant, sizeof(variant.b)) == 0)
        return true;
    cache_close(f);
    return false;
}


/* The same, unless it was purged. */
static bool
find_good(struct gateway *g, struct cached_file *f, struct disk_asked *asked)
{
    struct cached   *c = g->cache;
    enum disk_purged v;

    if (!asked->may_have_file || !find_file(g, f, asked))
        return false;
    disk_cache_opened(asked);
    v = cache_purged(g, f, asked);
    c->is_soft = v == PURGED_SOFT;
    if (v != PURGED_HARD)
        return true;
    c->why = CACHE_WHY_PURGED;
    cache_close(f);
    (void) disk_cache_remove(c->in, &c->key);
    return false;
}


/* A status that is stored, unless it was purged. */
static bool
has_status(const struct cached *c, const struct disk_asked *asked)
{
    struct disk_age age = { asked->purges, 0 };

    return asked->error != 0
           && (asked->purges >= asked->last_purge
               || disk_purge_of_key(c->in, &c->main, c->text, &age, true)
                      == PURGED_NOT);
}


/* What was found.  STEP_NEXT: the peer is to be asked; the status is EXPIRED
 * where it is kept meanwhile. */
static enum step
use(struct gateway *g, struct cached_file *f)
{
    bool            is_fresh = f->head.valid_at >= clock_seconds();
    enum cache_wish wish = cache_rfc_wish(g, f);

    g->cache->why = wish == WISH_STALE ? CACHE_WHY_MAX_STALE : CACHE_WHY_FRESH;
    if (wish == WISH_STALE)
        return answer(g, f, CACHE_STALE);
    if (is_fresh && !g->cache->is_soft && wish == WISH_NONE)
        return answer(g, f, CACHE_HIT);
    g->cache->is_strict = cache_rfc_forbids_stale(g, f);
    return judge_stale(g, f, wish == WISH_NEW);
}


static enum step
seek(struct gateway *g)
{
    struct cached     *c = g->cache;
    struct cached_file f = { .file = NULL };
    struct disk_asked  asked, of;
    enum step          s;

    c->why = CACHE_WHY_FRESH;
    if (!cache_rfc_has_wishes(g) && cache_hot_find(g, &f)
        && answer(g, &f, CACHE_HIT) == STEP_DONE)
        return STEP_DONE;
    cache_digest_key(c);
    c->why = CACHE_WHY_NEW;
    if (!disk_cache_ask(c->in, &c->key, &asked)) {
        c->why = CACHE_WHY_FULL;
        c->is_storable = false;
        return STEP_NEXT;
    }
    c->purges = asked.last_purge;
    if (has_status(c, &asked)) {
        c->status = CACHE_HIT;
        c->why = CACHE_WHY_STATUS;
        c->is_storable = false;
        return gateway_fail(g, asked.error);
    }
    of = asked;
    if (find_good(g, &f, &of)) {
        c->version = of.version;
        s = use(g, &f);
        if (s == STEP_DONE || c->status == CACHE_EXPIRED)
            return s;
    }
    if (asked.uses < g->conf->cache.min_uses) {
        c->why = CACHE_WHY_MIN_USES;
        c->is_storable = false;
        return STEP_NEXT;
    }
    return lock(g);
}


/* A range that begins far behind is asked for as it is. */
static void
check_range(struct gateway *g)
{
    const struct field *f = fields_get(&g->r->in, FIELD_RANGE);
    uint64_t            max = g->conf->cache.max_offset;
    str_t               rest;

    if (max == 0 || f == NULL || !str_istarts(f->value, STR("bytes=")))
        return;
    rest = str_trim(str_from(f->value, strlen("bytes=")));
    if ((rest.n == 0 || rest.p[0] != '-') && range_start(f->value) <= max - 1)
        return;
    g->cache->unstored = "Range";
    g->cache->is_storable = false;
}


/* The request wants nothing that would have to be fetched. */
static enum step
refuse(struct gateway *g)
{
    g->cache->is_storable = false;
    return gateway_fail(g, 504);
}


enum step
gateway_cache_look(struct gateway *g)
{
    struct cached *c = g->cache;
    enum step      s;

    if (c == NULL) {
        s = begin(g);
        c = g->cache;
        if (s == STEP_NEXT && c != NULL && cache_rfc_is_only_cached(g))
            return refuse(g);
        if (s != STEP_ACCEPT)
            return s;
    } else if (c->until > clock_ms() && disk_cache_await(c->in, &c->key)) {
        if (g->conf->cache.locks == CACHE_LOCK_STREAMING && cache_join(g)) {
            cache_stop_waiting(c);
            return STEP_DONE;
        }
        cache_wait(c, c->until - clock_ms());
        return STEP_WAIT;
    }
    s = seek(g);
    if ((s == STEP_WAIT || s == STEP_NEXT) && cache_rfc_is_only_cached(g))
        return refuse(g);
    if (s == STEP_WAIT)
        return s;
    cache_stop_waiting(c);
    if (s == STEP_NEXT)
        check_range(g);
    return s;
}


void
gateway_cache_end(struct gateway *g)
{
    struct cached *c = g->cache;

    if (c == NULL)
        return;
    cache_stop_waiting(c);
    cache_finish(g);
    cache_tell_end(g);
    cache_close(&c->old);
    chain_file_put(c->join.file);
    c->join.file = NULL;
    cache_leave(c);
}
