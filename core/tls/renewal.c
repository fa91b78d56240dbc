/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From changed files to settings that have their bytes.
 */
#include "core/tls/renewal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/conf/generation.h"
#include "core/os/range.h"
#include "core/tls/context.h"
#include "core/tls/files.h"
#include "core/tls/stapling.h"

/* New contents of the unit of that number: the bytes of the file, or the chain
 * and the key. */
struct renewed {
    unsigned number;
    str_t    text[2];
    bool     is_refused;
};

struct tls_renewal {
    struct arena       *arena;
    struct generation  *gen;
    VEC(struct renewed) list;
    int                 fd;
};

/* In the file: this for each of them, followed by both texts. */
struct record {
    uint64_t number, n[2];
};


static struct tls_files *
files_of(const struct generation *g)
{
    return g->main[tls_module.slot];
}


static struct tls_unit *
unit_at(const struct generation *g, unsigned number)
{
    return &files_of(g)->units.at[number - 1];
}


/* --- what has changed ---------------------------------------------------------- */

static bool
is_gone(const struct tls_mark *m)
{
    static const struct tls_mark none;

    return tls_mark_same(m, &none);
}


/* The names of its files; the second one is empty where there is none. */
static void
paths_of(const struct tls_unit *u, str_t out[2])
{
    out[0] = u->file != NULL ? u->file->path : u->pair->path;
    out[1] = u->file != NULL ? STR("") : u->pair->key_path;
}


/* Takes the new marks.  False: they are as they were.  *gone is a file that is
 * not there any more. */
static bool
has_changed(struct tls_unit *u, str_t *gone)
{
    str_t           paths[2];
    struct tls_mark now[2] = { 0 };
    bool            is_new = false;

    paths_of(u, paths);
    for (unsigned i = 0; i < 2 && paths[i].n != 0; i++) {
        now[i] = tls_mark_of(paths[i]);
        if (tls_mark_same(&now[i], &u->marks[i]))
            continue;
        is_new = true;
        if (is_gone(&now[i]))
            *gone = paths[i];
    }
    if (is_new)
        memcpy(u->marks, now, sizeof(now));
    return is_new;
}


/* --- reading them again -------------------------------------------------------- */

static void
refuse_unit(struct tls_unit *u, const char *why, const struct log *log)
{
    u->is_behind = true;
    if (u->file != NULL)
        log_error(log,
                  "\"" STR_F "\" has changed and cannot be used, what was "
                  "read before stays in use: %s",
                  STR_A(u->file->path), why);
    else
        log_error(log,
                  "certificate \"" STR_F "\" with key \"" STR_F
                  "\" has changed and cannot be used, the one before stays in "
                  "use: %s",
                  STR_A(u->pair->path), STR_A(u->pair->key_path), why);
}


static bool
load_file(struct tls_renewal *r, const struct tls_unit *u, str_t text[2],
          char *why)
{
    struct tls_file f;

    if (!tls_file_load(r->arena, u->what, u->file->path, &f, why))
        return false;
    text[0] = f.bytes;
    return true;
}


static bool
load_pair(struct tls_renewal *r, const struct tls_unit *u, str_t text[2],
          char *why)
{
    struct tls_pair p;

    if (!tls_pair_load(r->arena, r->gen->paths.conf_prefix, u->pair->name,
                       u->pair->key_name, &u->passwords, &p, why))
        return false;
    text[0] = p.chain;
    text[1] = p.key;
    return true;
}


static bool
is_same(const struct tls_unit *u, const str_t text[2])
{
    if (u->file != NULL)
        return str_eq(u->file->bytes, text[0]);
    return str_eq(u->pair->chain, text[0]) && str_eq(u->pair->key, text[1]);
}


static void
read_again(struct tls_renewal *r, unsigned number, const struct log *log)
{
    struct tls_unit *u = unit_at(r->gen, number);
    struct renewed   it = { .number = number };
    char             why[TLS_WHY_MAX];
    str_t            gone = STR_NONE;
    bool             ok;

    if (!has_changed(u, &gone))
        return;
    if (gone.p != NULL) {
        snprintf(why, sizeof(why), "\"" STR_F "\" is not there any more",
                 STR_A(gone));
        ok = false;
    } else {
        ok = u->file != NULL ? load_file(r, u, it.text, why)
                             : load_pair(r, u, it.text, why);
    }
    if (!ok) {
        refuse_unit(u, why, log);
        return;
    }
    u->is_behind = false;
    if (!is_same(u, it.text))
        *vec_push(r->arena, &r->list) = it;
}


/* --- settings with new bytes ---------------------------------------------------- */

/* What units have become, by their numbers; NULL: nothing new. */
struct news {
    struct renewed **at;
};


static struct news
news_new(struct arena *a, const struct generation *g)
{
    size_t n = files_of(g)->units.n + 1; /* 0 is that of no unit             */

    return (struct news){ arena_array(a, struct renewed *, n) };
}


