/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is open to anybody.
 */
#pragma once

#include "core/conf/conf.h"

/* Whether a directive that is in force in the block says who may come in: deny,
 * auth_basic and its like, ssl_verify_client. */
bool http_is_guarded(const struct conf_block *b);
/* Whether requests with these methods (HTTP_POST | ...) to a location are not
 * open to anybody: so is it guarded, or by its limit_except, by an "if" in it
 * that refuses requests, or since its server listens for this machine alone. */
bool http_is_guarded_for(const struct generation *g, const struct conf_block *b,
                         unsigned methods);

/* Whether it is a "return" with an error. */
bool http_is_refusal(const struct setting *s);
