/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The zones that configurations name (zone.h: what one is).
 *
 * A configuration says name, size and use of a zone.  When it is taken over,
 * the process that reads configurations (the master) makes the zone, or keeps
 * that of the configuration before where all three are the same; never for -t
 * and other tools.  Each is a file in memory, mapped to a range of addresses
 * that is reserved before the first fork:
 *
 * - a worker that is forked has what the master has;
 * - one that lives on maps what is new by its descriptor (zones_map);
 * - another binary (USR2) inherits the descriptors, named in WEIR_ZONES, and
 *   keeps the zones whose layout it knows; an nginx ignores them.
 *
 * A mapping is counted by the generations of its process and ends with the last
 * of them.
 *
 * Workers can write to zones, and the master has more rights than they.  So it
 * does not look into a zone once workers have it: it takes no lock there and
 * follows no pointer.  What a generation has in its zones is found, and made, by
 * the workers (adopt), as is what a dead one has left to be done.
 */
#pragma once

#include "core/conf/conf.h"
#include "core/shm/zone.h"

struct zone_conf;
struct zone_mapping;

/* What zones are used for: constant. */
struct zone_use {
    const char *name;
    unsigned    version; /* of the layout of what is in them                 */
    /* The zone is new: makes its root.  False: it is too small. */
    bool (*init)(struct zone *);
    /* Whether a new zone of that size, which is only for this check, has room
     * for what the generation will have in it; or NULL.  False: logged. */
    bool (*check)(const struct generation *, const struct zone_conf *,
                  struct zone *, const struct log *);
};

/* What a configuration says of a zone; in its arena. */
struct zone_conf {
    struct zone_conf      *next; /* generation->zones                       */
    str_t                  name;
    uint64_t               size;
    const struct zone_use *use;
    const char            *file;
    unsigned               line;
    /* When the configuration is taken over: */
    struct zone           *zone;   /* its address, the same everywhere       */
    size_t                 mapped; /* bytes there                            */
    uint64_t               serial; /* of the zone, unique in the family      */
    int                    fd;     /* the master's, by which it is mapped    */
    struct zone_mapping   *mapping; /* of this process                       */
};

enum { ZONE_PAGES_LEAST = 8 }; /* of the system                              */

/* While a configuration is read: a zone that it uses; size 0: which it says
 * elsewhere.  NULL: *error is the message. */
struct zone_conf *zone_add(struct conf *cf, str_t name, uint64_t size,
                           const struct zone_use *use, const char **error);
/* The zone of that name, NULL: there is none; g may be NULL. */
struct zone_conf *zone_find(const struct generation *g, str_t name);

/* Checks g's zones and, but for a test, takes them over from old (NULL: there is
 * none), or makes them.  They go with g's arena.  False: logged. */
bool zones_open(struct generation *g, const struct generation *old,
                bool is_test, const struct log *log);
/* A zone for the process itself, whatever it is configured; kept until it ends.
 * NULL: logged. */
struct zone *zone_own(const char *name, size_t size,
                      const struct zone_use *use, const struct log *log);

/* The same for a zone whose root is one object of that size; *root is its
 * address, which was checked, since it may come from another binary. */
struct zone *zone_own_object(const char *name, size_t size,
                             const struct zone_use *use, const struct log *log,
                             void **root);
/* For zone_use.init: makes such a root, zeroed, as the memory of a new zone
 * is. */
bool zone_make_object(struct zone *z, size_t size);

/* In a worker that lives on, to which g has come from the master: none of its
 * zones is mapped so far. */
void zones_forget(struct generation *g);
/* ... and with fd in each of them, they are; those that the worker has already
 * are counted once more.  Closes the descriptors.  False with errno: it cannot,
 * and has to be replaced.  The zones have their end with g's arena, as in the
 * master. */
bool zones_map(struct generation *g);

/* Before execve, in the process that calls it: "WEIR_ZONES=..." in a, and the
 * descriptors stay open. */
str_t zones_export(struct arena *a);
/* What follows "WEIR_ZONES=" (NULL: nothing), before zones are opened. */
void zones_inherit(const char *text, const struct log *log);
/* Closes what was inherited and has found no use. */
void zones_close_unused(void);
