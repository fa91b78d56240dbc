/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual servers and locations, as they are when the configuration has been
 * read, and finding them for a request.
 */
#pragma once

#include "core/conf/conf.h"
#include "core/expr/regex.h"
#include "http/request.h"

/* What answers requests of a location (proxy_pass, stub_status ...). */
struct content {
    const char *name; /* of the directive                                    */
    enum step (*serve)(struct task *);
    bool redirects_to_slash; /* "location /x/" answers "/x" with 301         */
    bool is_in_limit_except; /* limit_except takes it over, as if always does */
};

enum location_kind {
    LOCATION_PREFIX,
    LOCATION_CARET,    /* ^~ */
    LOCATION_EXACT,    /* =  */
    LOCATION_REGEX,    /* ~ and ~* */
    LOCATION_NAMED,    /* @ */
    LOCATION_NAMELESS, /* if, limit_except */
};

struct http_locations; /* the locations of one server or location */

struct http_location {
    str_t                  name;  /* as written, without the modifier        */
    enum location_kind     kind;
    struct conf_page     **conf;  /* what holds in it, by module             */
    const struct content  *content;
    struct regex          *regex;
    struct http_locations *inner;
    const struct http_location *up; /* the one that it stands in, or NULL    */
    const struct http_location *except; /* limit_except's, and its methods   */
    unsigned               except_methods;
    uint64_t               identity; /* digest of its words, those of the
                                        blocks around it and the server's
                                        name: the same over reloads that
                                        leave them as they are               */
    bool                   is_nocase;
    bool                   is_internal;
    struct conf_block     *block;
};

struct http_server {
    str_t                  name;    /* the first server_name, or empty       */
    struct conf_page     **conf;
    struct http_location  *root;    /* what holds outside of locations       */
    struct http_locations *locations;
    struct conf_block     *block;
    bool                   has_listen;
};

/* What listens on one address: all servers that name it. */
struct http_address;

/* The server for a host on this address (lower case, no port), with the
 * captures of a regular expression set on t; the default server when none
 * matches.  NULL: a match ended in an error (logged), and there is no
 * telling. */
const struct http_server *http_find_server(const struct http_address *a,
                                           str_t host, struct task *t);
/* Whether one of the server's names holds the host (lower case, no port). */
enum regex_verdict http_has_name(const struct http_server *s,
                                 const struct log *log, str_t host);
const struct http_server *http_default_server(const struct http_address *a);

/* Where a request goes. */
enum http_found {
    HTTP_FOUND,       /* r->location is set, and its conf in force           */
    HTTP_FOUND_SLASH, /* the location is the URI with a slash behind: 301    */
    HTTP_FOUND_ERROR, /* an expression ended in an error (logged): 500       */
};
enum http_found http_find_location(struct http_request *r);
/* @name of the request's server, or NULL. */
const struct http_location *http_find_named(const struct http_request *r,
                                            str_t name);

/* A location as configuration writes it ("/x", "= /x", "~ \\.php$", "@name"),
 * for if and limit_except that of the location around them; empty outside of
 * locations. */
str_t http_location_text(struct arena *a, const struct http_location *l);

/* After task.conf has changed: takes over what is kept outside of it (the log
 * targets). */
void http_follow_conf(struct http_request *r);

/* Makes what holds in a location (or an if block in it) hold for r. */
void http_enter(struct http_request *r, const struct http_location *l);

/* The nameless location of an if or limit_except block, of which b is the
 * block: for their openers, which hand it to http_enter. */
struct http_location *http_nameless_location(struct conf *cf,
                                             struct conf_block *b);

/* The directive type of content handlers: detail is the struct content.  The
 * handler goes to the location at hand, and into its if and limit_except
 * blocks. */
extern const struct conf_type conf_content;
#define CONTENT(n, in, args, content, syntax, says)                            \
    { n, (in) | ROW_MANY, args, &conf_content, 0, NULL, content, syntax, says }
/* For types that set more than the handler (proxy_pass). */
void conf_set_content(struct conf *cf, const struct content *c);
/* The nameless location of a new block (if, limit_except) in the block at
 * hand. */
struct http_location *http_nameless_location(struct conf *cf,
                                             struct conf_block *b);
/* The location that the directive at hand stands in (the server's own,
 * outside of locations). */
struct http_location *conf_location(struct conf *cf);
