/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The versions of HTTP in this build.  Nothing else outside of their folders
 * includes anything of theirs.
 */
#include "http/conn.h"
#include "http/h1/h1.h"

enum { NONE, H1 };

static const struct http_protocol *const protocols[] = { [H1] = &h1_protocol };


unsigned
http_protocol_for(const struct http_conn *h)
{
    (void) h;
    return H1;
}


const struct http_protocol *
http_protocol_of(const struct http_conn *h)
{
    return protocols[h->protocol];
}


size_t
http_protocols_conn_size(void)
{
    size_t most = 0;

    for (size_t i = NONE + 1; i < countof(protocols); i++)
        if (protocols[i]->conn_size > most)
            most = protocols[i]->conn_size;
    return most;
}
