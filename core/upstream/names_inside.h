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

/* The name of one server line.  Made with the configuration; the second part is
 * of the process that serves. */
struct name {
    struct names *of;
    struct name  *next;
    size_t        index;      /* of the line, among the group's              */
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

/* An answer has come: takes what it has. */
void name_take(struct name *n, const struct answer *a);
/* There is none; code and error as in struct lookup. */
void name_fail(struct name *n, int code, const char *error);

/* Asks the name servers; name_take or name_fail follows, but not after
 * asking_cancel. */
struct asking *asking_start(struct name *n);
void           asking_cancel(struct asking *a);
