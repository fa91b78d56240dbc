/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of nodes.  Each node is in the table, in the users lists of the
 * nodes that it depends on, and, while no node depends on it, in the LRU list.
 */
#include "core/cache/node.h"

#include <limits.h>
#include <stdlib.h>

struct tree *tree;


struct node *
node_find(str_t path, uint32_t hash)
{
    struct node *n = tree->buckets[hash % NODE_BUCKETS];

    while (n != NULL
           && (n->hash != hash || n->n != path.n
               || memcmp(n->path, path.p, path.n) != 0))
        n = n->next;
    return n;
}


void
node_depend(struct node *user, struct node *source)
{
    struct dep *d = malloc(sizeof(*d));

    if (d == NULL)
        check_memory(sizeof(*d));
    d->source = source;
    d->user = user;
    d->next = user->deps;
    user->deps = d;
    list_append(&source->users, &d->of_source);
    list_remove(&source->lru);
}


struct node *
node_make(str_t path, enum node_kind kind, struct node *source)
{
    struct node *n = calloc(1, sizeof(*n) + path.n + 1);

    if (n == NULL)
        check_memory(sizeof(*n) + path.n);
    n->kind = kind;
    n->wd = -1;
    n->hash = str_hash(path);
    n->n = path.n;
    memcpy(n->path, path.p, path.n);
    list_init(&n->users);
    list_init(&n->lru);
    list_insert(&tree->lru, &n->lru);
    n->next = tree->buckets[n->hash % NODE_BUCKETS];
    tree->buckets[n->hash % NODE_BUCKETS] = n;
    tree->stats.nodes++;
    if (source != NULL)
        node_depend(n, source);
    return n;
}


void
node_set_wd(struct node *n, int wd)
{
    n->wd = wd;
    n->wd_next = tree->wds[wd % NODE_BUCKETS];
    tree->wds[wd % NODE_BUCKETS] = n;
    tree->stats.watches++;
}


void
node_unwatch(struct node *n, bool is_gone)
{
    struct node **at;
    bool          is_shared = false;

    if (n->wd == -1)
        return;
    for (at = &tree->wds[n->wd % NODE_BUCKETS]; *at != NULL;) {
        if (*at == n) {
            *at = n->wd_next;
            continue;
        }
        is_shared |= (*at)->wd == n->wd;
        at = &(*at)->wd_next;
    }
    if (!is_shared && !is_gone)
        watch_remove(&tree->watch, n->wd);
    n->wd = -1;
    tree->stats.watches--;
}


static void
forget_file(struct node *n)
{
    if (n->file == NULL)
        return;
    if (n->file->content != NULL)
        tree->stats.bytes -= n->file->size;
    else if (n->file->chain.fd != -1)
        tree->stats.descriptors--;
    file_put(n->file);
    n->file = NULL;
}


static void
leave_sources(struct node *n)
{
    struct dep *d;

    while ((d = n->deps) != NULL) {
        n->deps = d->next;
        list_remove(&d->of_source);
        if (list_empty(&d->source->users) && d->source != tree->root)
            list_insert(&tree->lru, &d->source->lru);
        free(d);
    }
}


void
node_drop(struct node *n)
{
    struct node **at;

    while (!list_empty(&n->users))
        node_drop(list_entry(n->users.next, struct dep, of_source)->user);
    for (at = &tree->buckets[n->hash % NODE_BUCKETS]; *at != n;)
        at = &(*at)->next;
    *at = n->next;
    list_remove(&n->lru);
    leave_sources(n);
    node_unwatch(n, false);
    forget_file(n);
    if (n == tree->root)
        tree->root = NULL;
    tree->stats.nodes--;
    free(n);
}


void
node_drop_all(void)
{
    if (tree->root != NULL)
        node_drop(tree->root);
}


bool
node_drop_oldest(void)
{
    if (list_empty(&tree->lru))
        return false;
    node_drop(list_entry(tree->lru.prev, struct node, lru));
    return true;
}


void
node_touch(struct node *n)
{
    if (list_empty(&n->lru))
        return;
    list_remove(&n->lru);
    list_insert(&tree->lru, &n->lru);
}


str_t
node_join(char *path, const struct node *folder, str_t name)
{
    str_t p = { path, folder->n };

    if (folder->n + name.n + 2 > PATH_MAX)
        return STR_NONE;
    memcpy(path, folder->path, folder->n);
    if (folder->n > 1)
        path[p.n++] = '/';
    memcpy(path + p.n, name.p, name.n);
    p.n += name.n;
    path[p.n] = '\0';
    return p;
}
