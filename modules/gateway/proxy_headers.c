/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proxy_set_header: sets headers of requests to an upstream.  It has a small
 * conf of its own, because most locations with proxy_pass have their own list.
 */
#include "modules/gateway/proxy.h"

static const struct conf_type set_header_type = {
    .name = "fields",
    .size = sizeof(struct set_fields),
    .parse = set_headers_parse,
    .unset = "Host $proxy_host",
};


static const struct directive directives[] = {
    { "proxy_set_header", IN_WEB | ROW_MANY, ARGS_2, &set_header_type,
      FIELD(struct set_headers, set, struct set_fields), NULL, NULL,
      "field value",
      "Sets a header of requests to the upstream; an empty value leaves it "
      "out. A block that sets one inherits none from outer blocks. Host is "
      "$proxy_host unless set." },
    ACCEPTED("proxy_headers_hash_max_size", IN_WEB, conf_number, "size",
             "Accepted without effect: weir's tables grow by themselves."),
    ACCEPTED("proxy_headers_hash_bucket_size", IN_WEB, conf_number, "size",
             "Accepted without effect: weir's tables grow by themselves."),
    { .name = NULL },
};


struct module proxy_headers_module = {
    .name = "proxy",
    .serves = FOR_HTTP,
    .directives = directives,
    .conf_size = sizeof(struct set_headers),
    .ready = set_headers_ready,
};