static bool
set_file(struct tls_file *f, const struct news *news, bool does)
{
    const struct renewed *it = news->at[f->unit];

    if (it != NULL && does)
        f->bytes = it->text[0];
    return it != NULL;
}


static bool
set_pair(struct tls_pair *p, const struct news *news, bool does)
{
    const struct renewed *it = news->at[p->unit];

    if (it != NULL && does) {
        p->chain = it->text[0];
        p->key = it->text[1];
    }
    return it != NULL;
}


/* Gives settings what is new, if does.  Whether they use any of it. */
static bool
set(struct tls_settings *s, const struct news *news, bool does)
{
    bool is_used = set_file(&s->dhparam, news, does);

    is_used |= set_file(&s->client_ca, news, does);
    is_used |= set_file(&s->trusted, news, does);
    is_used |= set_file(&s->crl, news, does);
    is_used |= set_file(&s->staple, news, does);
    VEC_EACH(&s->ticket_keys, k)
        is_used |= set_file(k, news, does);
    VEC_EACH(&s->pairs, p)
        is_used |= set_pair(p, news, does);
    return is_used;
}


/* --- whether it is good --------------------------------------------------------- */

/* s as it will be. */
static struct tls_settings
with_renewed(struct arena *a, const struct tls_settings *s,
             const struct news *news)
{
    struct tls_settings out = *s;

    memset(&out.pairs, 0, sizeof(out.pairs));
    VEC_EACH(&s->pairs, p)
        *vec_push(a, &out.pairs) = *p;
    memset(&out.ticket_keys, 0, sizeof(out.ticket_keys));
    VEC_EACH(&s->ticket_keys, k)
        *vec_push(a, &out.ticket_keys) = *k;
    (void) set(&out, news, true);
    return out;
}


static bool
check(const struct tls_settings *s, char *why)
{
    return tls_stapling_check(s, why) && tls_context_check(s, why);
}


static void
refuse_one(struct tls_renewal *r, struct news *news, unsigned number,
           const char *why, const struct log *log)
{
    if (news->at[number] == NULL)
        return;
    news->at[number]->is_refused = true;
    news->at[number] = NULL;
    refuse_unit(unit_at(r->gen, number), why, log);
}


/* Any unit that the settings use may be the reason: all are refused. */
static void
refuse(struct tls_renewal *r, struct news *news, const struct tls_settings *s,
       const char *why, const struct log *log)
{
    refuse_one(r, news, s->dhparam.unit, why, log);
    refuse_one(r, news, s->client_ca.unit, why, log);
    refuse_one(r, news, s->trusted.unit, why, log);
    refuse_one(r, news, s->crl.unit, why, log);
    refuse_one(r, news, s->staple.unit, why, log);
    VEC_EACH(&s->ticket_keys, k)
        refuse_one(r, news, k->unit, why, log);
    VEC_EACH(&s->pairs, p)
        refuse_one(r, news, p->unit, why, log);
}


/* False: some were refused, and what was good with these has to be looked at
 * again. */
static bool
check_all(struct tls_renewal *r, struct news *news, const struct log *log)
{
    char why[TLS_WHY_MAX];
    bool is_good = true;

    VEC_EACH(&files_of(r->gen)->settings, s) {
        struct tls_settings next;

        if (!set(*s, news, false))
            continue;
        next = with_renewed(r->arena, *s, news);
        if (check(&next, why))
            continue;
        refuse(r, news, *s, why, log);
        is_good = false;
    }
    return is_good;
}


/* --- handing over --------------------------------------------------------------- */

static bool
write_all(int fd, const void *p, size_t n, off_t *at)
{
    ssize_t rc;

    for (const char *next = p; n != 0; next += rc, n -= (size_t) rc) {
        rc = pwrite(fd, next, n, *at);
        if (rc <= 0)
            return false;
        *at += rc;
    }
    return true;
}


static bool
write_record(int fd, const struct renewed *it, off_t *at)
{
    struct record head = { it->number, { it->text[0].n, it->text[1].n } };

    return write_all(fd, &head, sizeof(head), at)
           && write_all(fd, it->text[0].p, it->text[0].n, at)
           && write_all(fd, it->text[1].p, it->text[1].n, at);
}


/* Whether there is anything, and the file for it. */
static bool
write_file(struct tls_renewal *r, const struct log *log)
{
    off_t at = 0;
    bool  ok;

    r->fd = range_file("certificates", 0);
    ok = r->fd != -1;
    VEC_EACH(&r->list, it)
        if (!it->is_refused)
            ok = ok && write_record(r->fd, it, &at);
    ok = ok
         && fcntl(r->fd, F_ADD_SEALS,
                  F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK)
                != -1;
    if (!ok)
        log_at(log, LEVEL_ALERT, errno,
               "changed certificates cannot be handed over");
    return ok && at != 0;
}


