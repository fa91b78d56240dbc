/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rows of TLS directives, and from their values to settings.
 */
#include "core/tls/rows.h"

#include <stdio.h>

#include "core/shm/zone.h"
#include "core/tls/cache.h"
#include "core/tls/context.h"
#include "core/tls/files.h"
#include "core/tls/key_log.h"
#include "core/tls/error.h"
#include "core/tls/kept.h"
#include "core/tls/stapling.h"


/* --- both sides ------------------------------------------------------------- */

static const struct conf_word protocols[] = {
    { "SSLv2", TLS_SSL2 },  { "SSLv3", TLS_SSL3 },  { "TLSv1", TLS_1_0 },
    { "TLSv1.1", TLS_1_1 }, { "TLSv1.2", TLS_1_2 }, { "TLSv1.3", TLS_1_3 },
    { .name = NULL },
};
static const struct conf_range depths = { 0, 1000 };

#define C struct tls_conf
const struct directive tls_rows[] = {
    BITS("_protocols", 0, ARGS_1_OR_MORE, C, protocols, "TLSv1.2 TLSv1.3",
         protocols, "The versions of TLS that are spoken."),
    { "_conf_command", ROW_MANY, ARGS_2, &conf_pairs,
      FIELD(C, commands, struct pairs), NULL, NULL, "name value",
      "A command of OpenSSL's configuration (SSL_CONF_cmd), such as "
      "Ciphersuites, Options or MinProtocol, run after all other settings. "
      "Commands that name files are refused. Options KTLS is accepted, but the "
      "kernel's TLS is not used, as a notice in the log says." },
    { "_trusted_certificate", 0, ARGS_1, &conf_conf_file,
      FIELD(C, trusted, str_t), NULL, NULL, "file",
      "Certificates of authorities that are trusted, in PEM." },
    { "_crl", 0, ARGS_1, &conf_conf_file, FIELD(C, crl, str_t), NULL, NULL,
      "file",
      "Lists of revoked certificates, in PEM: one of each authority in the "
      "chain." },
    NUMBER("_verify_depth", 0, C, depth, "1", &depths,
           "How many authorities there may be between a certificate and one "
           "that is trusted."),
    { "_password_file", 0, ARGS_1, &conf_tls_passwords,
      FIELD(C, passwords, struct texts), NULL, NULL, "file",
      "Passwords of private keys, one a line, which are tried in turn." },
    { "_key_log", 0, ARGS_1, &conf_tls_key_log,
      FIELD(C, key_log, struct log_file *), NULL, NULL, "path",
      "A file for the secrets of all connections, in the format of NSS, with "
      "which Wireshark and others decrypt what was recorded of them. Only its "
      "owner may read it." },
    { .name = NULL },
};
#undef C


/* --- servers -------------------------------------------------------------------- */

static const struct conf_word verify_words[] = {
    { "off", TLS_VERIFY_OFF },
    { "on", TLS_VERIFY_ON },
    { "optional", TLS_VERIFY_OPTIONAL },
    { "optional_no_ca", TLS_VERIFY_OPTIONAL_NO_CA },
    { .name = NULL },
};


/* "shared:name:size"; what is "session cache". */
static const char *
take_zone(struct conf *cf, str_t word, const char *what,
          const struct zone_use *use, const struct zone_conf **out)
{
    str_t       rest = str_from(word, sizeof("shared:") - 1), name;
    const char *error = NULL;
    uint64_t    size;

    name = str_cut(&rest, ':');
    if (name.n == 0 || rest.p == NULL || !number_size(rest, false, &size))
        return conf_error(cf, "invalid %s \"" STR_F "\"", what, STR_A(word));
    if (size < ZONE_PAGES_LEAST * (uint64_t) ZONE_PAGE)
        return conf_error(cf, "%s \"" STR_F "\" is too small", what,
                          STR_A(word));
    *out = zone_add(cf, name, size, use, &error);
    return error;
}


