/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The head of a response in the form of CGI (RFC 3875 section 6): header lines
 * and an empty one.  A pure parser, whose input may be cut anywhere: it keeps
 * the beginning of a line that has not ended.
 */
#pragma once

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "http/h1/parse.h"

enum cgi_event {
    CGI_WANTS_MORE, /* all of in was taken                                   */
    CGI_SAW_FIELD,  /* field is a header; its strings last until the next
                       call                                                  */
    CGI_SAW_STATUS, /* status is that of a status line, the first one        */
    CGI_SAW_END,    /* the head ends; the rest of in is body                 */
    CGI_SAW_BROKEN, /* line is no header                                     */
};

/* Zeroed memory, with takes_status set as needed, is a new parser. */
struct cgi_head {
    bool            takes_status; /* the first line may be a status line of
                                     HTTP; any other one is skipped          */
    bool            has_line;
    struct h1_status_line status;
    struct h1_field field;
    str_t           line;
    struct buf      part; /* of a line, in the arena                         */
    size_t          seen;
};

/* Takes the next line from *in.  Who calls it limits what a head may have. */
enum cgi_event cgi_head_next(struct cgi_head *h, struct arena *a, str_t *in);

/* The status in the value of a Status header, "404 Not Found": three digits,
 * at least 200, and optionally a text, which goes to *reason.  0: it has none.
 */
unsigned cgi_status(str_t value, str_t *reason);
