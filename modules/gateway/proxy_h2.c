/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proxy_http_version 2: the request as HTTP/2 has it.  What is sent in which
 * case is decided as for HTTP/1 (proxy_request.c).
 */
#include "modules/gateway/h2peer_exchange.h"
#include "modules/gateway/proxy.h"


static bool
list_fields(struct gateway *g, struct h2peer_fields *list)
{
    const struct set_headers *h = conf_of(&g->r->task, &proxy_headers_module);
    const struct proxy_state *s = g->data;
    struct head_text          text = { .list = list };
    const str_t              *values = set_headers_values(g, h);

    proxy_convert(g);
    if (values == NULL)
        return false;
    list->length = s->body_length;
    list->is_head = s->is_head;
    h2peer_fields_begin(list, s->method, str_of(gateway_scheme(g)), g->uri,
                        s->host);
    head_put_set(&text, h, s->host, values, false);
    if (s->body_length >= 0 && !(h->sets & set_field_bit(FIELD_CONTENT_LENGTH)))
        h2peer_fields_add(list, STR("content-length"),
                          arena_number(list->arena, (uint64_t) s->body_length));
    head_put_passed(&text, h, g);
    return true;
}


static const struct h2peer_request own
    = { .list = list_fields, .headers = &proxy_headers_module };


const struct gateway_protocol proxy_h2_protocol = {
    .prefix = "proxy",
    .scheme = "http",
    .secure_scheme = "https",
    .alpn = "\2h2",
    .port = 80,
    .has_own_date = true,
    .has_text_head = true,
    .drops_broken = true,
    .fields_row = "proxy_set_header",
    .state_size = sizeof(struct h2peer_try),
    .link = &h2peer_link,
    .prepare = proxy_prepare,
    .own = &own,
    .encode_head = h2peer_encode_head,
    .describe = h2peer_describe,
    .encode_body = h2peer_encode_body,
    .decode = h2peer_decode,
    .decode_eof = h2peer_decode_eof,
    .hidden = PROXY_HIDDEN,
    .hides = proxy_hides,
    .key = proxy_cache_key,
    .rewrite = proxy_rewrite,
};
