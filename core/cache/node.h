/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes of what is known of the file system: the table of them, what they
 * depend on, their watches, and which were used last.  Only tree.c says what
 * they mean.
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
    struct list    lru;     /* while nobody depends on it                    */
    struct list    users;   /* dep.of_source                                 */
    struct dep    *deps;    /* what it depends on; its folder is the last    */
    struct node   *target;  /* of NODE_LINK and NODE_PATH                    */
    struct file   *file;    /* of NODE_FILE and NODE_FOLDER: stat, or open   */
    struct timespec mtime, ctime; /* of an open file                         */
    msec_t         checked_at;
    uint32_t       hash;
    int            wd;      /* -1: not watched                               */
    int            error;   /* of NODE_MISSING; of a file: why not opened    */
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
    struct list       lru; /* the latest first                               */
    size_t            max_descriptors;
    msec_t            drained_at;
    msec_t            refused_at; /* the kernel allowed no more watches; 0:
                                     never                                   */
    struct file_stats stats;
};

/* This worker's, or NULL. */
extern struct tree *tree;

/* hash is str_hash(path). */
struct node *node_find(str_t path, uint32_t hash);
/* A new node, found by way of source (NULL: the root). */
struct node *node_make(str_t path, enum node_kind kind, struct node *source);
/* What user says holds only as long as source does. */
void node_depend(struct node *user, struct node *source);
/* Takes a node out, with all that depends on it. */
void node_drop(struct node *n);
void node_drop_all(void);
/* Gives up the node that was used least recently; false: there is none. */
bool node_drop_oldest(void);
/* It has been used. */
void node_touch(struct node *n);
/* One inode has one wd, which several nodes may share; it is given back with
 * the last of them, unless the kernel has taken it (is_gone). */
void node_set_wd(struct node *n, int wd);
void node_unwatch(struct node *n, bool is_gone);
/* The path of a name in a folder, in PATH_MAX bytes, with a NUL; empty: too
 * long. */
str_t node_join(char *path, const struct node *folder, str_t name);
