/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What nginx's lines of the error log do not say: which directive has set the
 * limit that was hit, and where.  It stands at the end of such lines, unless
 * error_hints is off:
 *
 *     ... host: "shop.test" (proxy_read_timeout 5s, shop.conf:12)
 */
#pragma once

#include "http/request.h"

/* Lines of r's log say, from here to limit_hint_end, that the limit of the
 * directive PREFIX_NAME was hit; the value is shown where no directive has set
 * it. */
void limit_hint_ms(struct http_request *r, const char *prefix, const char *name,
                   msec_t value);
void limit_hint_size(struct http_request *r, const char *prefix,
                     const char *name, uint64_t value);
void limit_hint_end(struct http_request *r);

/* For the frame of r's lines. */
void limit_hint_write(const struct http_request *r, struct log_record *l);

/* error_hints. */
extern struct module error_hints_module;
