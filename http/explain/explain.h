/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Internal to http/explain: "weir explain 'GET http://host/path'", the path of
 * one request through a configuration.  The request is processed by the code
 * of a worker in a dry run (core/event/trace.h), over a pair of sockets; the
 * reports are kept as a list of steps and printed at the end.
 */
#pragma once

#include "core/net/accept.h"
#include "core/net/worker.h"
#include "http/conn.h"
#include "http/main.h"

struct explain_fields {
    VEC(str_t) list; /* "Name: value"                                        */
};

/* The command line. */
struct explain_ask {
    str_t           method, scheme, host, target; /* host without the port   */
    unsigned        port;
    bool            has_host; /* the URL names one                           */
    str_t           path;     /* of a socket that it names, unix:... in place
                                 of a host                                   */
    bool            has_from; /* --from                                      */
    struct explain_fields headers; /* -H                                     */
    struct explain_fields answer;  /* --answer: of upstreams                 */
    struct addr_any from;     /* --from                                      */
    unsigned        status;   /* --status: what upstreams answer             */
    bool            is_json, is_full; /* --json, --full                      */
    bool            is_cache; /* --cache: only what the cache does           */
};

struct explain_step {
    unsigned        kind;  /* enum http_trace_kind                           */
    unsigned        depth; /* of subrequests                                 */
    const char     *verdict;
    str_t           what;
    str_t           why;   /* or empty                                       */
    const char     *file;  /* or NULL                                        */
    unsigned        line;
};

/* A limit or access rule in effect where the request was handled. */
struct explain_limit {
    str_t       text; /* as it stands in the file                            */
    const char *file; /* NULL: it is the default                             */
    unsigned    line;
};

struct explain {
    struct http_trace           trace; /* first                              */
    struct arena               *arena;
    struct worker              *worker;
    struct explain_ask          ask;
    str_t                       folder; /* of the configuration: left out of
                                           printed places                    */
    struct cidr                 sender; /* whose lines of all levels come    */
    struct listener            *listener;
    struct port                 port;     /* of the listener                 */
    const struct http_address  *address; /* of the listener's                */
    struct addr_any             local;
    const struct http_server   *server;   /* of the main request, at its end */
    const struct http_location *location;
    const struct setting       *listen; /* the server's line, or NULL        */
    VEC(struct explain_step)    steps;
    VEC(struct explain_limit)   limits;
    str_t                       head;  /* of the response, as it came        */
    bool                        is_over;
};

/* ask.c: reads the arguments; false: what is wrong was printed. */
bool ask_parse(struct explain_ask *ask, struct arena *a, char **argv);
/* The bytes that the client sends, with a body of length zeros to follow. */
str_t ask_text(const struct explain *e, uint64_t *length);

/* drive.c: finds the listener and runs the request; false: printed. */
bool drive(struct explain *e);

/* record.c: stores reports as steps. */
void record_init(struct explain *e);
void record_end(struct explain *e);
/* Collects e->limits after the request. */
void record_limits(struct explain *e);
/* The last step of that kind and verdict of the main request, or NULL. */
const struct explain_step *record_last(const struct explain *e,
                                       unsigned kind,
                                       const char *verdict);

/* Each prints all to standard output. */
void text_print(const struct explain *e);
void json_print(const struct explain *e);

extern struct module explain_module;
