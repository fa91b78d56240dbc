/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a request is doing, for the error log at level debug.
 */
#include "http/debug.h"

#include "http/main.h"

/* As nginx calls them; NULL: the handlers log something else. */
static const char *const names[PHASE_COUNT] = {
    [PHASE_POST_READ] = "generic",       [PHASE_SERVER_REWRITE] = "rewrite",
    [PHASE_REWRITE] = "rewrite",         [PHASE_POST_REWRITE] = "post rewrite",
    [PHASE_PREACCESS] = "generic",       [PHASE_ACCESS] = "access",
    [PHASE_POST_ACCESS] = "post access", [PHASE_PRECONTENT] = "generic",
    [PHASE_CONTENT] = "content",
};


static bool
is_engines(unsigned phase)
{
    return phase == PHASE_FIND_LOCATION || phase == PHASE_POST_REWRITE
           || phase == PHASE_POST_ACCESS;
}


void
http_debug_phase_now(const struct http_request *r)
{
    const struct phase_list *lists = http_main_of(r->task.gen)->phases;
    unsigned                 number = r->handler;

    if (names[r->phase] == NULL
        || (!is_engines(r->phase) && r->handler >= lists[r->phase].n))
        return;
    for (unsigned i = 0; i < r->phase; i++)
        number += is_engines(i) ? 1 : lists[i].n;
    log_at(r->task.log, LEVEL_DEBUG, 0, "%s phase: %u", names[r->phase],
           number);
}


void
http_debug_end_now(const struct http_request *r, unsigned status)
{
    log_at(r->task.log, LEVEL_DEBUG, 0,
           "http finalize request: %u, \"" STR_F "?" STR_F "\"", status,
           STR_A(r->uri), STR_A(r->args));
}


void
http_debug_head_now(const struct log *log, const char *before, str_t head,
                    const char *after)
{
    str_t line;

    while (head.n != 0) {
        line = str_cut(&head, '\n');
        if (line.n != 0 && line.p[line.n - 1] == '\r')
            line.n--;
        if (line.n != 0)
            log_at(log, LEVEL_DEBUG, 0, "%s" STR_F "%s", before, STR_A(line),
                   after);
    }
}