static const char *
take_cache(struct conf *cf, str_t word, struct tls_session_cache *out)
{
    uint64_t n;

    if (str_starts(word, STR("shared:"))) {
        out->kind = TLS_CACHE_SHARED;
        return take_zone(cf, word, "session cache", &tls_kept_sessions,
                         &out->zone);
    }
    if (str_is(word, "off")) {
        out->kind = TLS_CACHE_OFF;
        return NULL;
    }
    if (str_is(word, "none")) {
        out->kind = TLS_CACHE_NONE;
        return NULL;
    }
    if (str_is(word, "builtin")) {
        out->kind = TLS_CACHE_BUILTIN;
        return NULL;
    }
    if (str_starts(word, STR("builtin:"))
        && number_parse(str_from(word, 8), INT32_MAX, &n))
    {
        out->kind = TLS_CACHE_BUILTIN;
        out->size = (size_t) n;
        return NULL;
    }
    return conf_error(cf, "invalid session cache \"" STR_F "\"", STR_A(word));
}


static const char *
parse_cache(struct conf *cf, void *field)
{
    struct tls_session_cache found = { 0 };
    const char              *error = NULL;

    for (unsigned i = 1; i < cf->n_args && error == NULL; i++)
        error = take_cache(cf, cf->args[i], &found);
    if (found.zone != NULL) /* beside it, builtin would find nothing */
        found.kind = TLS_CACHE_SHARED;
    if (error == NULL)
        *(struct tls_session_cache *) field = found;
    return error;
}


static const struct conf_type cache_type = {
    .name = "session cache",
    .size = sizeof(struct tls_session_cache),
    .parse = parse_cache,
    .unset = "none",
};


static const char *
parse_statuses(struct conf *cf, void *field)
{
    const struct zone_conf **out = field;

    *out = NULL;
    if (str_is(cf->args[1], "off"))
        return NULL;
    if (str_starts(cf->args[1], STR("shared:")))
        return take_zone(cf, cf->args[1], "OCSP cache", &tls_kept_statuses,
                         out);
    return conf_error(cf, "invalid OCSP cache \"" STR_F "\"",
                      STR_A(cf->args[1]));
}


static const struct conf_type statuses_type = {
    .name = "OCSP cache",
    .size = sizeof(const struct zone_conf *),
    .parse = parse_statuses,
    .unset = "off",
};

static const struct conf_word ocsp_words[] = {
    { "off", TLS_OCSP_OFF },
    { "on", TLS_OCSP_ON },
    { "leaf", TLS_OCSP_LEAF },
    { .name = NULL },
};


static const char *
parse_compression(struct conf *cf, void *field)
{
    const char *error = conf_flag.parse(cf, field);

#ifndef SSL_OP_NO_TX_CERTIFICATE_COMPRESSION
    if (error == NULL && *(bool *) field)
        conf_warn(cf,
                  "\"" STR_F "\" is not supported on this platform, ignored",
                  STR_A(cf->args[0]));
#endif
    return error;
}


static const char *
parse_ech_file(struct conf *cf, void *field)
{
    const char *error = conf_conf_file.parse(cf, field);

    if (error == NULL)
        conf_warn_bare(
            cf, "\"" STR_F "\" is not supported on this platform, ignored",
            STR_A(cf->args[0]));
    return error;
}


static const struct conf_type ech_file_type = {
    .name = "file",
    .size = sizeof(str_t),
    .parse = parse_ech_file,
    .syntax = "file",
};

static const struct conf_type compression_type = {
    .name = "flag",
    .size = sizeof(bool),
    .parse = parse_compression,
    .syntax = "on | off",
};

#define C struct tls_server_conf
#define ONE(n, m, syntax, says) \
    { \
        n, ROW_MANY, ARGS_1, &conf_texts, FIELD(C, m, struct texts), NULL, \
            NULL, syntax, says \
    }
