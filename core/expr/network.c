/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two tries over the bits of an address, IPv4 and IPv6.  The last value found
 * on the way down is that of the longest network.
 */
#include "core/expr/network.h"

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


/* The node of the first n bits; NULL when it does not exist and must not be
 * created. */
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
        void *old = exchange(t->v6, value), *old4 = exchange(t->v4, value);

        return old4 ? old4 : old;
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


bool
network_ip4(const struct sockaddr *sa, uint32_t *out)
{
    static const unsigned char mapped[12]
        = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    str_t                bytes = addr_bytes(sa);
    const unsigned char *p = (const unsigned char *) bytes.p;

    if (sa->sa_family == AF_INET6) {
        if (memcmp(p, mapped, sizeof(mapped)) != 0)
            return false;
        p += sizeof(mapped);
    } else if (sa->sa_family != AF_INET) {
        return false;
    }
    *out = (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16 | (uint32_t) p[2] << 8
           | p[3];
    return true;
}


void *
network_find(const struct network_table *t, const struct sockaddr *sa)
{
    str_t         bytes = addr_bytes(sa);
    uint32_t      ip4;
    unsigned char p[4];

    if (network_ip4(sa, &ip4)) {
        for (unsigned i = 0; i < 4; i++)
            p[i] = (unsigned char) (ip4 >> (24 - 8 * i));
        return find(t->v4, p, 32);
    }
    if (sa->sa_family != AF_INET6)
        return NULL;
    return find(t->v6, (const unsigned char *) bytes.p, 128);
}
