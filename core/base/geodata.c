/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fields are decoded one by one.  Nested values are skipped by counting how
 * many are left, not by recursion.
 */
#include "core/base/geodata.h"

#include "core/base/number.h"


static uint64_t
big_endian(str_t bytes)
{
    uint64_t n = 0;

    for (size_t i = 0; i < bytes.n; i++)
        n = n << 8 | (unsigned char) bytes.p[i];
    return n;
}


/* Takes n bytes at *at; false: the section ends before. */
static bool
take(str_t section, size_t *at, size_t n, str_t *out)
{
    if (*at > section.n || section.n - *at < n)
        return false;
    *out = (str_t){ section.p + *at, n };
    *at += n;
    return true;
}


/* Until a pointer is followed, its offset is kept in next. */
static bool
decode_pointer(str_t section, unsigned control, size_t at, size_t *target)
{
    static const uint32_t base[] = { 0, 2048, 526336, 0 };
    unsigned              size = control >> 3 & 3;
    str_t                 bytes;

    if (!take(section, &at, size + 1, &bytes))
        return false;
    *target = (size_t) big_endian(bytes) + base[size];
    if (size != 3)
        *target += (size_t) (control & 7) << 8 * (size + 1);
    return true;
}


/* Sizes up to 28 are in the control byte, larger ones follow it. */
static bool
decode_size(str_t section, unsigned control, size_t *at, size_t *size)
{
    static const uint32_t base[] = { 29, 285, 65821 };
    unsigned              more;
    str_t                 bytes;

    *size = control & 31;
    if (*size < 29)
        return true;
    more = (unsigned) *size - 29;
    if (!take(section, at, more + 1, &bytes))
        return false;
    *size = base[more] + (size_t) big_endian(bytes);
    return true;
}


static bool
is_size_of(enum geodata_type type, size_t n)
{
    switch (type) {
    case GEODATA_DOUBLE:
        return n == 8;
    case GEODATA_FLOAT:
        return n == 4;
    case GEODATA_UINT16:
        return n <= 2;
    case GEODATA_UINT32:
    case GEODATA_INT32:
        return n <= 4;
    case GEODATA_UINT64:
        return n <= 8;
    case GEODATA_UINT128:
        return n <= 16;
    case GEODATA_POINTER:
    case GEODATA_STRING:
    case GEODATA_BYTES:
    case GEODATA_MAP:
    case GEODATA_ARRAY:
    case GEODATA_BOOLEAN:
        break;
    }
    return true;
}


/* The field at an offset.  Of a pointer, size is where it points to. */
static bool
decode(str_t section, size_t at, struct geodata *out)
{
    str_t    byte;
    unsigned control, type;

    if (!take(section, &at, 1, &byte))
        return false;
    control = (unsigned char) byte.p[0];
    type = control >> 5;
    if (type == GEODATA_POINTER) {
        *out = (struct geodata){ .type = GEODATA_POINTER };
        out->next = at + (control >> 3 & 3) + 1;
        return decode_pointer(section, control, at, &out->size);
    }
    if (type == 0) {
        if (!take(section, &at, 1, &byte))
            return false;
        type = 7u + (unsigned char) byte.p[0];
        if (type == 7 || type == 12 || type == 13 || type > GEODATA_FLOAT)
            return false;
    }
    *out = (struct geodata){ .type = (enum geodata_type) type };
    if (!decode_size(section, control, &at, &out->size))
        return false;
    if (type != GEODATA_MAP && type != GEODATA_ARRAY && type != GEODATA_BOOLEAN
        && (!is_size_of(out->type, out->size)
            || !take(section, &at, out->size, &out->bytes)))
        return false;
    out->next = at;
    return true;
}


/* The same, following a pointer; a pointer to a pointer is invalid.  *next is
 * the offset after the field. */
static bool
follow(str_t section, size_t at, struct geodata *out, size_t *next)
{
    if (!decode(section, at, out))
        return false;
    *next = out->next;
    if (out->type != GEODATA_POINTER)
        return true;
    return decode(section, out->size, out) && out->type != GEODATA_POINTER;
}


