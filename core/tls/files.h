/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files that TLS settings name, read while the configuration is: each once
 * in a generation, however often it is named.  Their bytes stay in the
 * generation; private keys are wiped when it ends.
 */
#pragma once

#include <sys/stat.h>

#include "core/tls/settings.h"

/* What tells that a file is another one, or was written to.  All zero: there is
 * no regular file. */
struct tls_mark {
    dev_t           device;
    ino_t           inode;
    off_t           size;
    struct timespec written, changed;
};

struct tls_mark tls_mark_of(str_t path);
bool tls_mark_same(const struct tls_mark *a, const struct tls_mark *b);
/* Whether the file is as it was then. */
bool tls_mark_is(const struct tls_mark *m, str_t path);


/* In a process that reads configurations: those that it reads from now on take
 * from g, which is served, what has not changed (ssl_object_cache_inheritable).
 * NULL: there is none. */
void tls_files_inherit(const struct generation *g);

/* A file as it is, path being absolute.  False: why (TLS_WHY_MAX bytes) has
 * OpenSSL's reasons in nginx's words, behind what. */
bool tls_file_load(struct arena *a, const char *what, str_t path,
                   struct tls_file *out, char *why);
/* The same, once in a generation. */
bool tls_file_read(struct conf *cf, const char *what, str_t path,
                   struct tls_file *out, char *why);

/* A certificate (with those above it) and its key, as the arguments of
 * directives name them: a file, relative to the folder (which ends with a
 * slash), or "data:" and PEM.  False: why. */
bool tls_pair_load(struct arena *a, str_t folder, str_t certificate, str_t key,
                   const struct texts *passwords, struct tls_pair *out,
                   char *why);
/* The argument of a directive for messages, where it may be a key. */
str_t tls_name_shown(str_t name);
/* The marks of both files (renewal.h), as they are now. */
void tls_pair_marks(struct arena *a, str_t folder, str_t certificate, str_t key,
                    struct tls_mark out[2]);
/* The same, once in a generation. */
bool tls_pair_read(struct conf *cf, str_t certificate, str_t key,
                   const struct texts *passwords, struct tls_pair *out,
                   char *why);

/* A copy that is wiped with a, followed by a NUL. */
str_t tls_keep_secret(struct arena *a, str_t secret);

/* Directive type over struct texts: a file with passwords, one a line. */
extern const struct conf_type conf_tls_passwords;

/* Whether this is the first call in a generation for that file: for warnings
 * that are given once. */
bool tls_note_once(struct conf *cf, str_t path);

/* Seals the settings, and makes sure that a context can be made of them, unless
 * the same ones were good before.  False: why. */
bool tls_settings_check(struct conf *cf, struct tls_settings *s, char *why);
