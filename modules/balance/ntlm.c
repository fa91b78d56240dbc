/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ntlm: connections to the servers belong to one connection of a client each,
 * since NTLM, and Negotiate as Microsoft has it, authenticate connections
 * rather than requests.  While one is open, the client's requests go to its
 * server.
 *
 *     upstream app { server 10.0.0.1; server 10.0.0.2; ntlm; }
 */
#include "core/upstream/group.h"
#include "core/upstream/link.h"
#include "core/net/conn.h"
#include "modules/module.h"


static void
start(struct pick *p)
{
    str_t name = link_owned(p->group, p->task->conn->log.serial);

    for (unsigned i = 0; name.n != 0 && i < p->set->n_peers; i++) {
        if (!str_eq(p->set->peers[i].name, name))
            continue;
        p->is_bound = true;
        p->wanted = binding_key(p->set->peers[i].id);
        return;
    }
}


static const struct binding by_connection = { .start = start };


static const char *
parse(struct conf *cf, void *field)
{
    struct upstream_group *g = upstream_at_hand(cf);

    (void) field;
    if (g->is_owned)
        return conf_error(cf, "\"ntlm\" directive is duplicate");
    g->is_owned = true;
    if (g->binding == NULL)
        g->binding = &by_connection;
    return NULL;
}


static const struct conf_type type = { .name = "ntlm", .parse = parse };

static const struct directive directives[] = {
    { "ntlm", IN_UPSTREAM | ROW_MANY, ARGS_0, &type, 0, NULL, NULL, "",
      "Each connection to a server of the group is used for one connection of a "
      "client only, and the client's requests go there while it is open, as "
      "NTLM and Negotiate need it." },
    { .name = NULL },
};

struct module ntlm_module = {
    .name = "upstream_ntlm",
    .serves = FOR_HTTP,
    .directives = directives,
};