const struct directive tls_server_rows[] = {
    ONE("_certificate", certificates, "file",
        "The certificate of the server in PEM, followed by those above it; or "
        "data: and PEM. Several are of different kinds (RSA, ECDSA)."),
    ONE("_certificate_key", keys, "file",
        "The private key of the certificate, in PEM; or data: and PEM. Only "
        "the master process needs to be able to read the file."),
    { "_certificate_cache", 0, ARGS_1 | ARGS_2 | ARGS_3, &conf_tls_pair_cache,
      FIELD(C, pair_cache, struct tls_pair_cache *), "off", NULL, "",
      "Keeps up to max certificates whose names have variables, with their "
      "keys, in each worker, instead of loading them for each handshake: those "
      "that were used in the inactive time (10s). After the valid time (60s) "
      "one is used again only if its files have not changed." },
    TEXT("_ciphers", 0, C, ciphers, "HIGH:!aNULL:!MD5", "ciphers",
         "The ciphers up to TLS 1.2, as the openssl command ciphers takes "
         "them; those of TLS 1.3 are PREFIX_conf_command Ciphersuites."),
    { "_dhparam", 0, ARGS_1, &conf_conf_file, FIELD(C, dhparam, str_t), NULL,
      NULL, "file", "Parameters for DHE ciphers, in PEM." },
    TEXT("_ecdh_curve", 0, C, curves, "auto", "curve[:curve]...",
         "The groups for the key exchange; auto is OpenSSL's own list."),
    FLAG("_prefer_server_ciphers", 0, C, prefers_server_ciphers, "off",
         "Whether the order of the server's ciphers counts, not the client's."),
    { "_client_certificate", 0, ARGS_1, &conf_conf_file,
      FIELD(C, client_ca, str_t), NULL, NULL, "file",
      "Certificates of authorities that clients' certificates are verified "
      "with, in PEM. Their names are sent to clients." },
    ENUM("_verify_client", 0, C, verify, "off", verify_words,
         "Whether clients are asked for a certificate. Without a good one, on "
         "answers with error 400 (496, or 495 to error_page), optional only "
         "where one was sent, and optional_no_ca takes one that nobody "
         "vouches for."),
    { "_session_cache", ROW_MANY, ARGS_1 | ARGS_2, &cache_type,
      FIELD(C, cache, struct tls_session_cache), NULL, NULL,
      "off | none | [builtin[:size]] [shared:name:size]",
      "Where sessions are kept for clients to resume that have no tickets: "
      "nowhere (off; none only tells clients so in a gentler way), in each "
      "worker (builtin), or in memory that all workers share: 1m has about "
      "4,000." },
    SEC("_session_timeout", 0, C, session_timeout, "5m",
        "How long a client may resume a session."),
    FLAG("_session_tickets", 0, C, has_tickets, "on",
         "Lets clients keep sessions themselves, as tickets (RFC 5077)."),
    ONE("_session_ticket_key", ticket_keys, "file",
        "A file of 80 or 48 random bytes that tickets are encrypted with; the "
        "first one for new tickets. Without any, all workers share keys that "
        "change every few hours."),
    SIZE("_buffer_size", 0, C, buffer_size, "16k",
         "The most that is sent as one record: small ones let clients begin "
         "sooner, large ones cost less."),
    FLAG("_stapling", 0, C, staples, "off",
         "Sends an OCSP response with the certificate. One worker asks the "
         "responder that the certificate names, from the start on, and again "
         "in time; all of them send what there is, as long as it is in force. "
         "For a certificate that names none, as most do today, there is a "
         "warning and nothing to be sent. resolver looks up the responder's "
         "name; without one it is looked up once, at the start."),
    { "_stapling_file", 0, ARGS_1, &conf_conf_file, FIELD(C, staple, str_t),
      NULL, NULL, "file",
      "The OCSP response in DER, as the command openssl ocsp writes it; no "
      "responder is asked." },
    TEXT("_stapling_responder", 0, C, staple_responder, NULL, "url",
         "The responder for PREFIX_stapling, in place of that which the "
         "certificate names: http only."),
    FLAG("_stapling_verify", 0, C, verifies_staples, "off",
         "Whether who has signed an OCSP response is verified, with the "
         "authorities of PREFIX_trusted_certificate. Its signature is checked "
         "in any case."),
    ENUM("_ocsp", 0, C, ocsp, "off", ocsp_words,
         "Whether clients' certificates are good only if their OCSP responders "
         "say so: all of the chain (on), or only the client's own (leaf). The "
         "handshake waits for the answers; whoever has no good one is treated "
         "as with a bad certificate."),
    TEXT("_ocsp_responder", 0, C, ocsp_responder, NULL, "url",
         "The responder for PREFIX_ocsp, in place of those which the "
         "certificates name: http only."),
    { "_ocsp_cache", 0, ARGS_1, &statuses_type,
      FIELD(C, statuses, const struct zone_conf *), NULL, NULL,
      "off | shared:name:size",
      "Where the answers for PREFIX_ocsp are kept as long as they are in force, "
      "in memory that all workers share: 1m has about 4,000." },
    { "_certificate_compression", 0, ARGS_FLAG, &compression_type,
      FIELD(C, compresses_certificates, bool), "off", NULL, NULL,
      "Compresses the certificate for clients that know how (RFC 8879), where "
      "OpenSSL has it (from 3.2 on)." },
    { "_ech_file", ROW_MANY, ARGS_1, &ech_file_type, FIELD(C, ech_file, str_t),
      NULL, NULL, NULL,
      "Keys for Encrypted Client Hello, which OpenSSL has from 4.0 on and this "
      "build does not use: there is a warning, and nothing else." },
    FLAG("_reject_handshake", 0, C, rejects, "off",
         "Refuses handshakes for the names of the server: no certificate is "
         "needed."),
    { .name = NULL },
};
#undef C
#undef ONE


