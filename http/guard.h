/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is open to anybody.
 */
#pragma once

#include "core/conf/conf.h"

/* Whether a directive that is in force in the block says who may come in: deny,
 * auth_basic and its like, ssl_verify_client. */
bool http_is_guarded(const struct conf_block *b);
/* The same for requests with these methods alone (HTTP_POST | ...), to which the
 * limit_except of a location may apply. */
bool http_is_guarded_for(const struct conf_block *b, unsigned methods);
