/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files that look up the names of servers.
 */
#pragma once

#include "core/net/resolver.h"
#include "core/net/system_names.h"
#include "core/upstream/answers.h"
#include "core/upstream/names.h"

struct asking;

/* The name of one server line, made with the configuration, or of all lines that
 * were added since and have it; the second part is of the process that serves.
 * One that no line has any more ends, or if it was configured, idles: the line
 * may come back. */
struct name {
    struct names *of;
    struct name  *next;
    struct arena *own;        /* of one that was added; else NULL            */
    bool          is_wanted;  /* by a line that counts now                   */
    bool          is_idle;    /* it is not looked up                         */
    size_t        index;      /* of the line, among those configured         */
    bool          is_service; /* SRV                                         */
    bool          is_system;  /* looked up as the system does                */
    str_t         question;   /* what is asked for                           */
    str_t         key;        /* of the answers that it shares               */

    struct found *found; /* in use now; malloc                               */
    unsigned      n;
    msec_t        at;    /* of the answer that they are of; 0: of none       */
    unsigned      fails; /* in a row                                         */
    const char   *error; /* that was logged last, or NULL                    */
    bool          has_outcome; /* of a first lookup                          */
    bool          is_hosts;    /* it stands in the hosts file                */
    struct asking *asking;
    struct timer  timer;
};

struct names {
    struct upstream_group      *group;
    const struct resolver_conf *conf;
    struct name                *first;
    unsigned                    n;

    struct loop        *loop; /* NULL: it is not served here                 */
    struct log          log;
    struct list         waiting; /* of struct names_wait                     */
    struct system_watch watch;
};

/* The name of a server, which is in a, as what is made of it is. */
struct name *name_make(struct arena *a, struct names *of,
                       const struct upstream_server *s, bool is_system);
/* It is served from now on, with the addresses of e so far; and no more. */
void name_start(struct name *n, const struct endpoint *e);
/* Takes an answer that is there, else asks if it is time to. */
void name_look(struct name *n);
void name_stop(struct name *n);
/* It is not looked up before name_look. */
void name_idle(struct name *n);
/* Ends all that were added. */
void names_drop(struct names *n);
/* Those who wait for a first answer go on where none is awaited any more. */
void names_settle(struct names *n);

/* An answer has come: takes what it has. */
void name_take(struct name *n, const struct answer *a);
/* There is none; code and error as in struct lookup. */
void name_fail(struct name *n, int code, const char *error);

/* Asks the name servers; name_take or name_fail follows, but not after
 * asking_cancel. */
struct asking *asking_start(struct name *n);
void           asking_cancel(struct asking *a);
