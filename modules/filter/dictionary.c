/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * compression_dictionary: dictionaries for compression (RFC 9842).
 *
 *     compression_dictionary on;
 *     compression_dictionary /srv/app/old;
 *     compression_dictionary /srv/app/app.js match=/app*.js;
 *
 * A response with Use-As-Dictionary, of an upstream, of add_header, or of a
 * file that is named with match=, is remembered by the worker that sends it, as
 * a whole, before any content coding.  A client that has it says so in
 * Available-Dictionary, and gets what follows as the difference to it: zstd
 * chooses the coding dcz then.  Files and folders that are named are known
 * from the start.
 *
 * All of it is for TLS only, and a dictionary serves its own origin.
 */
#include "modules/filter/dictionary.h"

#include <stdlib.h>

#include "http/coding.h"
#include "http/conn.h"
#include "modules/filter/dictionary_source.h"
#include "modules/filter/dictionary_store.h"
#include "modules/module.h"

struct dictionaries {
    bool takes; /* those that pass                                           */
    VEC(struct dictionary_source) list;
};

struct dictionary_conf {
    struct dictionaries known;
};

struct dictionary_main {
    size_t memory;
};

/* A response that may become one. */
struct dictionary_state {
    str_t  origin, name;
    char  *p;
    size_t n, size; /* of size bytes, n are there                            */
};

extern struct module dictionary_module, dictionary_memory_module;


/* --- rows ---------------------------------------------------------------- */

struct offer {
    str_t match, dest, id;
};


/* "script,document" becomes ("script" "document"). */
static str_t
dest_list(struct arena *a, str_t dest)
{
    str_t list = STR_NONE, one;

    while (dest.n != 0) {
        one = str_cut(&dest, ',');
        list = list.p == NULL ? arena_printf(a, "\"" STR_F "\"", STR_A(one))
                              : arena_printf(a, STR_F " \"" STR_F "\"",
                                             STR_A(list), STR_A(one));
    }
    return list;
}


/* The text between the quotes of a structured string. */
static str_t
quoted(struct arena *a, str_t s)
{
    char *start = arena_bytes(a, 2 * s.n), *p = start;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"' || s.p[i] == '\\')
            *p++ = '\\';
        *p++ = s.p[i];
    }
    return str_span(start, p);
}


static str_t
offer_text(struct arena *a, const struct offer *o)
{
    str_t text;

    text = arena_printf(a, "match=\"" STR_F "\"", STR_A(quoted(a, o->match)));
    if (o->dest.n != 0)
        text = arena_printf(a, STR_F ", match-dest=(" STR_F ")", STR_A(text),
                            STR_A(dest_list(a, o->dest)));
    if (o->id.n != 0)
        text = arena_printf(a, STR_F ", id=\"" STR_F "\"", STR_A(text),
                            STR_A(quoted(a, o->id)));
    return text;
}


static bool
is_dest(str_t dest)
{
    for (size_t i = 0; i < dest.n; i++)
        if ((dest.p[i] < 'a' || dest.p[i] > 'z') && dest.p[i] != ',')
            return false;
    return dest.n != 0;
}


static const char *
parse_parameter(struct conf *cf, str_t word, struct offer *o)
{
    if (str_starts(word, STR("match="))) {
        o->match = str_from(word, sizeof("match=") - 1);
        if (dictionary_is_pattern(o->match))
            return NULL;
    } else if (str_starts(word, STR("match-dest="))) {
        o->dest = str_from(word, sizeof("match-dest=") - 1);
        if (is_dest(o->dest))
            return NULL;
    } else if (str_starts(word, STR("id="))) {
        o->id = str_from(word, sizeof("id=") - 1);
        if (o->id.n != 0 && o->id.n <= DICTIONARY_ID
            && dictionary_is_string(o->id))
            return NULL;
    }
    return conf_error(cf, "invalid parameter \"" STR_F "\"", STR_A(word));
}


static const char *
parse_offer(struct conf *cf, struct dictionary_source *s)
{
    struct offer o = { 0 };
    const char  *error = NULL;

    for (unsigned i = 2; error == NULL && i < cf->n_args; i++)
        error = parse_parameter(cf, cf->args[i], &o);
    if (error != NULL)
        return error;
    if (o.match.n != 0)
        s->offer = offer_text(cf->arena, &o);
    else if (cf->n_args > 2)
        return conf_error(cf, "no \"match\" for \"" STR_F "\"",
                          STR_A(cf->args[2]));
    return NULL;
}


