/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OpenSSL's context for settings: made in each process when it is first needed,
 * so that thousands of servers cost nothing before somebody asks for them, and
 * kept as long as a generation that uses it, or a later one with the same
 * settings.
 */
#pragma once

#include <openssl/ssl.h>

#include "core/conf/generation.h"
#include "core/tls/settings.h"

/* Of a certificate, by which its OCSP response is found. */
struct tls_context_staple {
    const X509 *x; /* the context's                                          */
    uint8_t     key[32];
};

struct tls_context {
    SSL_CTX            *ssl;
    struct tls_context *next;      /* in the table of the process            */
    unsigned            refs;      /* generations and connections            */
    unsigned            users;     /* settings whose slot it is in           */
    size_t              buffer_size;
    unsigned            verify;    /* enum tls_verify                        */
    bool                has_ocsp;  /* clients' certificates are asked about  */
    uint8_t             id[32];    /* of the settings, and of verifying      */
    uint8_t             verify_id[32], first_verify_id[32], verify_files_id[32];
    struct zone        *zone;      /* for sessions; NULL: there is none, or no
                                      generation uses the context any more   */
    uint64_t            zone_serial; /* of the zone, 0: none                 */
    const struct tls_settings *named; /* they have certificates whose names have
                                      variables; or NULL                     */
    str_t               key_log;   /* path of a log file, or empty           */
    str_t               staple;    /* OCSP response of a file, or empty      */
    VEC(struct tls_context_staple) staples; /* else: where these are         */
    VEC(struct tls_ticket_key) ticket_keys; /* none: the shared ones         */
    struct arena       *arena;     /* that this lies in                      */
    bool                is_listed; /* in the table                           */
};

/* Where the context of settings is while it is the one to be used. */
struct tls_slot {
    struct tls_context *context; /* NULL: none so far                        */
    bool                is_tied; /* emptied when the generation ends         */
};

/* Once a process, before anything else of core/tls; others do nothing. */
void tls_init(void);

/* Makes a context that is not in the table, with one reference.  NULL: what went
 * wrong stands in why (TLS_WHY_MAX bytes), in nginx's words. */
enum { TLS_WHY_MAX = 2048 };
struct tls_context *tls_context_new(const struct tls_settings *s, char *why);
void                tls_context_free(struct tls_context *c);

/* Whether one could be made of s, whose keys fit their certificates: settings
 * that differ in certificates only are checked together, so that thousands of
 * these cost little.  False: why. */
bool tls_context_check(const struct tls_settings *s, char *why);

/* The context of this process for s, which belongs to g; made where there is
 * none.  NULL: logged.  Valid as long as g, and longer with
 * tls_context_hold. */
struct tls_context *tls_context_get(const struct tls_settings *s,
                                    struct generation *g,
                                    const struct log *log);
/* Where there is one already, g uses it, too: what was made under the
 * generation before is not lost with it. */
void tls_context_keep(const struct tls_settings *s, struct generation *g);
/* The settings have changed: the next handshake gets another one. */
void tls_context_leave(const struct tls_settings *s);

/* Whether peers of connections under c were verified as s asks for: by the same
 * authorities, or, where they were renewed since, by the same files, which no
 * reload has read since. */
bool tls_context_verifies(const struct tls_context  *c,
                          const struct tls_settings *s);

/* The certificates of a chain in DER: the first one, or NULL, and those above
 * it. */
X509 *tls_chain_read(str_t der, STACK_OF(X509) * above);

/* In a handshake: gives ssl the certificates of c whose names have variables, if
 * there are any; false: logged. */
bool tls_context_name(SSL *ssl, struct tls_context *c);

struct tls_context *tls_context_hold(struct tls_context *c);
void                tls_context_put(struct tls_context *c);
