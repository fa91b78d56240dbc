/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The nodes of the cache: their table, dependencies, watches, and the LRU
 * list.  What a node means is defined by tree.c.
 */
#pragma once

#include "core/base/list.h"
#include "core/cache/inside.h"
#include "core/cache/watch.h"

enum { NODE_BUCKETS = 4096 };

enum node_kind { NODE_FOLDER, NODE_FILE, NODE_LINK, NODE_MISSING, NODE_PATH };

struct node {
    struct node   *next;    /* in its bucket                                 */
    struct node   *wd_next; /* in its bucket of wds                          */
    struct list    lru;     /* used while nobody depends on it               */
    struct list    users;   /* dep.of_source                                 */
    struct dep    *deps;    /* what it depends on; the last one is its
                               folder                                        */
    struct node   *target;  /* of NODE_LINK and NODE_PATH                    */
    struct file   *file;    /* of NODE_FILE and NODE_FOLDER: stat result,
                               perhaps open                                  */
    struct timespec mtime, ctime; /* of an open file                         */
    msec_t         checked_at;
    uint32_t       hash;
    int            wd;      /* -1: not watched                               */
    int            error;   /* of NODE_MISSING; of a file: why it cannot be
                               opened                                        */
    enum node_kind kind;
    bool           is_shut; /* a folder that cannot be watched               */
    size_t         n;
    char           path[];  /* with a NUL                                    */
};

struct dep {
    struct list  of_source;
    struct node *source, *user;
    struct dep  *next; /* of user                                            */
};

struct tree {
    struct watch      watch;
    struct node      *buckets[NODE_BUCKETS];
    struct node      *wds[NODE_BUCKETS];
    struct node      *root;
    struct list       lru; /* most recently used first                       */
    size_t            max_descriptors;
    msec_t            drained_at;
    msec_t            refused_at; /* when the kernel refused a watch; 0:
                                     never                                   */
    struct file_stats stats;
};

/* The tree of this worker, or NULL. */
extern struct tree *tree;

/* hash is str_hash(path). */
struct node *node_find(str_t path, uint32_t hash);
/* A new node that depends on source (NULL: the root). */
struct node *node_make(str_t path, enum node_kind kind, struct node *source);
/* Makes user depend on source: it is dropped with it. */
void node_depend(struct node *user, struct node *source);
/* Removes a node, and all nodes that depend on it. */
void node_drop(struct node *n);
void node_drop_all(void);
/* Drops the least recently used node; false: there is none. */
bool node_drop_oldest(void);
/* Marks the node as recently used. */
void node_touch(struct node *n);
/* An inode has one wd, which several nodes can share.  The watch is removed
 * with the last of them, unless the kernel has already removed it
 * (is_gone). */
void node_set_wd(struct node *n, int wd);
void node_unwatch(struct node *n, bool is_gone);
/* The path of a name in a folder, in PATH_MAX bytes, with a NUL; empty: too
 * long. */
str_t node_join(char *path, const struct node *folder, str_t name);
