/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The blocks of the HTTP configuration: http, server, location and
 * limit_except, and the unnamed locations of if.
 */
#include "http/counters.h"
#include "http/main.h"
#include "http/settings.h"


static const char *
open_http(struct conf *cf, struct conf_block *b)
{
    struct http_main *m = conf_main(cf, &http_module);

    m->is_there = true;
    m->block = b;
    return NULL;
}


static const struct conf_opener http_opener
    = { .inside = IN_HTTP, .open = open_http, .once = true };


/* --- server ------------------------------------------------------------------ */

static const char *
open_server(struct conf *cf, struct conf_block *b)
{
    struct http_main   *m = conf_main(cf, &http_module);
    struct http_server *s = arena_make(cf->arena, struct http_server);

    s->block = b;
    s->locations = http_locations_new(cf);
    s->root = arena_make(cf->arena, struct http_location);
    s->root->block = b;
    s->root->kind = LOCATION_NAMELESS;
    s->root->inner = s->locations;
    s->name = STR("");
    *vec_push(cf->arena, &m->servers) = s;
    b->owner = s->root;
    b->server = s;
    return NULL;
}


static const char *
close_server(struct conf *cf, struct conf_block *b)
{
    struct http_server *s = b->server;

    return s->has_listen ? NULL : http_listen_defaults(cf, s);
}


static const struct conf_opener server_opener
    = { .inside = IN_SERVER, .open = open_server, .close = close_server };


/* --- location ----------------------------------------------------------------- */

struct http_location *
conf_location(struct conf *cf)
{
    return cf->block->owner;
}


static const struct {
    str_t              text;
    enum location_kind kind;
    bool               is_nocase;
} modifiers[] = {
    { STR_INIT("="), LOCATION_EXACT, false },
    { STR_INIT("^~"), LOCATION_CARET, false },
    { STR_INIT("~*"), LOCATION_REGEX, true },
    { STR_INIT("~"), LOCATION_REGEX, false },
};


/* Reads the modifier and the name, which may be joined in one word. */
static const char *
parse_name(struct conf *cf, struct http_location *l)
{
    str_t  first = cf->args[1];
    size_t i;

    for (i = 0; i < countof(modifiers); i++) {
        if (cf->n_args == 3 ? !str_eq(first, modifiers[i].text)
                            : !str_starts(first, modifiers[i].text))
            continue;
        l->kind = modifiers[i].kind;
        l->is_nocase = modifiers[i].is_nocase;
        l->name = cf->n_args == 3 ? cf->args[2]
                                  : str_from(first, modifiers[i].text.n);
        return NULL;
    }
    if (cf->n_args == 3)
        return conf_error(cf, "invalid location modifier \"" STR_F "\"",
                          STR_A(first));
    l->name = first;
    l->kind = first.n != 0 && first.p[0] == '@' ? LOCATION_NAMED
                                                : LOCATION_PREFIX;
    return NULL;
}


/* Whether this location may be nested in its outer one. */
static const char *
check_nesting(struct conf *cf, const struct http_location *l,
              const struct http_location *outer)
{
    if (outer->kind == LOCATION_EXACT)
        return conf_error(cf,
                          "location \"" STR_F "\" cannot be inside the "
                          "exact location \"" STR_F "\"",
                          STR_A(l->name), STR_A(outer->name));
    if (outer->kind == LOCATION_NAMED)
        return conf_error(cf,
                          "location \"" STR_F "\" cannot be inside the "
                          "named location \"" STR_F "\"",
                          STR_A(l->name), STR_A(outer->name));
    if (l->kind == LOCATION_NAMED)
        return conf_error(cf,
                          "named location \"" STR_F "\" can be on the "
                          "server level only",
                          STR_A(l->name));
    if (l->kind != LOCATION_REGEX && !str_starts(l->name, outer->name))
        return conf_error(
            cf, "location \"" STR_F "\" is outside location \"" STR_F "\"",
            STR_A(l->name), STR_A(outer->name));
    return NULL;
}


