/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What limit_req and limit_conn share: zones with a key, as the configuration
 * has them, and how results are shown.  limit_table.h is what is in a zone.
 */
#pragma once

#include "core/net/tally.h"
#include "modules/gate/limit_bucket.h"
#include "modules/gate/limit_held.h"
#include "modules/module.h"

struct limit_zone {
    struct zone_conf *in;
    struct expr      *key;  /* NULL: so far the zone is only used            */
    uint32_t          kind; /* of keys, by what they are made of             */
    bool              is_of_client; /* the key is the client's address       */
    bool              is_address;   /* ... in binary, and nothing else       */
    uint64_t          rate; /* limit_req: thousandths of requests a minute   */
    uint64_t          cost; /* ... of one, as limit_bucket.h counts          */
    struct holder    *mine; /* limit_conn: what this process holds           */
    const char       *user; /* the directive that was the first to use it    */
    const char       *file;
    unsigned          line;
};

/* Those of one module: its main_size. */
struct limit_zones {
    VEC(struct limit_zone *) all;
};

/* "zone=NAME:SIZE" in a definition.  NULL or the message. */
const char *limit_zone_parse(struct conf *cf, str_t word, str_t *name,
                             uint64_t *size);
/* In requests, where thousandths of them have to fit. */
#define LIMIT_COUNT_MAX ((uint64_t) INT64_MAX / 1000)

/* "rate=5r/s" or "rate=30r/m": the number, and thousandths a minute, at least 1.
 * NULL or the message. */
const char *limit_rate_parse(struct conf *cf, str_t word, uint64_t *n,
                             uint64_t *rate);
/* The zone of that name, which may be defined later; size 0: not here.  NULL:
 * *error is the message. */
struct limit_zone *limit_zone_named(struct conf *cf, struct limit_zones *zones,
                                    str_t name, uint64_t size,
                                    const struct zone_use *use,
                                    const char           **error);
/* Gives it the key that args[1] is.  NULL or the message. */
const char *limit_zone_define(struct conf *cf, struct limit_zone *z);
/* A whole definition, "KEY zone=NAME:SIZE".  NULL or the message. */
const char *limit_zone_parse_whole(struct conf *cf, struct limit_zones *zones,
                                   const struct zone_use *use);
/* When all is read: reports those that nobody has defined. */
const char *limit_zones_ready(struct conf *cf, void *zones);

/* What the task is counted by; logged where it is longer than max bytes, as
 * nginx limits no such requests.  False: by nothing, it is not limited. */
bool limit_zone_key(const struct limit_zone *z, struct task *t, size_t max,
                    struct limit_key *out);
/* Logs that a key in use has been forgotten. */
void limit_zone_full(const struct limit_zone *z, const struct log *log);

/* What is left at now of so many thousandths since at, which can be later than
 * now, by the clock of another process. */
static inline uint64_t
limit_drained(uint64_t rate, uint64_t count, msec_t at, msec_t now)
{
    msec_t   ms = now > at ? now - at : 0;
    uint64_t n;

    n = __builtin_mul_overflow(rate, ms, &n) ? UINT64_MAX : n / LIMIT_MINUTE_MS;
    return n < count ? count - n : 0;
}

/* As variables have it. */
str_t limit_status_text(enum limit_status s);

/* What is done with requests that are above a limit. */
struct limit_answer {
    uint64_t status;
    unsigned log_level;
    bool     is_dry_run;
};

/* Rows over it, for struct template. */
extern const struct directive limit_rows[];

/* Refuses a request that has been logged as c asks for, and notes in *s what was
 * done. */
enum step limit_refuse(struct task *t, const struct limit_answer *c,
                       enum limit_status *s);
/* What was done is counted for a zone: LIMIT_PASSED and so on. */
void limit_count(const struct limit_zone *z, enum tally_kind kind,
                 enum limit_status s);
/* In a dry run of requests: reports one limit. */
void limit_tell(struct task *t, const struct setting *limit);
