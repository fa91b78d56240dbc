/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Networks as keys: the bytes of an address, cut to a number of bits, and that
 * number in one byte more.  So networks of different lengths are different, and
 * so are IPv4 and IPv6.
 */
#pragma once

#include "core/net/addr.h"

enum {
    PREFIX_V4 = 5,
    PREFIX_V6 = 17,
    PREFIX_BYTES = PREFIX_V6,
    PREFIX_TEXT = ADDR_TEXT,
};

/* How many bits of each kind of address. */
struct prefix_bits {
    uint8_t v4, v6; /* at most 32 and 128                                    */
};

/* The network of an address, in out; returns its length.  An IPv4-mapped IPv6
 * address counts as IPv4; for a unix socket it is "unix:". */
size_t prefix_of(char out[PREFIX_BYTES], const struct sockaddr *sa,
                 struct prefix_bits bits);
/* "192.0.2.0/24", in out; returns its length, 0: it is no such network. */
size_t prefix_text(char out[PREFIX_TEXT], str_t prefix);
/* From "192.0.2.7/24", or an address alone, which is cut to bits.  Returns its
 * length, 0: the text is neither. */
size_t prefix_parse(char out[PREFIX_BYTES], str_t text,
                    struct prefix_bits bits);
