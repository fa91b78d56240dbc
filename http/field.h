/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Header and trailer fields (RFC 9110 section 5).  Names that the server
 * itself reads or writes are recognised once, and get an id; the list below is
 * the only place that lists them.
 */
#pragma once

#include "core/base/vec.h"

#define FIELD_LIST(X)                                                          \
    X(HOST, "Host")                                                            \
    X(CONNECTION, "Connection")                                                \
    X(CONTENT_LENGTH, "Content-Length")                                        \
    X(CONTENT_TYPE, "Content-Type")                                            \
    X(TRANSFER_ENCODING, "Transfer-Encoding")                                  \
    X(EXPECT, "Expect")                                                        \
    X(UPGRADE, "Upgrade")                                                      \
    X(KEEP_ALIVE, "Keep-Alive")                                                \
    X(TE, "TE")                                                                \
    X(TRAILER, "Trailer")                                                      \
    X(PROXY_CONNECTION, "Proxy-Connection")                                    \
    X(PROXY_AUTHENTICATE, "Proxy-Authenticate")                                \
    X(PROXY_AUTHORIZATION, "Proxy-Authorization")                              \
    X(USER_AGENT, "User-Agent")                                                \
    X(REFERER, "Referer")                                                      \
    X(ACCEPT, "Accept")                                                        \
    X(ACCEPT_ENCODING, "Accept-Encoding")                                      \
    X(ACCEPT_LANGUAGE, "Accept-Language")                                      \
    X(ACCEPT_RANGES, "Accept-Ranges")                                          \
    X(AUTHORIZATION, "Authorization")                                          \
    X(COOKIE, "Cookie")                                                        \
    X(RANGE, "Range")                                                          \
    X(IF_RANGE, "If-Range")                                                    \
    X(IF_MATCH, "If-Match")                                                    \
    X(IF_NONE_MATCH, "If-None-Match")                                          \
    X(IF_MODIFIED_SINCE, "If-Modified-Since")                                  \
    X(IF_UNMODIFIED_SINCE, "If-Unmodified-Since")                              \
    X(X_FORWARDED_FOR, "X-Forwarded-For")                                      \
    X(X_REAL_IP, "X-Real-IP")                                                  \
    X(VIA, "Via")                                                              \
    X(DEPTH, "Depth")                                                          \
    X(DESTINATION, "Destination")                                              \
    X(OVERWRITE, "Overwrite")                                                  \
    X(DATE, "Date")                                                            \
    X(SERVER, "Server")                                                        \
    X(LAST_MODIFIED, "Last-Modified")                                          \
    X(ETAG, "ETag")                                                            \
    X(EXPIRES, "Expires")                                                      \
    X(CACHE_CONTROL, "Cache-Control")                                          \
    X(CONTENT_ENCODING, "Content-Encoding")                                    \
    X(CONTENT_RANGE, "Content-Range")                                          \
    X(LOCATION, "Location")                                                    \
    X(REFRESH, "Refresh")                                                      \
    X(SET_COOKIE, "Set-Cookie")                                                \
    X(VARY, "Vary")                                                            \
    X(LINK, "Link")                                                            \
    X(AGE, "Age")                                                              \
    X(PRAGMA, "Pragma")                                                        \
    X(PRIORITY, "Priority")                                                    \
    X(WWW_AUTHENTICATE, "WWW-Authenticate")                                    \
    X(X_ACCEL_REDIRECT, "X-Accel-Redirect")                                    \
    X(X_ACCEL_EXPIRES, "X-Accel-Expires")                                      \
    X(X_ACCEL_LIMIT_RATE, "X-Accel-Limit-Rate")                                \
    X(X_ACCEL_BUFFERING, "X-Accel-Buffering")                                  \
    X(X_ACCEL_CHARSET, "X-Accel-Charset")                                      \
    X(STATUS, "Status")

enum field_id {
    FIELD_UNKNOWN, /* any other name                                         */
#define X(id, name) FIELD_##id,
    FIELD_LIST(X)
#undef X
    FIELD_COUNT
};

/* A set of known names: a bit for each. */
#define FIELD_BIT(id) ((uint64_t) 1 << (id))
_Static_assert(FIELD_COUNT <= 64, "known names are bits of a word");

