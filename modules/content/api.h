/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of the API.
 */
#pragma once

#include "core/base/json_text.h"
#include "core/upstream/live.h"
#include "modules/module.h"

/* A request to the API. */
struct api {
    struct http_request *r;
    unsigned             version; /* 1 to 9; 0: Angie's spelling             */
    str_t                path;    /* what is left of it, without slashes at
                                     its ends                                */
    bool                 may_write;
    bool                 has_fields; /* ?fields=                             */
    str_t                fields; /* a,b,c                                   */
    struct json_text     out;
};

/* The next part of the path; empty: there is none. */
str_t api_part(struct api *a);
/* Whether a member of an object is asked for. */
bool api_wants(const struct api *a, const char *member);

/* The response: what was written to a->out. */
enum step api_reply(struct api *a, unsigned status);
/* An error object. */
enum step api_error(struct api *a, unsigned status, const char *text,
                    const char *code);
enum step api_not_found(struct api *a);
/* Methods that change something are not allowed. */
enum step api_read_only(struct api *a);

/* Moments as 2022-06-28T11:15:44.467Z. */
void api_put_time(struct json_text *out, const char *name, uint64_t wall_ms);

/* "workers/...": api_workers.c */
enum step api_workers(struct api *a);
/* "upstreams/...": api_upstreams.c */
enum step api_upstreams(struct api *a);
/* "upstreams/NAME/servers...": api_servers.c */
enum step api_servers(struct api *a, struct upstream_group *g);
