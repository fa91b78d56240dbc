/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Groups of upstream servers for unit tests: read from a text, and picked from
 * for one task.
 */
#pragma once

#include "core/upstream/build.h"
#include "t/unit/http_block.h"

static struct task task;


static struct generation *
read_servers(const char *servers)
{
    struct arena      *a = arena_new(0);
    struct generation *g;

    g = read_http_block(arena_printf(a, "upstream u { %s }", servers).p);
    arena_free(a);
    return g;
}


static struct upstream_group *
group_of(const struct generation *g)
{
    struct endpoint at = { .host = STR("U"), .no_port = true };

    return upstream_lookup(g, CONF_HTTP, &at);
}


/* The last digit of a peer's port, or "-". */
static char
letter(const struct peer *p)
{
    return p ? p->name.p[p->name.n - 1] : '-';
}


static char
ask(struct upstream_group *g, enum outcome how)
{
    struct pick p;
    char        c;

    pick_start(&p, &task, g);
    c = letter(pick_next(&p));
    pick_end(&p, how);
    return c;
}
