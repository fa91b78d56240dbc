/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arguments of "listen": an address, the parameters of its socket, and
 * those of the protocol, for which its module has a table.
 */
#pragma once

#include "core/conf/conf.h"
#include "core/net/addr.h"
#include "core/net/listen.h"

/* A parsed line. */
struct listen_line {
    struct endpoint       at;      /* the addresses                          */
    struct listen_options options;
    bool                  has_options; /* has a parameter of the socket      */
    unsigned              words;   /* bits of the words of the table in it   */
};

/* A parameter. */
struct listen_word {
    const char *name; /* "ssl"; a prefix if it has a "=": "backlog="         */
    /* Stores the value, what follows a prefix, in l.  NULL or a message. */
    const char *(*take)(struct conf *cf, const struct listen_word *w,
                        str_t value, struct listen_line *l);
    unsigned    detail;  /* for take; if that is NULL, the bit for l->words  */
    const char *suggest; /* instead of the name, after a misspelling, or
                            NULL; "": it is not suggested                    */
};

/* Parses the current directive; own ends with a NULL name, default_port is for
 * addresses without one.  NULL or a message in nginx's words; similar words
 * are suggested. */
const char *listen_parse(struct conf *cf, const struct listen_word *own,
                         unsigned default_port, struct listen_line *l);
/* Initializes l for a line that has only an address. */
const char *listen_parse_address(struct conf *cf, str_t address,
                                 unsigned default_port, struct listen_line *l);
