/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual servers and locations after the configuration has been read, and
 * finding them for a request.
 */
#pragma once

#include "core/conf/conf.h"
#include "core/expr/regex.h"
#include "http/request.h"

struct health_way;

/* A content handler of locations (proxy_pass, stub_status ...). */
struct content {
    const char *name; /* of the directive                                    */
    enum step (*serve)(struct task *); /* STEP_NEXT: it leaves the request to
                                the handlers of the phase: index, static ... */
    /* A failure of a request of such a location, in place of the built-in page:
     * true, with all that r->out is to have, and without a body.  NULL: the
     * page. */
    bool (*refuse)(struct http_request *r, unsigned status);
    const struct health_way *health; /* how health_check asks what requests
                                are passed to, or NULL                       */
    bool redirects_to_slash; /* "location /x/" answers "/x" with 301         */
    /* Whether the body is any number of messages, which may be short.  NULL:
     * it is not. */
    bool (*takes_messages)(const struct http_request *r);
    bool is_in_limit_except; /* also applies inside limit_except, as it
                                always does inside if                        */
};

enum location_kind {
    LOCATION_PREFIX,
    LOCATION_CARET,    /* ^~ */
    LOCATION_EXACT,    /* =  */
    LOCATION_REGEX,    /* ~ and ~* */
    LOCATION_NAMED,    /* @ */
    LOCATION_NAMELESS, /* if, limit_except */
};

struct http_locations; /* The locations of one server or location. */

struct http_location {
    str_t                  name;  /* as in the file, without the modifier    */
    enum location_kind     kind;
    struct conf_page     **conf;  /* its settings, by module                 */
    const struct content  *content;
    struct regex          *regex;
    struct http_locations *inner;
    const struct http_location *up; /* the outer location, or NULL           */
    const struct http_location *except; /* its limit_except, and the methods
                                           of that                           */
    unsigned               except_methods;
    uint64_t               identity; /* digest of its arguments, those of
                                        the blocks around it and the
                                        server's name: the same after a
                                        reload that does not change them     */
    bool                   is_nocase;
    bool                   is_internal;
    struct conf_block     *block;
};

struct http_server {
    str_t                  name;    /* the first server_name, or empty       */
    struct conf_page     **conf;
    struct http_location  *root;    /* the settings outside of locations     */
    struct http_locations *locations;
    struct conf_block     *block;
    bool                   has_listen;
    bool                   takes_connect; /* one of its locations makes tunnels */
};

/* All servers that listen on one address. */
struct http_address;

/* The server for a host on this address (lower case, no port), with the
 * captures of a regular expression set in t; the default server if none
 * matches.  NULL: a match failed with an error (logged), and the result is
 * unknown. */
const struct http_server *http_find_server(const struct http_address *a,
                                           str_t host, struct task *t);
/* The same before there is a request: what a regular expression captures is not
 * kept, and one that ends in an error matches nothing. */
const struct http_server *http_server_named(const struct http_address *a,
                                            str_t                      host);
/* Whether one of the server's names matches the host (lower case, no port). */
enum regex_verdict http_has_name(const struct http_server *s,
                                 const struct log *log, str_t host);
const struct http_server *http_default_server(const struct http_address *a);

/* The result of the search for a location. */
enum http_found {
    HTTP_FOUND,       /* r->location is set, and its conf is in force        */
    HTTP_FOUND_SLASH, /* the location is the URI with a slash appended: 301  */
    HTTP_FOUND_ERROR, /* an expression failed (logged): 500                  */
};
enum http_found http_find_location(struct http_request *r);
/* The location @name of the request's server, or NULL. */
const struct http_location *http_find_named(const struct http_request *r,
                                            str_t name);

/* A location as written in the configuration ("/x", "= /x", "~ \\.php$",
 * "@name"); for if and limit_except, that of the outer location; empty outside
 * of locations. */
str_t http_location_text(struct arena *a, const struct http_location *l);

/* Puts the settings of a location (or of an if block in it) in force for r and
 * its log. */
void http_apply(struct http_request *r, const struct http_location *l);
/* ... and for its connection, which is not told before the head is complete. */
void http_enter(struct http_request *r, const struct http_location *l);

/* The unnamed location of the if or limit_except block b: for the openers of
 * these blocks, which pass it to http_enter. */
struct http_location *http_nameless_location(struct conf *cf,
                                             struct conf_block *b);

/* The directive type of content handlers: detail is the struct content.  The
 * handler applies to the current location, and inside its if and limit_except
 * blocks. */
extern const struct conf_type conf_content;
#define CONTENT(n, in, args, content, syntax, says)                            \
    { n, (in) | ROW_MANY, args, &conf_content, 0, NULL, content, syntax, says }
/* For types that set more than the handler (proxy_pass). */
void conf_set_content(struct conf *cf, const struct content *c);
/* The server that is being read takes CONNECT requests. */
void conf_take_connect(struct conf *cf);
/* The unnamed location of a new block (if, limit_except) in the current
 * block. */
struct http_location *http_nameless_location(struct conf *cf,
                                             struct conf_block *b);
/* The location that contains the current directive (the server's own location,
 * outside of locations). */
struct http_location *conf_location(struct conf *cf);
