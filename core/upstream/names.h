/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Servers that are written as names: they are looked up again for as long as a
 * generation is served, and the group gets another set of peers when an answer
 * has other addresses.
 *
 * A name is asked for when the TTL of its answer has passed, and at once (not
 * more than once a second) when a connection to one of its addresses failed.  An
 * empty answer, or none, changes nothing.  One process asks, and the others take
 * its answer (answers.h).
 *
 * The name servers are those of the group's resolver directive.  A name that the
 * system knew when the configuration was read is the system's, though, unless
 * the server says resolve, or the resolver stands in the group itself.
 */
#pragma once

#include "core/conf/resolver.h"
#include "core/upstream/group.h"

enum unresolved { UNRESOLVED_WARN, UNRESOLVED_EMERG };

/* The conf of http_resolver_module. */
struct names_conf {
    struct resolver_conf resolver;
    bool                 resolve;    /* upstream_resolve                     */
    unsigned             unresolved; /* enum unresolved                      */
};
/* resolver, resolver_timeout ...; where a struct resolver_conf is wanted, that
 * is what its conf begins with. */
extern struct module http_resolver_module;

struct name;
struct names;

/* When a configuration is read: looks up what has to be known at once; reports
 * what is wrong.  False: an error. */
bool names_build(struct conf *cf, struct upstream_group *g);
/* Whether names can be added while the group is served: it has a resolver. */
bool names_may_come(const struct upstream_group *g);
/* The group has these lines from now on.  Names that were not configured are
 * found for them, which are looked up after names_look; those that no line has
 * any more are not from then on. */
void names_follow(struct upstream_group *g, struct upstream_server *lines,
                  size_t n);
void names_look(struct upstream_group *g);

/* The group begins to be served here, and ends. */
void names_start(struct names *n, struct loop *loop, const struct log *log);
void names_stop(struct names *n);

/* The group gets a set of peers of its lines, with the addresses that names have
 * now. */
void upstream_rebuild(struct upstream_group *g);

/* A connection to a peer that has the name has failed; or, with NULL, there are
 * no peers. */
void upstream_ask_again(struct upstream_group *g, struct name *name);

/* Whether a task has to wait, since the names of a group without any peers are
 * just being looked up for the first time: it is woken.  Once for each task,
 * and a second at most. */
struct names_wait;
bool upstream_awaits_names(struct upstream_group *g, struct task *t,
                           struct names_wait **w);

/* For tools: whether there are names without a first answer; and what is known of
 * the nth one.  False: there are no more. */
struct names_fact {
    str_t       question;
    str_t       addresses; /* "127.0.0.1, ::1"                               */
    unsigned    n;
    const char *error;    /* of the last lookup, or NULL                     */
    bool        is_hosts; /* of the hosts file                               */
    msec_t      valid_ms;
};
bool upstream_asks_names(const struct upstream_group *g);
bool upstream_name(const struct upstream_group *g, struct arena *a, unsigned i,
                   struct names_fact *out);