struct tls_renewal *
tls_renewal_new(struct generation *g, const struct log *log)
{
    struct arena       *a = arena_new(0);
    struct tls_renewal *r = arena_make(a, struct tls_renewal);
    struct news         news = news_new(a, g);
    size_t              n = files_of(g)->units.n;

    r->arena = a;
    r->gen = g;
    r->fd = -1;
    for (size_t i = 1; i <= n; i++)
        read_again(r, (unsigned) i, log);
    VEC_EACH(&r->list, it)
        news.at[it->number] = it;
    while (!check_all(r, &news, log))
        continue;
    if (r->list.n != 0 && write_file(r, log))
        return r;
    tls_renewal_free(r, NULL);
    return NULL;
}


int
tls_renewal_fd(const struct tls_renewal *r)
{
    return r->fd;
}


static void
log_taken(const struct tls_unit *u, const struct log *log)
{
    if (u->file != NULL)
        log_at(log, LEVEL_NOTICE, 0,
               "\"" STR_F "\" has changed and is used from now on",
               STR_A(u->file->path));
    else
        log_at(log, LEVEL_NOTICE, 0,
               "certificate \"" STR_F "\" with key \"" STR_F
               "\" has changed and is used from now on",
               STR_A(u->pair->path), STR_A(u->pair->key_path));
}


void
tls_renewal_free(struct tls_renewal *r, const struct log *log)
{
    VEC_EACH(&r->list, it)
        if (log != NULL && !it->is_refused)
            log_taken(unit_at(r->gen, it->number), log);
    if (r->fd != -1)
        close(r->fd);
    arena_free(r->arena);
}


/* --- in each process ------------------------------------------------------------ */

static void
free_own(void *arg)
{
    struct tls_unit *u = arg;

    arena_free(u->own);
}


/* The unit has these bytes from now on; the ones before go, a key being wiped. */
static void
replace(struct generation *g, struct tls_unit *u, const str_t text[2])
{
    struct arena *before = u->own;

    u->own = arena_new(0);
    if (u->file != NULL) {
        u->file->bytes = str_copy(u->own, text[0]);
    } else {
        OPENSSL_cleanse((char *) (uintptr_t) u->pair->key.p, u->pair->key.n);
        u->pair->chain = str_copy(u->own, text[0]);
        u->pair->key = tls_keep_secret(u->own, text[1]);
    }
    if (before != NULL)
        arena_free(before);
    if (!u->is_tied)
        arena_defer(g->arena, free_own, u);
    u->is_tied = true;
}


/* What it is now. */
static struct renewed *
take_unit(struct arena *a, struct generation *g, unsigned number,
          const str_t given[2])
{
    struct tls_unit *u = unit_at(g, number);
    struct renewed  *now = arena_make(a, struct renewed);

    replace(g, u, given);
    now->text[0] = u->file != NULL ? u->file->bytes : u->pair->chain;
    if (u->pair != NULL)
        now->text[1] = u->pair->key;
    return now;
}


static struct news
take_units(struct arena *a, struct generation *g, str_t bytes)
{
    struct news   news = news_new(a, g);
    struct record head;
    str_t         text[2];

    while (bytes.n != 0) {
        CHECK(bytes.n >= sizeof(head));
        memcpy(&head, bytes.p, sizeof(head));
        bytes = str_from(bytes, sizeof(head));
        CHECK(head.number > 0 && head.number <= files_of(g)->units.n
              && head.n[0] <= bytes.n && head.n[1] <= bytes.n - head.n[0]);
        text[0] = (str_t){ bytes.p, head.n[0] };
        text[1] = (str_t){ bytes.p + head.n[0], head.n[1] };
        bytes = str_from(bytes, head.n[0] + head.n[1]);
        news.at[head.number] = take_unit(a, g, (unsigned) head.number, text);
    }
    return news;
}


static void
take_all(struct generation *g, str_t bytes)
{
    struct arena *a = arena_new(0);
    struct news   news = take_units(a, g, bytes);

    VEC_EACH(&files_of(g)->settings, s)
        (*s)->is_stale = set(*s, &news, true);
    arena_free(a);
    VEC_EACH(&files_of(g)->settings, s) {
        if (!(*s)->is_stale)
            continue;
        (*s)->is_stale = false;
        tls_stapling_renew(*s, g);
        tls_settings_seal(*s);
        tls_context_leave(*s);
    }
}


bool
tls_renewal_take(struct generation *g, int fd)
{
    struct stat st;
    void       *at;

    if (fstat(fd, &st) == -1)
        return false;
    at = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (at == MAP_FAILED)
        return false;
    take_all(g, (str_t){ at, (size_t) st.st_size });
    munmap(at, (size_t) st.st_size);
    return true;
}


bool
tls_renewal_is_possible(const struct generation *g)
{
    return files_of(g)->units.n != 0;
}


void
tls_renewal_each_path(const struct generation *g,
                      void (*fn)(const char *path, void *arg), void *arg)
{
    str_t paths[2];

    VEC_EACH(&files_of(g)->units, u) {
        paths_of(u, paths);
        for (unsigned i = 0; i < 2; i++)
            if (paths[i].n != 0 && str_chr(paths[i], '/') != NULL)
                fn(paths[i].p, arg);
    }
}