static const char *
open_location(struct conf *cf, struct conf_block *b)
{
    struct http_location *outer = cf->block->owner, *l;
    const char           *error;

    l = arena_make(cf->arena, struct http_location);
    l->block = b;
    l->up = cf->block->kind == IN_LOCATION ? outer : NULL;
    b->owner = l;
    b->server = cf->block->server;
    error = parse_name(cf, l);
    if (error == NULL && l->up != NULL)
        error = check_nesting(cf, l, outer);
    if (error == NULL && l->kind == LOCATION_REGEX)
        l->regex = regex_compile(cf, l->name, l->is_nocase ? REGEX_NOCASE : 0,
                                 &error);
    if (error != NULL)
        return error;
    if (outer->inner == NULL)
        outer->inner = http_locations_new(cf);
    return http_locations_add(cf, outer->inner, l);
}


static const struct conf_opener location_opener
    = { .inside = IN_LOCATION, .open = open_location };


struct http_location *
http_nameless_location(struct conf *cf, struct conf_block *b)
{
    struct http_location *outer = cf->block->owner;
    struct http_location *l = arena_make(cf->arena, struct http_location);

    l->block = b;
    l->kind = LOCATION_NAMELESS;
    l->name = outer->name;
    l->up = outer;
    b->owner = l;
    b->server = cf->block->server;
    return l;
}


/* --- limit_except ---------------------------------------------------------------- */

static const char *
open_limit_except(struct conf *cf, struct conf_block *b)
{
    struct http_location *outer = cf->block->owner;
    unsigned              i, bit;

    if (outer->except != NULL)
        return conf_error(cf, "\"limit_except\" directive is duplicate");
    for (i = 1; i < cf->n_args; i++) {
        bit = method_named(cf->args[i]);
        if (bit == HTTP_OTHER || bit == HTTP_TRACE || bit == HTTP_CONNECT)
            return conf_error(cf, "invalid method \"" STR_F "\"",
                              STR_A(cf->args[i]));
        outer->except_methods |= bit;
        if (bit == HTTP_GET)
            outer->except_methods |= HTTP_HEAD;
    }
    outer->except = http_nameless_location(cf, b);
    return NULL;
}


static const struct conf_opener except_opener
    = { .inside = IN_LIMIT_EXCEPT, .open = open_limit_except };


/* --- content handlers --------------------------------------------------------------- */

void
conf_set_content(struct conf *cf, const struct content *c)
{
    conf_location(cf)->content = c;
}


void
conf_take_connect(struct conf *cf)
{
    ((struct http_server *) cf->block->server)->takes_connect = true;
}


static const char *
parse_content(struct conf *cf, void *field)
{
    (void) field;
    conf_set_content(cf, cf->row->detail);
    return NULL;
}


const struct conf_type conf_content
    = { .name = "content", .parse = parse_content };

struct http_conf {
    bool is_internal;
};


static const char *
parse_internal(struct conf *cf, void *field)
{
    bool *is_internal = field;

    (void) cf;
    *is_internal = true;
    return NULL;
}


static const struct conf_type internal_type
    = { .name = "internal", .size = sizeof(bool), .parse = parse_internal };


/* --- after all has been read --------------------------------------------- */

/* The content handler of an unnamed location that has none of its own. */
static const struct content *
content_from_outside(const struct http_location *l)
{
    const struct content *c = NULL;

    if (l->kind == LOCATION_NAMELESS && l->up != NULL)
        c = l->up->content;
    if (c != NULL && l->block->kind == IN_LIMIT_EXCEPT
        && !c->is_in_limit_except)
        c = NULL;
    return c;
}


/* The digest of a block, from that of its outer block. */
static uint64_t
identity_of(const struct conf_block *b, uint64_t outer, unsigned nth)
{
    const struct http_location *l = b->owner;
    const char                  what[] = { (char) l->kind, (char) nth };

    for (const struct setting *s = b->settings; s != NULL; s = s->next)
        for (unsigned i = 0; b->kind == IN_SERVER && i < s->n_args; i++)
            if (str_is(s->args[0], "server_name")
                || str_is(s->args[0], "listen"))
                outer = str_mix(outer, s->args[i]);
    outer = str_mix(outer, l->name);
    /* Only unnamed locations are identified by their position. */
    return str_mix(
        outer, (str_t){ what, b->kind & (IN_SERVER | IN_LOCATION) ? 1 : 2 });
}