/* Moves *at past n values with all that is in them. */
static bool
skip(str_t section, size_t *at, size_t n)
{
    struct geodata v;

    for (; n != 0; n--) {
        if (!decode(section, *at, &v))
            return false;
        *at = v.next;
        /* each of them takes a byte or more: no overflow */
        if (v.type == GEODATA_MAP || v.type == GEODATA_ARRAY) {
            if (v.size > section.n)
                return false;
            n += v.type == GEODATA_MAP ? v.size * 2 : v.size;
        }
    }
    return true;
}


static bool
find_key(str_t section, const struct geodata *map, str_t name, size_t *at)
{
    struct geodata key;

    *at = map->next;
    for (size_t i = 0; i < map->size; i++) {
        if (!follow(section, *at, &key, at) || key.type != GEODATA_STRING)
            return false;
        if (str_eq(key.bytes, name))
            return true;
        if (!skip(section, at, 1))
            return false;
    }
    return false;
}


static bool
find_item(str_t section, const struct geodata *array, str_t number, size_t *at)
{
    bool     is_from_end = number.n != 0 && number.p[0] == '-';
    uint64_t i;

    if (is_from_end)
        number = str_from(number, 1);
    if (!number_parse(number, UINT32_MAX, &i))
        return false;
    if (is_from_end && i != 0) {
        if (i > array->size)
            return false;
        i = array->size - i;
    }
    *at = array->next;
    return i < array->size && skip(section, at, (size_t) i);
}


bool
geodata_find(str_t section, size_t at, const str_t *path, size_t n,
             struct geodata *out)
{
    size_t next;
    bool   is_there;

    for (size_t i = 0; i < n; i++) {
        if (!follow(section, at, out, &next))
            return false;
        if (out->type == GEODATA_MAP)
            is_there = find_key(section, out, path[i], &at);
        else
            is_there = out->type == GEODATA_ARRAY
                       && find_item(section, out, path[i], &at);
        if (!is_there)
            return false;
    }
    return follow(section, at, out, &next);
}


/* --- as text -------------------------------------------------------------- */

static str_t
real_text(struct arena *a, str_t bytes)
{
    union {
        uint64_t bits;
        double   number;
    } wide = { .bits = big_endian(bytes) };
    union {
        uint32_t bits;
        float    number;
    } narrow = { .bits = (uint32_t) wide.bits };

    return arena_printf(a, "%.5f",
                        bytes.n == 8 ? wide.number : (double) narrow.number);
}


static str_t
uint128_text(struct arena *a, str_t bytes)
{
    size_t   low = bytes.n < 8 ? bytes.n : 8;
    uint64_t high = big_endian((str_t){ bytes.p, bytes.n - low });

    return arena_printf(
        a, "0x%016llx%016llx", (unsigned long long) high,
        (unsigned long long) big_endian(str_from(bytes, bytes.n - low)));
}


str_t
geodata_text(struct arena *a, const struct geodata *v)
{
    switch (v->type) {
    case GEODATA_STRING:
    case GEODATA_BYTES:
        return v->bytes.n ? str_copy(a, v->bytes) : STR("");
    case GEODATA_BOOLEAN:
        return v->size ? STR("1") : STR("0");
    case GEODATA_DOUBLE:
    case GEODATA_FLOAT:
        return real_text(a, v->bytes);
    case GEODATA_UINT16:
    case GEODATA_UINT32:
    case GEODATA_UINT64:
        return arena_number(a, big_endian(v->bytes));
    case GEODATA_INT32:
        return arena_printf(a, "%d", (int) (int32_t) big_endian(v->bytes));
    case GEODATA_UINT128:
        return uint128_text(a, v->bytes);
    case GEODATA_POINTER:
    case GEODATA_MAP:
    case GEODATA_ARRAY:
        break;
    }
    return STR_NONE;
}
