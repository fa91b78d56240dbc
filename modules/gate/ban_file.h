/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where bans outlive their zone: a file for each zone in ban_state_path, which
 * is replaced as a whole (rename).  Workers read and write it; the master does
 * not look into zones.
 *
 * A zone can be replaced by another one of its name while workers still use it
 * (a reload with a new size).  Each takes the next epoch, and does not write over
 * a file of a later one, unless it is in force again.
 */
#pragma once

#include "modules/gate/limit_zone.h"

/* Bans end: this is added to an entry's count when at is that moment. */
#define BAN_MARK (UINT64_C(1) << 63)

enum { BAN_SECONDS_MAX = 10 * 365 * 86400 };

static inline bool
ban_is_on(const struct limit_entry *e, msec_t now)
{
    return (e->count & BAN_MARK) != 0 && e->at > now;
}

/* With the lock: bans the key until then.  Returns its entry. */
struct limit_entry *ban_set(struct zone *z, struct limit_key *key,
                            msec_t until);

/* Once in the life of a zone: takes what is in its file. */
void ban_file_load(const struct limit_zone *z, str_t folder,
                   const struct log *log);
enum ban_save {
    BAN_SAVE_IN_FORCE = 1, /* new requests use the zone                      */
    BAN_SAVE_WAITS = 2,    /* for another process that is writing            */
};

/* Writes the file if something has changed.  how: of enum ban_save.  False:
 * another process is writing it; to be tried again. */
bool ban_file_save(const struct limit_zone *z, str_t folder, unsigned how,
                   const struct log *log);
