/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The health check that asks over HTTP/1: sends a text, and looks at the
 * response.
 */
#pragma once

#include "core/upstream/health.h"
#include "http/gateway/tls.h"
#include "modules/gateway/health_match.h"

/* What all probes of a check have in common while a process asks; made by the
 * kind's begin. */
struct health_question {
    str_t                      text;  /* that is sent                       */
    const struct health_match *match; /* NULL: 200 to 399                   */
    bool                       is_head;
    struct gateway_secure     *secure; /* NULL: without TLS                  */
    /* For match with require: whether it holds for the answer of a peer. */
    str_t (*require)(struct health_probe *p, const struct health_answer *answer,
                     const char **doing);
};

/* For kinds whose data is a struct health_question. */
void      health_http_connect(struct health_probe *p, struct link_options *o);
enum step health_http_run(struct health_probe *p, bool is_first);
/* When it is connected with TLS: STEP_NEXT, or the certificate is to blame. */
enum step health_http_certified(struct health_probe         *p,
                                const struct gateway_secure *s);
/* The status line, as far as it has come; or empty. */
str_t health_http_status(const struct health_probe *p);
