/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control socket: a unix socket beside the pid file, "PIDFILE.control",
 * which its owner alone may use (mode 0600).  A client sends one line of JSON
 * and gets one back:
 *
 *     {"do":"status"}
 *     {"do":"reload","explains":true}
 *     {"do":"ban","action":"ls"}
 *
 * An error is {"error":"..."}.  The socket and its clients are the master's, or
 * the single process's; they never block it.
 */
#pragma once

#include "core/proc/outcome.h"
#include "core/proc/settings.h"

struct control_ops {
    /* Begins to read the configuration again, now or soon: control_begin and
     * control_tell follow.  NULL, or why it cannot be done. */
    const char *(*reload)(bool explains);
    /* Writes what there is to know, as one value. */
    void (*status)(struct json_text *t);
    /* Has any other question answered by who serves (inquiry.h), on the same
     * socket; fd stays the caller's.  NULL, or why it cannot be done. */
    const char *(*pass)(int fd, str_t line);
};

/* Listens beside the pid file of g.  A failure is logged, and there is no
 * control socket then. */
void control_open(const struct generation *g, const struct log *log);

/* Serves from now on; before, clients wait.  Returns a descriptor that is
 * readable when control_serve is to be called, or -1. */
int  control_start(const struct control_ops *ops);
void control_serve(void);

/* A reload begins, and is over: those who asked before it began are told. */
void control_begin(void);
void control_tell(const struct reload_outcome *o);

/* The pid file is another one: moves the socket beside it. */
void control_follow(const struct generation *g, const struct log *log);
/* The pid file was renamed. */
void control_rename(const char *pid, const struct log *log);

/* The path for a pid file, in a. */
str_t control_path(struct arena *a, str_t pid);

/* Removes the socket; who waits gets no answer. */
void control_close(void);
/* In a child: closes what belongs to its parent. */
void control_leave(void);
