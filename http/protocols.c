/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The versions of HTTP in this build.  Nothing else outside of their folders
 * includes anything of theirs.
 */
#include "http/conn.h"
#include "http/h1/h1.h"

static const struct http_protocol *const protocols[] = { &h1_protocol };


const struct http_protocol *
http_protocol_for(const struct http_conn *h)
{
    (void) h;
    return protocols[0];
}


size_t
http_protocols_conn_size(void)
{
    size_t most = 0;

    for (size_t i = 0; i < countof(protocols); i++)
        if (protocols[i]->conn_size > most)
            most = protocols[i]->conn_size;
    return most;
}
