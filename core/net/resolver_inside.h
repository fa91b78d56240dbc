/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of the resolver.  Its cache has an entry for each name that
 * is known or being asked for, with the lookups that wait for it.  An entry
 * belongs to the table; running queries point to it, so it is kept until they
 * have ended.
 */
#pragma once

#include "core/net/name_server.h"
#include "core/net/resolver.h"

enum { BUCKETS = 256, ENTRIES_MAX = 8192 };

/* What is known about the addresses of one family. */
struct half {
    bool     is_done;
    int      status;  /* from ares.h, once it is done                        */
    unsigned running; /* queries that can still answer it                    */
    unsigned aliases; /* followed so far                                     */
    char    *alias;   /* the name to ask for, once an alias has been
                         followed; malloc, or NULL                           */
    uint32_t ttl;
    size_t   n;
    uint8_t (*at)[16]; /* malloc                                             */
};

enum { HALVES = 2 };

struct entry {
    struct entry    *next;
    struct service  *owner;
    str_t            name; /* lower case; follows this struct, with a NUL */
    bool             is_service;
    struct list      waiting; /* of struct lookup                            */
    bool             is_asking;
    msec_t           asked_at;
    unsigned         round;   /* number of times it was asked for            */
    unsigned         running; /* queries, including late ones of old rounds  */
    size_t           first, asked; /* first server, and the number asked so
                                      far                                    */
    struct timer     patience;
    struct half      half[HALVES];
    msec_t           answered_at;
    uint64_t         ttl; /* seconds, of the result                          */
    size_t           n;
    struct addr_any *at; /* malloc                                           */
    size_t           n_services;
    struct dns_service *services; /* malloc                                  */
};

/* What a process has for all resolvers with the same options, also of other
 * generations. */
struct service {
    struct list             link; /* of services                             */
    unsigned                refs; /* resolvers                               */
    struct timer            idle; /* none needs it: it ends                  */
    struct resolver_options options; /* of its own                           */
    struct loop            *loop;
    struct name_server     *servers;
    struct entry           *buckets[BUCKETS];
    size_t                  entries;
    size_t                  next; /* the server whose turn is next           */
    unsigned                turn; /* rotates the addresses of answers        */
};

/* Until when a result is valid; the bounds are those of a lookup. */
msec_t entry_end(const struct entry *e, msec_t ttl_min, msec_t ttl_max);
/* The entry of a name in lower case, new if need be. */
struct entry *entry_get(struct service *rs, str_t name, bool is_service);
void          entry_free(struct entry *e);
void          half_clear(struct half *h);
