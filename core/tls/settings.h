/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one server, or one kind of upstream, says about TLS: plain data in the
 * generation, with the bytes of all files that it names.  The master reads
 * these, as only it may read private keys, and keeps nothing of OpenSSL's:
 * each worker makes what it needs from the bytes (context.h).  Where files are
 * renewed (renewal.h), their bytes change, and the ids with them; nothing else
 * does.
 */
#pragma once

#include "core/conf/conf.h"
#include "core/conf/types.h"
#include "core/expr/expr.h"
#include "core/shm/registry.h"

enum tls_protocol {
    TLS_SSL2 = 1 << 0, /* is accepted, and does not exist                    */
    TLS_SSL3 = 1 << 1,
    TLS_1_0 = 1 << 2,
    TLS_1_1 = 1 << 3,
    TLS_1_2 = 1 << 4,
    TLS_1_3 = 1 << 5,
};

enum tls_verify {
    TLS_VERIFY_OFF,
    TLS_VERIFY_ON,
    TLS_VERIFY_OPTIONAL,
    TLS_VERIFY_OPTIONAL_NO_CA, /* any certificate will do                    */
};

/* Which of a client's certificates are good only if OCSP says so. */
enum tls_ocsp {
    TLS_OCSP_OFF,
    TLS_OCSP_ON,   /* the chain, but for the one that is trusted             */
    TLS_OCSP_LEAF,
};

enum tls_cache {
    TLS_CACHE_NONE,    /* clients hear that there is one, and there is none  */
    TLS_CACHE_OFF,
    TLS_CACHE_BUILTIN, /* one in each worker                                 */
    TLS_CACHE_SHARED,  /* one that all workers share                         */
};

struct tls_pair_cache;
struct tls_slot;

/* A file that was read. */
struct tls_file {
    str_t    path; /* absolute, for messages; followed by a NUL              */
    str_t    bytes;
    unsigned unit; /* that renews it (renewal.h), from 1; 0: none            */
};

/* A certificate with its key. */
struct tls_pair {
    str_t name, key_name; /* as in the configuration                         */
    str_t path, key_path; /* absolute, for messages; followed by a NUL       */
    str_t chain;          /* DER: the certificate, then those above it       */
    str_t key;            /* DER, not encrypted; wiped with the generation   */
    unsigned unit;        /* that renews it (renewal.h), from 1; 0: none     */
};

typedef VEC(struct tls_pair) tls_pairs_t;

/* One whose names have variables: it is loaded in each handshake. */
struct tls_named_pair {
    struct expr *certificate, *key;
};

struct ocsp_responder;
struct tls_staples;

struct tls_settings {
    bool             is_server;
    unsigned         protocols; /* enum tls_protocol                         */
    str_t            ciphers;
    str_t            curves;    /* "auto": OpenSSL's own                     */
    bool             prefers_server_ciphers;
    struct pairs     commands;  /* of OpenSSL's configuration                */
    tls_pairs_t      pairs;
    VEC(struct tls_named_pair) named;
    struct tls_pair_cache *pair_cache; /* for named; or NULL (cache.h)            */
    struct texts     passwords; /* of keys in named                          */
    str_t            folder;    /* of files in named                         */
    struct tls_file  dhparam, client_ca, trusted, crl; /* PEM; may be empty  */
    struct tls_file  staple;    /* an OCSP response, DER; or empty           */
    struct tls_staples *staples; /* OCSP responses to be asked for; or NULL  */
    bool             has_certificate_compression;
    unsigned         verify;    /* enum tls_verify                           */
    unsigned         depth;
    unsigned         ocsp;      /* enum tls_ocsp                             */
    const struct ocsp_responder *ocsp_responder; /* NULL: that which each
                                   certificate names                         */
    const struct zone_conf *statuses; /* of certificates; NULL: not kept     */
    unsigned         cache;     /* enum tls_cache                            */
    size_t           cache_size; /* sessions; 0: OpenSSL's default           */
    const struct zone_conf *zone; /* TLS_CACHE_SHARED, else NULL             */
    uint64_t         session_timeout; /* seconds                             */
    bool             has_tickets;
    bool             takes_early_data;
    bool             has_threads; /* its keys can be used by them (async.h)  */
    VEC(struct tls_file) ticket_keys; /* none: those that all workers share  */
    size_t           buffer_size; /* the most that is sent as one record     */
    str_t            key_log;   /* path of a log file, or empty              */
    uint8_t          id[32];    /* of all that makes a difference            */
    uint8_t          verify_id[32]; /* of how the peer is verified           */
    uint8_t          first_verify_id[32]; /* the same as it was read         */
    uint8_t          verify_files_id[32]; /* of the files for it, by name    */
    struct tls_slot *slot;      /* for tls_context_get                       */
    bool             is_stale;  /* while files are renewed                   */
};

/* Computes s->id, s->verify_id and s->verify_files_id, when the rest is
 * complete. */
void tls_settings_seal(struct tls_settings *s);
