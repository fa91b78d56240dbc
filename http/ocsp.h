/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ssl_ocsp: whether a client's certificate, and those above it, are good, as
 * their responders say.  The handshake is over by then, and nothing is read
 * from the client before all answers are there.
 */
#pragma once

#include "http/conn.h"

/* For struct tls_server: STEP_WAIT until the last answer. */
enum step http_ocsp_check(struct conn *c);
/* The connection is closed meanwhile, if it is being checked. */
void http_ocsp_cancel(struct http_conn *h);
