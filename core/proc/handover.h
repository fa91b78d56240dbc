/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new generation goes to the workers that are there, so that a reload ends no
 * process and no connection.  The master has built it in an image
 * (core/conf/image.h) and opened what it names; a worker gets the place of the
 * image and all descriptors that it lacks:
 *
 *     master                                worker
 *     ORDER_ADOPT  image, descriptors  >    maps it, tells the modules
 *                                      <    READY or FAILED
 *     ORDER_SWITCH                     >    serves it from the next turn on
 *                                      <    SERVING
 *     ORDER_RENEW  file in memory      >    takes certificates that have changed
 *     ORDER_ANSWER a line, a socket    >    answers it there (inquiry.h)
 *
 * Nothing changes before ORDER_SWITCH; ORDER_DROP takes it back.  An order to
 * adopt comes in as many messages as its descriptors need.
 */
#pragma once

#include "core/proc/channel.h"
#include "core/proc/children.h"
#include "core/proc/inquiry.h"

enum order_kind {
    ORDER_ADOPT,
    ORDER_SWITCH,
    ORDER_DROP,
    ORDER_RENEW,
    ORDER_ANSWER,
};

struct order {
    enum order_kind    kind;
    uint64_t           number; /* of the generation                          */
    struct generation *gen;    /* in the image                               */
    size_t             size;   /* of the image                               */
    unsigned           slot;
    unsigned           n_fds;  /* in all messages: first that of the image   */
    uint16_t           n;      /* bytes of the line to answer                */
    char               line[INQUIRY_LINE];
};

enum answer_kind { ANSWER_READY, ANSWER_FAILED, ANSWER_SERVING };

struct answer {
    enum answer_kind kind;
    uint64_t         number;
};

/* In the master: offers g, in a sealed image, to all workers that are not old,
 * and marks those that are ready; old are the listeners that they serve now.
 * How many are ready.  Workers that do not answer in time are not. */
unsigned handover_offer(struct children *c, struct generation *g,
                        const listeners_t *old);
/* Those that are ready serve it, and are not marked any more when they do;
 * false: some have not said so in time.  handover_drop: they forget it. */
bool handover_switch(struct children *c, const struct generation *g);
void handover_drop(struct children *c, const struct generation *g);
/* Has some worker answer the line on fd.  False: none can. */
bool handover_ask(const struct children *c, int fd, str_t line);

/* All workers of g, which they serve, take what has changed of its certificates
 * (core/tls/renewal.h).  One that cannot be told is replaced. */
void handover_renew(const struct children *c, const struct generation *g,
                    int fd, const struct log *log);

/* In the worker: what it receives. */
struct adoption {
    struct event       event;
    struct worker     *self;
    struct order       order; /* that is coming in, ...                      */
    int               *fds;   /* ... with these descriptors                  */
    unsigned           n_fds; /* ... so far                                  */
    struct generation *ready; /* adopted, and not served so far; or NULL     */
    bool               is_due;
};

/* Begins to watch the channel; -1: there is none.  False: logged. */
bool adoption_start(struct adoption *a, struct worker *w, int channel);
void adoption_stop(struct adoption *a);
/* Between two turns: the generation to serve now, with a reference, or NULL. */
struct generation *adoption_take(struct adoption *a);
/* It is served: tells the master. */
void adoption_served(struct adoption *a, const struct generation *g);
