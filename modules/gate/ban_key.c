/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keys of bans and their texts.
 */
#include "modules/gate/ban_key.h"

#include "core/base/escape.h"
#include "core/base/number.h"
#include "core/net/prefix.h"

#define DIGEST "sha256:"

/* Unless the text has a length: as remote_prefix has it. */
static const struct prefix_bits usual = { 32, 64 }, all = { 32, 128 };


enum ban_key
ban_key_of(str_t expression)
{
    if (str_is(expression, "$binary_remote_addr"))
        return BAN_KEY_ADDR;
    if (str_is(expression, "$remote_prefix"))
        return BAN_KEY_PREFIX;
    return BAN_KEY_TEXT;
}


static bool
is_plain(char c)
{
    return c > ' ' && c <= '~' && c != '\\';
}


static str_t
escaped(struct arena *a, str_t bytes)
{
    char *out = arena_bytes(a, 4 * bytes.n + 1), *p = out;

    for (size_t i = 0; i < bytes.n; i++) {
        if (is_plain(bytes.p[i])) {
            *p++ = bytes.p[i];
            continue;
        }
        *p++ = '\\';
        *p++ = 'x';
        p = number_put_byte(p, bytes.p[i], false);
    }
    return str_span(out, p);
}


/* An address is a prefix of all its bits. */
static str_t
addr_as_text(char out[PREFIX_TEXT], const char *bytes, uint8_t n)
{
    char  prefix[PREFIX_BYTES];
    str_t text;

    memcpy(prefix, bytes, n);
    prefix[n] = n == PREFIX_V4 - 1 ? 32 : (char) 128;
    text = (str_t){ out, prefix_text(out, (str_t){ prefix, n + (size_t) 1 }) };
    return str_cut(&text, '/');
}


str_t
ban_key_text(struct arena *a, enum ban_key as, const char *bytes, uint8_t n)
{
    char  text[PREFIX_TEXT];
    str_t out = { text, 0 };

    if (as == BAN_KEY_PREFIX)
        out.n = prefix_text(text, (str_t){ bytes, n });
    else if (as == BAN_KEY_ADDR && (n == PREFIX_V4 - 1 || n == PREFIX_V6 - 1))
        out = addr_as_text(text, bytes, n);
    if (out.n != 0)
        return str_copy(a, out);
    if (n > LIMIT_KEY_MAX)
        return str_join(a, STR(DIGEST),
                        hex_encode(a, (str_t){ bytes, LIMIT_KEY_MAX }));
    return escaped(a, (str_t){ bytes, n });
}


static bool
parse_digest(str_t hex, struct limit_key *out)
{
    int byte;

    out->n = LIMIT_KEY_MAX + 1;
    if (hex.n != 2 * LIMIT_KEY_MAX)
        return false;
    for (size_t i = 0; i < LIMIT_KEY_MAX; i++) {
        byte = number_hex_byte(hex.p + 2 * i);
        if (byte == -1)
            return false;
        out->bytes[i] = (char) byte;
    }
    return true;
}


/* STR_NONE: an escape is invalid. */
static str_t
unescaped(struct arena *a, str_t text)
{
    char *out = arena_bytes(a, text.n + 1), *p = out;
    int   byte;

    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '\\') {
            *p++ = text.p[i];
            continue;
        }
        if (text.n - i < 4 || text.p[i + 1] != 'x')
            return STR_NONE;
        byte = number_hex_byte(text.p + i + 2);
        if (byte == -1)
            return STR_NONE;
        *p++ = (char) byte;
        i += 3;
    }
    return str_span(out, p);
}


bool
ban_key_parse(struct arena *a, enum ban_key as, str_t text, uint32_t kind,
              struct limit_key *out)
{
    char  bytes[PREFIX_BYTES];
    str_t value = { bytes, 0 };

    *out = (struct limit_key){ .kind = kind };
    if (str_starts(text, STR(DIGEST))
        && parse_digest(str_from(text, strlen(DIGEST)), out))
        return true;
    if (str_is(text, "unix:") && as != BAN_KEY_TEXT)
        value = text;
    else if (as == BAN_KEY_PREFIX)
        value.n = prefix_parse(bytes, text, usual);
    else if (as == BAN_KEY_TEXT)
        value = unescaped(a, text);
    else if (str_chr(text, '/') == NULL
             && (value.n = prefix_parse(bytes, text, all)) != 0)
        value.n--;
    if (value.n == 0)
        return false;
    *out = limit_key_of(value, kind);
    return true;
}