static const char *
parse_known(struct conf *cf, void *field)
{
    struct dictionaries     *k = field;
    struct dictionary_source s = { 0 };
    const char              *error;

    if (str_is(cf->args[1], "off") || str_is(cf->args[1], "on")) {
        if (cf->n_args > 2)
            return conf_error(cf, "invalid parameter \"" STR_F "\"",
                              STR_A(cf->args[2]));
        k->takes = str_is(cf->args[1], "on");
        return NULL;
    }
    error = parse_offer(cf, &s);
    if (error != NULL)
        return error;
    s.path = conf_path_prefix(cf, cf->args[1]);
    error = dictionary_source_read(cf, &s);
    if (error == NULL)
        *vec_push(cf->arena, &k->list) = s;
    return error;
}


static const struct conf_type known_type = {
    .name = "compression dictionaries",
    .size = sizeof(struct dictionaries),
    .parse = parse_known,
};

static const struct directive rows[] = {
    { "compression_dictionary", IN_WEB | ROW_MANY | ROW_OFF_ALONE,
      ARGS_1_OR_MORE, &known_type,
      FIELD(struct dictionary_conf, known, struct dictionaries), "off", NULL,
      "off | on\n"
      "path [match=pattern] [match-dest=destination,...] [id=text]",
      "Over TLS, clients that have a dictionary get zstd with it (dcz), where "
      "zstd is on: on: one of the responses with Use-As-Dictionary that have "
      "passed; path: a file, or one in a folder, which are read at the start. "
      "With match, the response with that file says that it is a dictionary "
      "for such URLs." },
    { .name = NULL },
};

static const struct directive memory_rows[] = {
    SIZE("compression_dictionary_memory", IN_HTTP, struct dictionary_main,
         memory, "16m",
         "What a worker has for dictionaries, with their tables; the least "
         "recently used go. A response of at most a quarter of it can become "
         "one."),
    { .name = NULL },
};


/* --- who may ------------------------------------------------------------- */

static const struct dictionary_conf *
dictionary_conf(const struct http_request *r)
{
    return conf_of(&r->task, &dictionary_module);
}


static size_t
memory_for(const struct http_request *r)
{
    const struct dictionary_main *m
        = conf_of(&r->task, &dictionary_memory_module);

    return m->memory;
}


static bool
is_on(const struct http_request *r)
{
    const struct dictionaries *k = &dictionary_conf(r)->known;

    return (k->takes || k->list.n != 0) && r == r->main
           && http_conn_of(r)->is_secure;
}


/* Whether the answer is for a page of this origin, or of none: another page
 * could learn from its size what is in it (RFC 9842 section 9.3). */
static bool
is_same_origin(const struct http_request *r)
{
    const struct field *f = fields_find(&r->in, STR("Sec-Fetch-Site"));

    return f == NULL || str_is(f->value, "same-origin")
           || str_is(f->value, "none");
}


static str_t
origin_of(const struct http_request *r)
{
    return arena_printf(r->task.arena, STR_F ":%u", STR_A(r->host),
                        (unsigned) r->port);
}


/* --- the choice ----------------------------------------------------------- */

static bool
is_wanted(const struct http_request *r, unsigned weight)
{
    const struct field *f = fields_get(&r->in, FIELD_ACCEPT_ENCODING);
    unsigned            w;

    if (f == NULL || !coding_is_listed(f->value, STR("dcz")))
        return false;
    w = coding_weight(f->value, STR("dcz"));
    return w != 0 && w >= weight;
}


static const struct dictionary_file *
find_file(const struct dictionaries *k, const unsigned char *hash)
{
    VEC_EACH(&k->list, s)
        VEC_EACH(&s->files, f)
            if (memcmp(f->hash, hash, sizeof(f->hash)) == 0)
                return f;
    return NULL;
}


static struct dictionary *
find(struct http_request *r, const unsigned char *hash, int level)
{
    const struct dictionaries    *k = &dictionary_conf(r)->known;
    const struct dictionary_file *f = find_file(k, hash);
    struct dictionary            *d = NULL;

    if (f != NULL) {
        d = dictionary_find(STR(""), hash);
        if (d == NULL)
            d = dictionary_add(STR(""), hash);
    } else if (k->takes) {
        d = dictionary_find(origin_of(r), hash);
    }
    if (d == NULL
        || !dictionary_prepare(d, f != NULL ? f->data : d->data, level,
                               memory_for(r)))
        return NULL;
    return dictionary_get(d);
}


struct coder_with *
dictionary_choose(struct http_request *r, unsigned weight, int level)
{
    unsigned char       hash[DICTIONARY_HASH];
    const struct field *f;
    struct dictionary  *d;

    if (!is_on(r))
        return NULL;
    r->out.varies_by_dictionary = true;
    f = fields_find(&r->in, STR("Available-Dictionary"));
    if (f == NULL || !is_wanted(r, weight) || !is_same_origin(r)
        || !dictionary_is_available(r->task.arena, f->value, hash))
        return NULL;
    d = find(r, hash, level);
    return d != NULL ? &d->with : NULL;
}


/* --- responses that are dictionaries --------------------------------------- */

