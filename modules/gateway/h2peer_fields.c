/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fields of requests.  :authority is the fourth in the list.
 */
#include "modules/gateway/h2peer_fields.h"

#include "core/base/number.h"
#include "http/framed_field.h"

enum {
    AUTHORITY = 3,
    LENGTH_MAX = 2097151, /* of a text in HPACK, as nginx encodes it          */
};


static void
add(struct h2peer_fields *h, str_t name, str_t value)
{
    *vec_push(h->arena, &h->list) = (struct h2peer_field){ name, value };
}


void
h2peer_fields_begin(struct h2peer_fields *h, str_t method, str_t scheme,
                    str_t path, str_t authority)
{
    add(h, STR(":method"), method);
    add(h, STR(":scheme"), scheme);
    add(h, STR(":path"), path);
    add(h, STR(":authority"), field_clean(h->arena, authority));
}


static bool
is_wanted(const struct h2peer_fields *h, enum field_id id, str_t name,
          str_t value)
{
    uint64_t n;

    switch ((int) id) {
    case FIELD_CONNECTION:
    case FIELD_KEEP_ALIVE:
    case FIELD_PROXY_CONNECTION:
    case FIELD_TRANSFER_ENCODING:
    case FIELD_UPGRADE:
        return false;
    case FIELD_TE:
        return str_ieq(value, STR("trailers"));
    case FIELD_CONTENT_LENGTH:
        return !h->has_length && number_parse(value, INT64_MAX, &n)
               && (int64_t) n == h->length;
    default:
        return !str_ieq(name, STR("HTTP2-Settings"));
    }
}


void
h2peer_fields_add(struct h2peer_fields *h, str_t name, str_t value)
{
    enum field_id id = field_id(name);

    value = str_trim(field_clean(h->arena, value));
    if (id == FIELD_HOST) {
        if (value.n != 0)
            h->list.at[AUTHORITY].value = value;
        return;
    }
    if (!is_wanted(h, id, name, value))
        return;
    if (id != FIELD_UNKNOWN || framed_field_name(name) == FRAMED_BAD_NAME)
        name = framed_field_lower(h->arena, id, name);
    if (id == FIELD_UNKNOWN && !framed_field_is_token(name))
        return;
    h->has_length = h->has_length || id == FIELD_CONTENT_LENGTH;
    add(h, name, value);
}


/* What this server knows steers a request: it would be too late. */
void
h2peer_fields_add_trailer(struct h2peer_fields *h, str_t name, str_t value)
{
    if (field_id(name) == FIELD_UNKNOWN && !str_ieq(name, STR("Trailer")))
        h2peer_fields_add(h, name, value);
}


const char *
h2peer_fields_too_long(const struct h2peer_fields *h)
{
    VEC_EACH(&h->list, f) {
        if (f->name.n > LENGTH_MAX)
            return "header name";
        if (f->value.n > LENGTH_MAX)
            return str_is(f->name, ":path") ? "URI" : "header value";
    }
    return NULL;
}
