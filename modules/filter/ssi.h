/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the SSI filter share: the page, which is a response on its
 * way through the filter, and what all pages of a main request share.
 */
#pragma once

#include "core/base/hash.h"
#include "http/subrequest.h"
#include "modules/filter/gather.h"
#include "modules/filter/ssi_parse.h"
#include "modules/module.h"

struct ssi_conf {
    struct mime_set *types;
    size_t           value_length;
    bool             is_on, is_silent, keeps_last_modified;
    size_t           min_file_chunk; /* no effect                            */
};

extern struct module ssi_module;

enum {
    SSI_AT_ONCE = 64,     /* included responses of a main request            */
    SSI_IN_ALL = 10000,
    SSI_ITEMS_MAX = 10000, /* all blocks, and what is in them                */
    SSI_VALUE_MAX = 64 * 1024, /* bytes of a value with its variables        */
};

/* A part of a block: a text, or a command with a name. */
struct ssi_item {
    str_t              text;
    struct ssi_command command;
};

struct ssi_block {
    str_t name;
    VEC(struct ssi_item) items;
};

/* Of a main request, in its arena. */
struct ssi_shared {
    struct arena   *arena;
    struct hash    *values; /* str_t, by name                                */
    struct captures captures;
    VEC(struct ssi_block *) blocks;
    unsigned        items;            /* of them, and in them                */
    unsigned        running, started; /* included responses                  */
    bool            has_cycle;        /* logged                              */
};

struct ssi_page {
    struct http_request   *r;
    struct http_request   *subject; /* whose variables are meant             */
    const struct ssi_conf *conf;
    struct ssi_shared     *shared;
    struct ssi_parser      parser;
    struct gather          out;
    struct chain           in; /* not read so far, ...                       */
    size_t                 at; /* ... but for this of the first piece        */
    bool                   is_due; /* the parser's command waits to be run   */

    enum ssi_branch { SSI_NO_IF, SSI_IN_IF, SSI_IN_ELSE } branch;
    bool              is_hidden;  /* in a branch that is not taken           */
    bool              has_chosen; /* a branch was taken                      */
    struct ssi_block *block;      /* that is being read; or NULL             */

    str_t             error; /* what takes the place of a wrong command      */
    str_t             time_format;
    enum ssi_encoding { SSI_ENTITY, SSI_URL, SSI_PLAIN } encoding;
    struct http_subrequest *waited; /* to end before anything else is read   */
};

/* The state of the module for a request. */
struct ssi_state {
    struct ssi_page   *page;   /* NULL: the filter has not joined            */
    struct ssi_shared *shared; /* main requests only                         */
    bool               has_cycle; /* in it, or what it includes; only where the
                                     main request's page has included it     */
};

/* ssi_value.c */
/* A variable: set by a page, captured, or of the server; STR_NONE: none. */
str_t ssi_variable(struct ssi_page *p, str_t name);
/* False: there is no memory. */
bool ssi_set(struct ssi_shared *s, str_t name, str_t value);
/* The text with its variables, behind a prefix, in a.  False: logged. */
bool ssi_evaluate(struct ssi_page *p, struct arena *a, str_t prefix, str_t text,
                  str_t *out);
/* The expression of if and elif.  False: logged. */
bool ssi_test(struct ssi_page *p, str_t expr, bool *is_true);
/* The text in a; false: there is no memory. */
bool ssi_copy(struct arena *a, str_t s, str_t *out);

/* ssi_run.c */
/* Runs the command.  STEP_NEXT; STEP_WAIT: waited has to end, or the command
 * has to be run again (is_due); STEP_FAIL. */
enum step ssi_run(struct ssi_page *p, const struct ssi_command *c,
                  struct chain *out);
/* Text between commands. */
void ssi_put(struct ssi_page *p, struct chain *out, const struct piece *piece,
             str_t s);
/* What takes the place of a wrong command. */
void ssi_put_error(struct ssi_page *p, struct chain *out);

/* ssi_include.c */
/* Results as of ssi_run; false: logged, and the command is wrong. */
bool ssi_include(struct ssi_page *p, const struct ssi_command *c,
                 struct chain *out, enum step *step);