/* --- upstreams ------------------------------------------------------------------------ */

#define C struct tls_client_conf
const struct directive tls_client_rows[] = {
    TEXT("_ciphers", 0, C, ciphers, "DEFAULT", "ciphers",
         "The ciphers up to TLS 1.2, as the openssl command ciphers takes "
         "them."),
    EXPR("_certificate", 0, C, certificate, NULL, "file",
         "The certificate that the upstream is shown, in PEM, followed by "
         "those above it; or data: and PEM. With variables it is loaded for "
         "each connection, by the worker."),
    EXPR("_certificate_key", 0, C, key, NULL, "file",
         "The private key of the certificate, in PEM; or data: and PEM."),
    { "_certificate_cache", 0, ARGS_1 | ARGS_2 | ARGS_3, &conf_tls_pair_cache,
      FIELD(C, pair_cache, struct tls_pair_cache *), "off", NULL, "",
      "Keeps up to max certificates whose names have variables, with their "
      "keys, in each worker, instead of loading them for each handshake: those "
      "that were used in the inactive time (10s). After the valid time (60s) "
      "one is used again only if its files have not changed." },
    EXPR("_name", 0, C, name, NULL, "name",
         "The name that the upstream's certificate has to be for, and that is "
         "sent with PREFIX_server_name; the default is the host of the "
         "upstream's URL. A port is cut off."),
    FLAG("_server_name", 0, C, sends_name, "off",
         "Whether the name is sent in the handshake (SNI), which servers with "
         "several certificates need."),
    FLAG("_verify", 0, C, verifies, "off",
         "Whether the upstream's certificate is verified, with the authorities "
         "of PREFIX_trusted_certificate and the name of PREFIX_name."),
    FLAG("_session_reuse", 0, C, reuses_sessions, "on",
         "Whether sessions are resumed; only with the same settings, peer and "
         "names."),
    { .name = NULL },
};
#undef C


/* --- from values to settings -------------------------------------------------------- */

static bool
has_variable(const struct texts *names)
{
    VEC_EACH(&names->list, name)
        if (str_chr(*name, '$') != NULL)
            return true;
    return false;
}


static struct expr *
compile(struct conf *cf, str_t text, char *why)
{
    const char  *error = NULL;
    struct expr *e = expr_compile(cf, text, 0, &error);

    if (e == NULL)
        snprintf(why, TLS_WHY_MAX, "%s", error);
    return e;
}


