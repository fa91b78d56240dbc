/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * remote_prefix: the network of the client, as a key of limits.
 *
 *     limit_req_zone $remote_prefix zone=one:10m rate=5r/s;
 *
 * Who has an IPv6 address has a whole /64 of them, so a limit for each address
 * is none.
 */
#include "core/net/conn.h"
#include "core/net/prefix.h"
#include "modules/module.h"

struct remote_prefix_conf {
    struct prefix_bits bits;
};

extern struct module remote_prefix_module;


/* It is volatile: realip may have another address for a location, which may
 * have other lengths. */
static str_t
get(struct task *t, uintptr_t arg)
{
    const struct remote_prefix_conf *c = conf_of(t, &remote_prefix_module);
    char                            *p = arena_bytes(t->arena, PREFIX_BYTES);

    (void) arg;
    return (str_t){ p, prefix_of(p, &t->peer->sa, c->bits) };
}


static const char *
parse_bits(struct conf *cf, void *field)
{
    static const uint64_t most[] = { 32, 128 };
    struct prefix_bits   *bits = field;
    uint64_t              n[2];

    for (unsigned i = 0; i < countof(n); i++)
        if (!number_parse(cf->args[i + 1], most[i], &n[i]) || n[i] == 0)
            return conf_error(
                cf, "invalid length \"" STR_F "\", it must be between 1 and %d",
                STR_A(cf->args[i + 1]), (int) most[i]);
    *bits = (struct prefix_bits){ (uint8_t) n[0], (uint8_t) n[1] };
    return NULL;
}


static const struct conf_type bits_type = {
    .name = "bits",
    .size = sizeof(struct prefix_bits),
    .parse = parse_bits,
};

static const struct directive directives[] = {
    { "remote_prefix", IN_WEB | IN_STREAM | IN_STREAM_SERVER, ARGS_2,
      &bits_type, FIELD(struct remote_prefix_conf, bits, struct prefix_bits),
      "32 64", NULL, "IPv4-bits IPv6-bits",
      "How many bits of the client's address $remote_prefix has, for IPv4 and "
      "for IPv6." },
    { .name = NULL },
};

static const struct variable variables[] = {
    { .name = "remote_prefix",
      .get = get,
      .flags = VAR_VOLATILE,
      .says = "the network of the client in 5 or 17 bytes, for keys: its "
              "address, the one that realip found where it did, cut to the "
              "lengths of remote_prefix (/32 and /64)" },
    { .name = NULL },
};

struct module remote_prefix_module = {
    .name = "remote_prefix",
    .serves = FOR_HTTP | FOR_STREAM,
    .directives = directives,
    .variables = variables,
    .conf_size = sizeof(struct remote_prefix_conf),
};
