/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two tries over the bits of an address, IPv4 and IPv6.  The value met last
 * on the way down is that of the longest network.
 */
#include "core/expr/network.h"

#include "core/base/check.h"

struct node {
    struct node *child[2];
    void        *value;
};

struct network_table {
    struct arena *arena;
    struct node  *v4, *v6;
};


struct network_table *
network_table_new(struct arena *a)
{
    struct network_table *t = arena_make(a, struct network_table);

    t->arena = a;
    t->v4 = arena_make(a, struct node);
    t->v6 = arena_make(a, struct node);
    return t;
}


static unsigned
bit(const unsigned char *p, unsigned i)
{
    return p[i / 8] >> (7 - i % 8) & 1;
}


/* The node of the first n bits; NULL when it is not there and may not be
 * made. */
static struct node *
walk(struct node *node, const unsigned char *bits, unsigned n, struct arena *a)
{
    for (unsigned i = 0; i < n && node != NULL; i++) {
        struct node **next = &node->child[bit(bits, i)];

        if (*next == NULL && a != NULL)
            *next = arena_make(a, struct node);
        node = *next;
    }
    return node;
}


static unsigned
prefix_length(const struct cidr *net)
{
    unsigned size = net->family == AF_INET ? 32 : 128, n = 0;

    while (n < size && bit(net->mask, n))
        n++;
    return n;
}


static struct node *
node_of(struct network_table *t, const struct cidr *net, struct arena *a)
{
    struct node *root = net->family == AF_INET6 ? t->v6 : t->v4;

    return walk(root, net->addr, prefix_length(net), a);
}


static void *
exchange(struct node *node, void *value)
{
    void *old = node->value;

    node->value = value;
    return old;
}


void *
network_set(struct network_table *t, const struct cidr *net, void *value)
{
    if (net->family == AF_UNSPEC) {
        exchange(t->v6, value);
        return exchange(t->v4, value);
    }
    return exchange(node_of(t, net, t->arena), value);
}


bool
network_remove(struct network_table *t, const struct cidr *net)
{
    struct node *node = net->family == AF_UNSPEC ? t->v4
                                                 : node_of(t, net, NULL);

    if (node == NULL || node->value == NULL)
        return false;
    node->value = NULL;
    if (net->family == AF_UNSPEC)
        t->v6->value = NULL;
    return true;
}


/* A range is a row of networks: each the largest that starts where the one
 * before has ended and does not go beyond the last address. */
void *
network_set_range(struct network_table *t, uint32_t first, uint32_t last,
                  void *value)
{
    uint64_t at = first, end = (uint64_t) last + 1;
    void    *old = NULL;
    bool     had_all = true;

    while (at < end) {
        unsigned      host = at == 0 ? 32 : (unsigned) __builtin_ctzll(at);
        unsigned char bytes[4];
        void         *was;

        if (host > 32)
            host = 32;
        while (at + ((uint64_t) 1 << host) > end)
            host--;
        for (unsigned i = 0; i < 4; i++)
            bytes[i] = (unsigned char) (at >> (24 - 8 * i));
        was = exchange(walk(t->v4, bytes, 32 - host, t->arena), value);
        had_all = had_all && was != NULL;
        old = was;
        at += (uint64_t) 1 << host;
    }
    return had_all ? old : NULL;
}


static void *
find(const struct node *node, const unsigned char *bits, unsigned n)
{
    void *value = node->value;

    for (unsigned i = 0; i < n; i++) {
        node = node->child[bit(bits, i)];
        if (node == NULL)
            break;
        if (node->value != NULL)
            value = node->value;
    }
    return value;
}


void *
network_find(const struct network_table *t, const struct sockaddr *sa)
{
    str_t                bytes = addr_bytes(sa);
    const unsigned char *p = (const unsigned char *) bytes.p;

    if (sa->sa_family == AF_INET)
        return find(t->v4, p, 32);
    if (sa->sa_family != AF_INET6)
        return NULL;
    for (unsigned i = 0; i < 10; i++) {
        if (p[i] != 0)
            return find(t->v6, p, 128);
    }
    if (p[10] == 0xff && p[11] == 0xff)
        return find(t->v4, p + 12, 32);
    return find(t->v6, p, 128);
}