static bool
name_pairs(struct conf *cf, const struct tls_conf *common,
           const struct tls_server_conf *own, struct tls_settings *s, char *why)
{
    struct tls_named_pair *p;

    s->pair_cache = own->pair_cache;
    s->passwords = common->passwords;
    s->folder = cf->gen->paths.conf_prefix;
    for (size_t i = 0; i < own->certificates.list.n; i++) {
        p = vec_push(cf->arena, &s->named);
        p->certificate = compile(cf, own->certificates.list.at[i], why);
        p->key = compile(cf, own->keys.list.at[i], why);
        if (p->certificate == NULL || p->key == NULL)
            return false;
    }
    return true;
}


static bool
read_pairs(struct conf *cf, const struct tls_conf *common,
           const struct tls_server_conf *own, struct tls_settings *s, char *why)
{
    size_t n = own->certificates.list.n;

    if (own->keys.list.n < n) {
        snprintf(why, TLS_WHY_MAX,
                 "no \"ssl_certificate_key\" is defined for certificate "
                 "\"" STR_F "\"",
                 STR_A(tls_name_shown(own->certificates.list.at[n - 1])));
        return false;
    }
    if (has_variable(&own->certificates) || has_variable(&own->keys))
        return name_pairs(cf, common, own, s, why);
    for (size_t i = 0; i < n; i++)
        if (!tls_pair_read(cf, own->certificates.list.at[i],
                           own->keys.list.at[i], &common->passwords,
                           vec_push(cf->arena, &s->pairs), why))
            return false;
    return true;
}


static bool
read_ticket_keys(struct conf *cf, const struct texts *names,
                 struct tls_settings *s, char *why)
{
    struct tls_file *f;

    VEC_EACH(&names->list, name) {
        f = vec_push(cf->arena, &s->ticket_keys);
        if (!tls_file_read(cf, "cannot load session ticket key",
                           conf_path_conf(cf, *name), f, why))
            return false;
    }
    return true;
}


static bool
read_optional(struct conf *cf, str_t path, struct tls_file *out, char *why)
{
    return path.n == 0
           || tls_file_read(cf, "cannot load certificate", path, out, why);
}


static bool
read_staple(struct conf *cf, const struct tls_server_conf *own,
            struct tls_settings *s, bool has_resolver, char *why)
{
    if (own->compresses_certificates) {
        snprintf(why, TLS_WHY_MAX,
                 "\"ssl_stapling\" is incompatible with "
                 "\"ssl_certificate_compression\"");
        return false;
    }
    if (own->staple.n != 0
        && !tls_file_read(cf, "cannot load OCSP response", own->staple,
                          &s->staple, why))
        return false;
    if (!tls_stapling_check(s, why))
        return false;
    if (s->staple.bytes.p == NULL)
        tls_stapling_prepare(cf, s, own->staple_responder,
                             !own->verifies_staples, has_resolver);
    return true;
}


static bool
read_ocsp(struct conf *cf, const struct tls_server_conf *own,
          struct tls_settings *s, bool has_resolver, char *why)
{
    struct ocsp_responder *to;
    const char            *error;

    if (s->verify == TLS_VERIFY_OPTIONAL_NO_CA) {
        snprintf(why, TLS_WHY_MAX,
                 "\"ssl_ocsp\" is incompatible with "
                 "\"ssl_verify_client optional_no_ca\"");
        return false;
    }
    s->ocsp = own->ocsp;
    s->statuses = own->statuses;
    if (own->ocsp_responder.n == 0)
        return true;
    s->ocsp_responder = to = arena_make(cf->arena, struct ocsp_responder);
    error = ocsp_responder_parse(cf->arena, own->ocsp_responder,
                                 has_resolver ? 0 : ENDPOINT_RESOLVE, to);
    if (error != NULL)
        snprintf(why, TLS_WHY_MAX, "%s in \"ssl_ocsp_responder\"", error);
    return error == NULL;
}


