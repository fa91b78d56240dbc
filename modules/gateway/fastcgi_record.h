/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FastCGI records (the FastCGI specification 1.0, section 3.3): a header of 8
 * bytes, up to 65535 bytes of content, up to 255 bytes of padding.  Pure
 * functions; the request's number is always 1, as a connection carries one
 * request at a time.
 */
#pragma once

#include "core/base/str.h"

enum fastcgi_type {
    FASTCGI_BEGIN = 1,
    FASTCGI_END = 3,
    FASTCGI_PARAMS = 4,
    FASTCGI_STDIN = 5,
    FASTCGI_STDOUT = 6,
    FASTCGI_STDERR = 7,
};

enum {
    FASTCGI_HEADER = 8,
    FASTCGI_MAX = 65528, /* bytes of content in records of ours              */
};

enum fastcgi_event {
    FASTCGI_WANTS_MORE, /* the rest of in must be kept                       */
    FASTCGI_SAW_RECORD, /* a record begins: type, left                       */
    FASTCGI_SAW_DATA,   /* data is a part of its content, still in in:
                           fastcgi_took takes it                             */
    FASTCGI_SAW_END,    /* the record has ended                              */
    FASTCGI_SAW_BROKEN, /* not FastCGI, or not for us: fault and value       */
};

enum fastcgi_fault {
    FASTCGI_FAULT_VERSION,
    FASTCGI_FAULT_TYPE,
    FASTCGI_FAULT_ID_HIGH, /* the two bytes of the request's number          */
    FASTCGI_FAULT_ID_LOW,
};

/* A decoder of what an application sends; zeroed memory is a new one. */
struct fastcgi_reader {
    unsigned           type; /* STDOUT, STDERR or END                        */
    size_t             left; /* bytes of content                             */
    str_t              data;
    enum fastcgi_fault fault;
    unsigned           value; /* the wrong byte                              */
    unsigned           state;
    size_t             padding;
};

/* Takes the next event from *in. */
enum fastcgi_event fastcgi_next(struct fastcgi_reader *f, str_t *in);
/* n bytes of data, from its start, were used: takes them from *in. */
void fastcgi_took(struct fastcgi_reader *f, str_t *in, size_t n);

/* Writes a header. */
void fastcgi_put_header(char out[FASTCGI_HEADER], enum fastcgi_type type,
                        size_t n);
