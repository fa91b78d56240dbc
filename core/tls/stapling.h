/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OCSP responses that are sent with the certificate (RFC 6066, 8).  They come
 * from a file, or from the responder of the certificate; those are in memory
 * that all workers share, which outlives generations.  Of the workers, one asks
 * when it is time to; what it has is sent by all of them as long as it is in
 * force, whatever becomes of later questions.
 */
#pragma once

#include "core/tls/context.h"
#include "core/tls/ocsp.h"

/* What is to be had for a certificate, in a generation. */
struct tls_staple {
    const struct tls_pair       *pair;
    const struct tls_settings   *settings;
    const struct ocsp_responder *responder; /* NULL: nothing is to be had    */
    struct ocsp_question         question;
    str_t                        issuer;  /* DER                             */
    uint8_t                      key[32]; /* of all that it depends on       */
    bool                         is_must; /* clients do not take the certificate
                                     without a response (RFC 7633)           */
    bool                         is_settled; /* there was one, or a failure, as
                                     far as this process has looked          */
};

/* For all certificates of settings, in the same order. */
struct tls_staples {
    struct tls_staple *at;
    size_t             n;
    str_t              responder; /* URL, in place of theirs; or empty       */
    bool               is_loose;  /* whoever has signed a response           */
    bool               has_resolver;
    struct arena      *own;       /* of what follows from the certificates,
                                     since they were renewed; or NULL        */
};

/* Makes room for them, or takes over those of the binary before: in the master,
 * before it forks.  False: logged. */
bool tls_stapling_init(void);

/* What ssl_stapling means for the certificates of s, which have been read: sets
 * s->staples.  Warns where there is nothing to be had, once a certificate.
 * responder: its URL, where it is not that of the certificates, or empty;
 * has_resolver: its name is looked up later. */
void tls_stapling_prepare(struct conf *cf, struct tls_settings *s,
                          str_t responder, bool is_loose, bool has_resolver);
/* The certificates of s have changed while g is served: so does what is to be
 * had. */
void tls_stapling_renew(struct tls_settings *s, struct generation *g);
/* Of the process: called behind that, unless it is NULL. */
extern void (*tls_stapling_renewed)(void);
/* Whether the file of s, if there is one, has an OCSP response.  False: why
 * (TLS_WHY_MAX bytes). */
bool tls_stapling_check(const struct tls_settings *s, char *why);

/* Whether clients have to be kept waiting: their certificate is good for nothing
 * without a response, there is none, and no question has failed so far. */
bool tls_staples_are_awaited(struct tls_staples *all, time_t now);
/* Whether to ask for it now, within so many seconds, as nobody else will do;
 * false: no earlier than *until. */
bool tls_staple_claim(const struct tls_staple *st, time_t now, time_t seconds,
                      time_t *until);
/* What was answered to who has claimed it, p NULL: nothing.  When to ask
 * again; what is wrong with it is logged. */
time_t tls_staple_take(const struct tls_staple *st, str_t der, time_t now,
                       const struct log *log);

/* Has a context send the response of a file, s->staple.  While c lives, it has a
 * copy. */
void tls_stapling_use_file(struct tls_context *c, str_t der);
/* The certificate that was put into c last is st's. */
void tls_stapling_use(struct tls_context *c, const struct tls_staple *st);