static void
offer(struct http_request *r)
{
    const struct dictionaries *k = &dictionary_conf(r)->known;
    str_t                      path = STR_NONE;
    size_t                     root_len;

    if (r->exchanges != NULL
        || fields_find(&r->out.fields, STR("Use-As-Dictionary")) != NULL)
        return;
    VEC_EACH(&k->list, s) {
        if (s->offer.n == 0)
            continue;
        if (path.p == NULL)
            path = http_map_path(r, &root_len);
        if (path.p == NULL || !dictionary_source_has(s, path))
            continue;
        fields_add(r->task.arena, &r->out.fields, STR("Use-As-Dictionary"),
                   s->offer);
        return;
    }
}


/* Whether the client may keep it, and others may, too. */
static bool
is_public(const struct http_response *o)
{
    const struct field *f = fields_get(&o->fields, FIELD_CACHE_CONTROL);

    for (; f != NULL; f = fields_next(&o->fields, f))
        if (field_has_word(f->value, STR("no-store"))
            || field_has_word(f->value, STR("private")))
            return false;
    return true;
}


static bool
is_offered(const struct http_response *o)
{
    const struct field *f = fields_find(&o->fields, STR("Use-As-Dictionary"));

    return f != NULL && dictionary_is_offered(f->value)
           && fields_get(&o->fields, FIELD_CONTENT_ENCODING) == NULL
           && is_public(o);
}


/* What it is known by: with a strong tag it need not be looked at again. */
static str_t
name_of(const struct http_request *r)
{
    const struct field *f = fields_get(&r->out.fields, FIELD_ETAG);

    if (f == NULL || str_starts(f->value, STR("W/")))
        return STR("");
    return arena_printf(r->task.arena, STR_F "\n" STR_F, STR_A(r->target),
                        STR_A(f->value));
}


static void
forget(void *state)
{
    struct dictionary_state *s = state;

    dictionary_release(s->size);
    free(s->p);
    s->p = NULL;
    s->n = s->size = 0;
}


/* Room for so many bytes; false: there is none, and it is forgotten. */
static bool
grow(struct http_request *r, struct dictionary_state *s, uint64_t n)
{
    size_t most = memory_for(r) / 4, size = s->size;
    char  *p;

    if (n <= s->size)
        return true;
    if (most > DICTIONARY_MOST)
        most = DICTIONARY_MOST;
    if (n > most || s->size > most)
        return false;
    size = n > 2 * size ? (size_t) n : 2 * size;
    if (!dictionary_reserve(size - s->size, memory_for(r)))
        return false;
    p = realloc(s->p, size);
    if (p == NULL) {
        dictionary_release(size - s->size);
        return false;
    }
    s->p = p;
    s->size = size;
    return true;
}


static enum step
begin(struct http_request *r, void *state)
{
    struct dictionary_state *s;

    (void) state;
    if (r->out.status != 200 || !is_on(r))
        return STEP_NEXT;
    offer(r);
    if (!dictionary_conf(r)->known.takes || r->method != HTTP_GET
        || !is_offered(&r->out))
        return STEP_NEXT;
    s = http_state_of(r, &dictionary_module);
    s->n = 0;
    s->origin = origin_of(r);
    s->name = name_of(r);
    if ((s->name.n != 0 && dictionary_is_seen(s->origin, s->name))
        || !grow(r, s,
                 r->out.length > 0 ? (uint64_t) r->out.length
                                   : DICTIONARY_LEAST))
        return STEP_NEXT;
    arena_defer(r->task.arena, forget, s);
    return STEP_ACCEPT;
}


static enum step
collect(struct http_request *r, void *state, struct chain *in,
        struct chain *out, bool last)
{
    struct dictionary_state *s = http_state_of(r, &dictionary_module);

    (void) state;
    /* 206: after this filter has joined, a part was asked for */
    if (r->out.status != 200 || (s->size != 0 && !grow(r, s, s->n + in->n)))
        forget(s);
    if (s->size != 0)
        s->n += chain_peek(in, s->p + s->n, s->size - s->n);
    chain_move(out, in);
    if (last && s->size != 0) {
        dictionary_see(s->origin, s->name, (str_t){ s->p, s->n },
                       memory_for(r));
        forget(s);
    }
    return STEP_NEXT;
}


static const struct http_filter filter = { .name = "dictionary",
                                           .needs_memory = true,
                                           .head = begin,
                                           .body = collect };

struct module dictionary_module = {
    .name = "http_compression_dictionary",
    .serves = FOR_HTTP,
    .directives = rows,
    .conf_size = sizeof(struct dictionary_conf),
    .state_size = sizeof(struct dictionary_state),
    .filter = &filter,
};

struct module dictionary_memory_module = {
    .name = "http_compression_dictionary_memory",
    .serves = FOR_HTTP,
    .directives = memory_rows,
    .conf_size = sizeof(struct dictionary_main),
};
