/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the dav module share: dav.c answers, dav_put.c and
 * dav_copy.c read what is asked for, dav_job.c has the disk changed in a
 * thread, by the functions of dav_tree.c.
 */
#pragma once

#include "core/event/pool.h"
#include "http/request.h"
#include "modules/content/dav_tree.h"

struct dav_conf {
    unsigned methods; /* enum http_method; DAV_OFF: none                     */
    bool     create_full_put_path;
    uint64_t min_delete_depth;
    unsigned access;
};

enum { DAV_OFF = 1u << 31 };

enum dav_op { DAV_REMOVE, DAV_COPY, DAV_MOVE };

struct dav_plan {
    enum dav_op op;
    bool        is_folder;
    bool        replaces_folder; /* removes the folder to first              */
    bool        makes_parents;   /* ... of to                                */
    bool        is_temporary;    /* from is removed if it cannot be moved    */
    unsigned    folder_mode;
    str_t       from, to;
};

/* The state of a request. */
struct dav_put;
struct dav_job;
struct dav_state {
    struct dav_job *job;
    struct dav_put *put;
    unsigned        status;    /* of the answer when the job has been done   */
    unsigned        not_found; /* that for ENOENT                            */
};

extern struct module dav_module;

static inline const struct dav_conf *
dav_conf_of(const struct http_request *r)
{
    return conf_of(&r->task, &dav_module);
}

/* The path that the URI stands for, without a slash at its end; STR_NONE:
 * http_fail was called.  A NUL follows. */
str_t dav_path(struct http_request *r);

/* The same for another URI of this server, as header fields name them; STR_NONE:
 * it is none. */
str_t dav_path_of(struct http_request *r, str_t uri);

/* Depth: 0, 1 or DAV_INFINITY, which is preset; -1: it is none of them
 * (logged). */
enum { DAV_INFINITY = 2 };
int dav_depth(struct http_request *r);

/* Logs what has gone wrong at a path, and calls http_fail; not_found is the
 * status for what is not there. */
enum step dav_fail(struct http_request *r, int error, unsigned not_found,
                   const char *call, str_t path);
/* Answers with a status and without a body; 201 with Location, if wanted. */
enum step dav_reply(struct http_request *r, unsigned status, bool has_location);

/* Has it done.  STEP_WAIT, and dav_job_end when the task is called again; or
 * STEP_FAIL. */
enum step dav_job_start(struct http_request *r, const struct dav_plan *plan);
/* STEP_WAIT: not done yet; STEP_NEXT: done; STEP_FAIL: dav_fail was called. */
enum step dav_job_end(struct http_request *r);
void dav_jobs_stop(void);

/* What the methods do, up to the job; called once.  dav_put: called until it
 * does not return STEP_WAIT without a job. */
enum step dav_copy_or_move(struct http_request *r, struct dav_state *s);
enum step dav_put_body(struct http_request *r, struct dav_state *s);