/* Gives each location the conf of its block, and a content handler. */
static void
settle_block(struct conf_block *b, uint64_t identity)
{
    unsigned                nth = 0;
    const struct http_conf *c;
    struct conf_block      *inner;
    struct http_location   *l = b->owner;

    if (l != NULL && l->block == b) {
        c = confs_get(b->conf, &http_module);
        l->conf = b->conf;
        l->is_internal = c->is_internal;
        l->identity = identity;
        if (l->content == NULL)
            l->content = content_from_outside(l);
    }
    for (inner = b->first; inner != NULL; inner = inner->next)
        if (inner->kind
            & (IN_SERVER | IN_LOCATION | IN_IF | IN_SERVER_IF
               | IN_LIMIT_EXCEPT))
            settle_block(inner, identity_of(inner, identity, nth++));
}


/* After settings have been inherited. */
static void
settle_blocks(struct conf *cf, struct http_main *m)
{
    settle_block(m->block, 0);
    VEC_EACH(&m->servers, s) {
        (*s)->conf = (*s)->block->conf;
        http_locations_ready(cf, (*s)->locations);
    }
}


static const char *
http_ready(struct conf *cf, void *main)
{
    struct http_main *m = main;
    const char       *error;

    if (!m->is_there)
        return NULL;
    m->has_tables = true;
    settle_blocks(cf, m);
    if (cf->errors != 0)
        return NULL;
    error = http_phases_ready(cf, m);
    if (error == NULL)
        http_listen_ready(cf, m);
    return error;
}


/* After errors: also reports duplicates. */
static void
http_settle(struct conf *cf)
{
    struct http_main *m = conf_main(cf, &http_module);

    if (!m->is_there || m->has_tables)
        return;
    VEC_EACH(&m->servers, s)
        http_locations_ready(cf, (*s)->locations);
    VEC_EACH(&m->addresses, a)
        http_names_ready(cf, *a);
}


static const struct directive rows[] = {
    BLOCK("http", IN_MAIN, ARGS_0, &http_opener, "",
          "Holds everything that concerns HTTP."),
    BLOCK("server", IN_HTTP, ARGS_0, &server_opener, "",
          "A virtual server: which requests it takes is said by listen "
          "and server_name."),
    BLOCK("location", IN_SERVER | IN_LOCATION, ARGS_1 | ARGS_2,
          &location_opener,
          "[ = | ~ | ~* | ^~ ] uri\n"
          "@name",
          "What holds for requests whose URI matches: exactly (=), by "
          "the longest prefix, or else by the first regular expression "
          "(~, ~* in any case) in the file. ^~ on the longest prefix "
          "keeps regular expressions from being tried; @name is reached "
          "by redirects inside only."),
    BLOCK("limit_except", IN_LOCATION | ROW_NAMELESS | ROW_LIMIT,
          ARGS_1_OR_MORE, &except_opener, "method ...",
          "What holds for requests of other methods than these, as a "
          "location without a name. GET includes HEAD."),
    { "internal", IN_LOCATION | ROW_LIMIT, ARGS_0, &internal_type,
      FIELD(struct http_conf, is_internal, bool), NULL, NULL, "",
      "Answers 404 to requests that come from outside; redirects "
      "inside, error pages and subrequests reach the location." },
    /* Tables grow by themselves, so every size will do. */
    ACCEPTED("server_names_hash_max_size", IN_HTTP, conf_number, "size",
             "Accepted without effect: weir's tables grow by themselves."),
    ACCEPTED("server_names_hash_bucket_size", IN_HTTP, conf_number, "size",
             "Accepted without effect: weir's tables grow by themselves."),
    ACCEPTED("variables_hash_max_size", IN_HTTP, conf_number, "size",
             "Accepted without effect: weir's tables grow by themselves."),
    ACCEPTED("variables_hash_bucket_size", IN_HTTP, conf_number, "size",
             "Accepted without effect: weir's tables grow by themselves."),
    { .name = NULL },
};

struct module http_module = {
    .name = "http_core",
    .serves = FOR_HTTP,
    .directives = rows,
    .counters = http_counters,
    .conf_size = sizeof(struct http_conf),
    .main_size = sizeof(struct http_main),
    .main_ready = http_ready,
    .settle = http_settle,
};