struct field {
    str_t         name;    /* as received or sent                            */
    str_t         value;
    enum field_id id;
    uint16_t      next;    /* index + 1 of the next one with this id, 0:
                              none; set by fields_add                        */
    bool          is_hidden; /* removed: neither sent nor found              */
};

/* A list of fields in order, with an index of the known names. */
struct fields {
    VEC(struct field) list;
    uint16_t          first[FIELD_COUNT]; /* index + 1, 0: none              */
    uint16_t          last[FIELD_COUNT];
};

/* The list *f, which begins to exist: for those that few messages have, such as
 * trailers. */
struct fields *fields_want(struct arena *a, struct fields **f);

/* The limit for one head or trailer of a peer, if the configuration has none.
 * A list must stay shorter than UINT16_MAX. */
enum { FIELDS_MAX = 4096 };

extern const str_t field_names[FIELD_COUNT]; /* by id */
static inline str_t
field_name(enum field_id id)
{
    return field_names[id];
}

enum field_id field_id(str_t name); /* case is ignored */

/* Appends a field; name and value are not copied.  Pointers into the list are
 * invalid after an append. */
struct field *fields_add(struct arena *a, struct fields *f, str_t name,
                         str_t value);
/* The same, if the id of the name is known. */
struct field *fields_add_known(struct arena *a, struct fields *f,
                               enum field_id id, str_t name, str_t value);
struct field *fields_add_id(struct arena *a, struct fields *f,
                            enum field_id id, str_t value);
/* The first visible field from a place on (struct field: next) that has its
 * name. */
struct field *fields_from(const struct fields *f, uint16_t place);
/* The first visible field with a known name, or the next one; NULL: none. */
static inline struct field *
fields_get(const struct fields *f, enum field_id id)
{
    return f->first[id] != 0 ? fields_from(f, f->first[id]) : NULL;
}
static inline struct field *
fields_next(const struct fields *f, const struct field *at)
{
    return at->next != 0 ? fields_from(f, at->next) : NULL;
}
/* The first visible field with that name, ignoring case. */
struct field *fields_find(const struct fields *f, str_t name);
/* Its value, or STR_NONE. */
str_t         fields_value(const struct fields *f, enum field_id id);
/* Hides all fields of that name. */
void          fields_hide(struct fields *f, enum field_id id);
/* Hides the existing fields of that name, and adds a new one. */
void          fields_set(struct arena *a, struct fields *f, enum field_id id,
                         str_t value);
/* All values of a name joined by sep (for $http_NAME and similar variables):
 * the name is as in variables, lower case with underscores; STR_NONE if there
 * is none, or no list. */
str_t         fields_joined(struct arena *a, const struct fields *f,
                            str_t variable_name, const char *sep);

/* Classes of the bytes of names; small letters, digits and "-" have none. */
enum {
    FIELD_STOP = 1, /* ends a name: controls, space, DEL and the colon       */
    FIELD_ODD = 2,  /* allowed in a name, but nginx ignores such fields      */
    FIELD_UNDERSCORED = 4,
    FIELD_UPPER = 8,
};
extern const uint8_t field_classes[256];

/*
 * For all heads that are written, of responses, of parts and to upstreams:
 * every value goes through field_put_text.  It replaces bytes that would end
 * the line (CR and LF, which variables may contain), and NUL, by spaces (RFC
 * 9110 section 5.5).
 */

/* Writes text to p, which must have room for it; returns the end. */
char *field_put_text(char *p, str_t text);
/* Writes "name: value" and CR LF: FIELD_FRAME bytes more than the two strings.
 * The name was parsed as a field name, or comes from the configuration. */
char *field_put(char *p, str_t name, str_t value);
enum { FIELD_FRAME = sizeof(": \r\n") - 1 };

/* Whether the value contains a CR, LF or NUL. */
bool field_has_break(str_t value);
/* The value as field_put_text writes it: unchanged, or a copy in a. */
str_t field_clean(struct arena *a, str_t value);

/* Whether a comma-separated list contains the word, ignoring case. */
bool field_has_word(str_t value, str_t word);