struct tls_settings *
tls_server_settings(struct conf *cf, const struct tls_conf *common,
                    const struct tls_server_conf *own, bool has_resolver,
                    char *why)
{
    struct tls_settings *s = arena_make(cf->arena, struct tls_settings);

    *s = (struct tls_settings){
        .is_server = true,
        .protocols = common->protocols,
        .ciphers = own->ciphers,
        .curves = own->curves,
        .prefers_server_ciphers = own->prefers_server_ciphers,
        .commands = common->commands,
        .verify = own->verify,
        .depth = (unsigned) common->depth,
        .key_log = common->key_log ? common->key_log->path : STR_NONE,
        .cache = own->cache.kind,
        .cache_size = own->cache.size,
        .zone = own->cache.zone,
        .session_timeout = own->session_timeout,
        .has_tickets = own->has_tickets,
        .buffer_size = own->buffer_size,
        .takes_early_data = own->takes_early_data,
        .has_threads = own->has_threads,
        .has_certificate_compression = own->compresses_certificates,
    };
    if (!read_pairs(cf, common, own, s, why)
        || !read_ticket_keys(cf, &own->ticket_keys, s, why)
        || !read_optional(cf, own->dhparam, &s->dhparam, why)
        || !read_optional(cf, own->client_ca, &s->client_ca, why)
        || !read_optional(cf, common->trusted, &s->trusted, why)
        || !read_optional(cf, common->crl, &s->crl, why))
        return NULL;
    if ((s->verify == TLS_VERIFY_ON || s->verify == TLS_VERIFY_OPTIONAL)
        && own->client_ca.n == 0 && common->trusted.n == 0)
    {
        snprintf(why, TLS_WHY_MAX,
                 "no ssl_client_certificate or ssl_trusted_certificate for "
                 "ssl_verify_client");
        return NULL;
    }
    if (own->staples && !read_staple(cf, own, s, has_resolver, why))
        return NULL;
    if (own->ocsp != TLS_OCSP_OFF && !read_ocsp(cf, own, s, has_resolver, why))
        return NULL;
    return tls_settings_check(cf, s, why) ? s : NULL;
}


/* A certificate that has no variables is read here. */
static bool
read_own_pair(struct conf *cf, const char *prefix,
              const struct tls_conf *common, const struct tls_client_conf *own,
              struct tls_settings *s, char *why)
{
    str_t name = own->certificate ? expr_text(own->certificate) : STR("");

    if (name.n == 0)
        return true;
    if (own->key == NULL) {
        snprintf(why, TLS_WHY_MAX,
                 "no \"%s_certificate_key\" is defined for certificate "
                 "\"" STR_F "\"",
                 prefix, STR_A(tls_name_shown(name)));
        return false;
    }
    if (!expr_is_constant(own->certificate) || !expr_is_constant(own->key)) {
        *vec_push(cf->arena, &s->named)
            = (struct tls_named_pair){ own->certificate, own->key };
        s->pair_cache = own->pair_cache;
        s->passwords = common->passwords;
        s->folder = cf->gen->paths.conf_prefix;
        return true;
    }
    return tls_pair_read(cf, name, expr_text(own->key), &common->passwords,
                         vec_push(cf->arena, &s->pairs), why);
}


struct tls_settings *
tls_client_settings(struct conf *cf, const char *prefix,
                    const struct tls_conf        *common,
                    const struct tls_client_conf *own, char *why)
{
    struct tls_settings *s = arena_make(cf->arena, struct tls_settings);

    *s = (struct tls_settings){
        .protocols = common->protocols,
        .ciphers = own->ciphers,
        .commands = common->commands,
        .verify = own->verifies ? TLS_VERIFY_ON : TLS_VERIFY_OFF,
        .has_threads = own->has_threads && own->certificate != NULL,
        .depth = (unsigned) common->depth,
        .key_log = common->key_log ? common->key_log->path : STR_NONE,
    };
    if (own->verifies && common->trusted.n == 0) {
        snprintf(why, TLS_WHY_MAX, "no %s_trusted_certificate for %s_verify",
                 prefix, prefix);
        return NULL;
    }
    if (!read_own_pair(cf, prefix, common, own, s, why)
        || !read_optional(cf, common->trusted, &s->trusted, why)
        || !read_optional(cf, common->crl, &s->crl, why))
        return NULL;
    return tls_settings_check(cf, s, why) ? s : NULL;
}
