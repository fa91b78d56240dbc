/* SPDX-License-Identifier: BSD-2-Clause */
/* The results of a parser.  Parsers are pure functions: bytes in, facts out. */
#pragma once

enum parse {
    PARSE_OK,    /* one token was taken                                      */
    PARSE_AGAIN, /* the token is not complete: come back with more bytes     */
    PARSE_END,   /* the message is complete                                  */
    PARSE_BAD,   /* not in the grammar                                       */
};
