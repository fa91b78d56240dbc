/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directives of TLS, each stated once for all prefixes: those that both
 * sides have, those of servers, and those of clients of upstreams.
 */
#pragma once

#include "core/tls/settings.h"

/* Of both sides. */
struct tls_conf {
    unsigned     protocols; /* enum tls_protocol                             */
    struct pairs commands;
    str_t        trusted, crl; /* absolute paths, or empty                   */
    uint64_t     depth;
    struct texts passwords;
    struct log_file *key_log; /* or NULL                                     */
};

extern const struct directive tls_rows[];

struct tls_session_cache {
    unsigned kind; /* enum tls_cache                                         */
    size_t   size; /* sessions; 0: OpenSSL's default                         */
    const struct zone_conf *zone;
};

struct tls_server_conf {
    struct texts certificates, keys;
    str_t        dhparam, client_ca; /* absolute paths, or empty             */
    str_t        ciphers, curves;
    unsigned     verify; /* enum tls_verify                                  */
    struct tls_session_cache cache;
    uint64_t     session_timeout; /* seconds                                 */
    struct texts ticket_keys;
    size_t       buffer_size;
    str_t        staple; /* absolute path, or empty                          */
    str_t        staple_responder, ocsp_responder; /* URLs, or empty         */
    unsigned     ocsp; /* enum tls_ocsp                                      */
    const struct zone_conf *statuses; /* NULL: off                           */
    struct tls_pair_cache *pair_cache; /* or NULL                                 */
    bool         prefers_server_ciphers, has_tickets, rejects, staples;
    bool         verifies_staples;
    bool         compresses_certificates;
    str_t        ech_file;
    bool         takes_early_data; /* a row of http's                        */
    bool         has_threads; /* ssl_async, of anything                      */
};

extern const struct directive tls_server_rows[];

/* The settings of a server, with all files read and everything checked.
 * has_resolver: names of OCSP responders are looked up when they are asked.
 * NULL with why: an error in nginx's words, without a place. */
struct tls_settings *tls_server_settings(struct conf *cf,
                                         const struct tls_conf *common,
                                         const struct tls_server_conf *own,
                                         bool has_resolver, char *why);

struct tls_client_conf {
    str_t        ciphers;
    struct expr *certificate, *key; /* NULL: none                            */
    struct tls_pair_cache *pair_cache; /* or NULL                                 */
    struct expr *name; /* NULL: that of the upstream                         */
    bool         sends_name, verifies, reuses_sessions;
    bool         has_threads; /* ssl_async, of anything                      */
};

extern const struct directive tls_client_rows[];

/* The same for connections to upstreams; prefix ("proxy_ssl") for messages. */
struct tls_settings *tls_client_settings(struct conf *cf, const char *prefix,
                                         const struct tls_conf *common,
                                         const struct tls_client_conf *own,
                                         char *why);
