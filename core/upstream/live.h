/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Servers of a group that change at run time: for groups with a zone.  What is
 * configured counts until somebody stores something else; that is in the zone
 * then, as text, with a version that all processes look at before they pick.
 * It stays there over reloads and upgrades while the configuration has the same
 * servers for the group, and in the file of the directive state over restarts.
 */
#pragma once

#include "core/upstream/group.h"

struct live; /* in the zone */

/* The servers that a group has now. */
struct live_servers {
    VEC(struct upstream_server) list;
    uint64_t version;
    unsigned next_id; /* that no server has had                              */
};

/* The line that a peer stands for an address of. */
const struct upstream_server *live_line(const struct upstream_group *g,
                                        const struct peer           *p);
/* By what a peer is known: the id of its line, or, where the addresses of that
 * change, one that all processes derive from it and the address. */
unsigned live_id(const struct peer *p);

enum live_verdict {
    LIVE_DONE,
    LIVE_AGAIN, /* somebody else was faster: load, and try again             */
    LIVE_FULL,  /* the zone has no room                                      */
};

/* Whether its servers can be changed. */
bool live_is_possible(const struct upstream_group *g);

/* Copies to a. */
void live_load(struct upstream_group *g, struct arena *a,
               struct live_servers *out);
/* They are the servers from now on, in all processes, unless their version is not
 * that of now.  The state file that cannot be written is logged. */
enum live_verdict live_store(struct upstream_group *g,
                             const struct live_servers *s,
                             const struct log          *log);

/* This process has, from now on, the servers that others have stored. */
void live_follow(struct upstream_group *g);
bool live_is_behind(const struct upstream_group *g);

/* In a process that serves, when the states of the group have been shared. */
void live_join(struct upstream_group *g);

/* Parses "ADDRESS PARAMETER ..." of a server, words separated by blank, whose
 * strings are part of line; NULL or what is wrong with it. */
const char *live_parse(struct arena *a, const struct upstream_group *g,
                       str_t line, char blank, struct upstream_server *out);
/* The same as text, without what is the default. */
str_t live_text(struct arena *a, const struct upstream_server *s, char blank);

/* All of them, a line each: "ID ADDRESS ...", or "server ADDRESS ...;". */
str_t live_lines(struct arena *a, const struct live_servers *s, bool is_file);

/* state FILE */
extern const struct conf_type upstream_state_type;
/* The block is closed: reads the file.  NULL or a message. */
const char *live_read_state(struct conf *cf, struct upstream_group *g);
