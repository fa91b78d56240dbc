/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Internal to http/: the data of an http {} block.
 */
#pragma once

#include "core/base/hash.h"
#include "core/conf/conf.h"
#include "http/server.h"

typedef enum step (*phase_fn)(struct task *);

struct phase_list {
    phase_fn             *at;
    const struct module **modules; /* the owners of the handlers             */
    unsigned              n;
};

/* A server name that is a pattern, in the order of the file. */
struct http_name {
    str_t         text; /* as in the file; lower case unless a regex         */
    struct regex *regex;
    const char   *file;
    unsigned      line;
};

struct http_address {
    struct listener          listener; /* its address, and its socket if it
                                          has one of its own                 */
    str_t                    text;
    struct listen_options    options;
    bool                     has_options; /* some listen has socket options  */
    bool                     has_default; /* some listen has default_server  */
    bool                     has_proxy_protocol, has_ssl, has_http2;
    const struct setting    *options_at, *default_at; /* these directives    */
    unsigned                 with_protocol, without; /* listens with and
                                                        without it           */
    bool                     options_without; /* one of these set
                                                 has_options                 */
    struct http_server      *fallback;
    VEC(struct http_server *) servers;
    struct hash             *exact;     /* host: http_server                 */
    struct hash             *leading;   /* ".host" of "*.host"               */
    struct hash             *trailing;  /* "host." of "host.*"               */
    struct patterns          regexes;   /* http_server                       */
    struct generation       *gen;
};

/* One socket: the address that it is bound to and, for a wildcard, the other
 * addresses that it accepts for. */
struct http_socket {
    struct http_address        *own;
    VEC(struct http_address *)  others;
};

struct http_main {
    VEC(struct http_server *)  servers;
    VEC(struct http_address *) addresses;
    struct phase_list          phases[PHASE_COUNT];
    uint8_t                    due[PHASE_COUNT]; /* the first phase from there
                                                    on in which anything is
                                                    done                     */
    const struct http_filter **heads;  /* in order, ended by NULL            */
    const struct http_filter **bodies;
    unsigned                   n_filters;
    struct conf_block         *block;
    bool                       is_there; /* there is an http block           */
    bool                       has_tables; /* the tables of locations and
                                              names exist                    */
};

extern struct module http_module;

static inline struct http_main *
http_main_of(const struct generation *g)
{
    return g->main[http_module.slot];
}

/* listen.c */
const char *http_listen_defaults(struct conf *cf, struct http_server *s);
void http_listen_ready(struct conf *cf, struct http_main *m);
/* The address that a connection was made to. */
const struct http_address *http_address_of(const struct http_socket *s,
                                           const struct conn *c);
/* names.c */
void http_names_ready(struct conf *cf, struct http_address *a);
/* Whether a server of the address has that name. */
bool http_knows(const struct http_address *a, str_t host);
/* Sets the first name, for $server_name, after the block has been read. */
void http_names_first(struct http_server *s);
/* locations.c */
struct http_locations *http_locations_new(struct conf *cf);
const char *http_locations_add(struct conf *cf, struct http_locations *to,
                               struct http_location *l);
/* Builds the table for the search; reports duplicates. */
void http_locations_ready(struct conf *cf, struct http_locations *l);
/* phases.c */
const char *http_phases_ready(struct conf *cf, struct http_main *m);
/* own_phases.c: the engine's own phases. */
enum step http_phase_find_location(struct http_request *r);
enum step http_phase_check_rewritten(struct http_request *r);
enum step http_phase_check_access(struct http_request *r);
/* What the access phase makes (satisfy) of what the module of that name says. */
enum step http_judge_access(struct http_request *r, const char *name,
                            enum step said);
/* No content handler has answered. */
enum step http_nobody_answers(struct http_request *r);
/* Traces a refusal by a module, or by the engine itself (name NULL); the phase
 * determines the reason. */
void http_trace_refused(struct http_request *r, unsigned phase,
                        const char *name);
