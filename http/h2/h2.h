/* SPDX-License-Identifier: BSD-2-Clause */
/* HTTP/2: for http/protocols.c. */
#pragma once

#include "http/conn.h"

extern const struct http_protocol h2_protocol;

/* Whether the client may speak HTTP/2 on h, as far as is known whom it means. */
bool h2_is_on(const struct http_conn *h);
/* Whether bytes are the beginning of a connection preface (RFC 9113 section
 * 3.4), or all of it. */
bool h2_is_preface(str_t bytes);
enum { H2_PREFACE = 24 }; /* its length */
