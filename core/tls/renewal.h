/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that change while a generation that was made of them is served.  What
 * was read from them is a unit: a file, or a certificate with its key.  The
 * master finds units whose files have changed, reads these again, and makes sure
 * that every server that uses them can have a context.  The new bytes go to the
 * workers in a file in memory, and each process that has the generation takes
 * them into its own view of it: settings change their bytes and ids, and the
 * next handshake makes a context of these.
 *
 *     master   tls_renewal_new > tls_renewal_take > tls_renewal_free
 *     worker                     tls_renewal_take
 *
 * The bytes of a renewed unit lie in an arena of their own, which goes when it
 * is renewed again, or with the generation: however often that happens, there
 * is one of each.
 */
#pragma once

#include "core/conf/generation.h"
#include "core/tls/files.h"

extern struct module tls_module; /* module.c */

/* ssl_certificate_watch. */
struct tls_watch_conf {
    bool   is_on;
    msec_t poll_ms; /* between two looks where the kernel says nothing       */
};
const struct tls_watch_conf *tls_watch_conf_of(const struct generation *g);
/* ssl_object_cache_inheritable. */
bool tls_inherits(const struct generation *g);

struct tls_unit {
    struct tls_file *file; /* or NULL, and ...                               */
    struct tls_pair *pair;
    const char      *what; /* before the reason why a file is refused        */
    struct texts     passwords; /* of the key                                */
    struct tls_mark  marks[2]; /* of the file; of the certificate and the key */
    bool             is_behind; /* what the files have was refused            */
    struct arena    *own; /* of the bytes, since they were renewed; or NULL  */
    bool             is_tied; /* own is freed when the generation ends       */
};

/* Of a generation: what has been read. */
struct tls_files {
    struct hash *files; /* struct tls_file, by path                          */
    struct hash *pairs; /* struct tls_pair, by both names                    */
    struct hash *good;  /* settings that were checked, by id                 */
    struct hash *noted; /* files that were warned of                         */
    VEC(struct tls_unit) units;
    VEC(struct tls_settings *) settings;
};

/* New contents of some units. */
struct tls_renewal;

/* Those of g whose files have changed since they were read or tried last.  What
 * is not good is logged, and stays as it was.  NULL: nothing is to be taken. */
struct tls_renewal *tls_renewal_new(struct generation *g,
                                    const struct log  *log);
/* A sealed file in memory for tls_renewal_take, the renewal's own. */
int tls_renewal_fd(const struct tls_renewal *r);
/* Frees it, and wipes its keys.  It was taken: says so in log, unless that is
 * NULL. */
void tls_renewal_free(struct tls_renewal *r, const struct log *log);

/* In each process that has g, in which nobody else may be using its settings
 * at that moment.  False with errno. */
bool tls_renewal_take(struct generation *g, int fd);

/* Whether there is anything that could be renewed. */
bool tls_renewal_is_possible(const struct generation *g);
/* Calls fn for each file that g was made of, as it is named; where the prefix
 * is relative, so are these. */
void tls_renewal_each_path(const struct generation *g,
                           void (*fn)(const char *path, void *arg), void *arg);
