/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One reload at a time is listened to.
 */
#include "core/proc/outcome.h"

#include "core/os/clock.h"

enum { MESSAGES_MAX = 1000, SIZE_MAX_BYTES = 256 * 1024 };

static struct reload_outcome *listening;


static void
hear(enum log_level level, str_t text)
{
    struct reload_outcome *o = listening;
    struct reload_message *m;

    if (o->messages.n == MESSAGES_MAX || o->size + text.n > SIZE_MAX_BYTES)
        return;
    m = vec_push(o->arena, &o->messages);
    m->level = level;
    m->text = str_copy(o->arena, text);
    o->size += text.n;
}


void
outcome_begin(struct reload_outcome *o, str_t file, bool explains)
{
    struct arena *a = o->arena != NULL ? o->arena : arena_new(0);

    arena_reset(a);
    *o = (struct reload_outcome){ .arena = a,
                                  .number = o->number,
                                  .file = file,
                                  .explained = log_explains,
                                  .time = clock_seconds(),
                                  .began = clock_fresh_ms() };
    log_explains = explains;
    listening = o;
    log_ear = hear;
}


void
outcome_read(struct reload_outcome *o)
{
    log_explains = o->explained;
}


void
outcome_end(struct reload_outcome *o, uint64_t number)
{
    outcome_read(o);
    outcome_leave();
    o->took = clock_fresh_ms() - o->began;
    o->number = number;
}


void
outcome_leave(void)
{
    log_ear = NULL;
    listening = NULL;
}


struct log
outcome_log(const struct log *log, struct log_targets *named)
{
    struct log own = *log;

    *named = *log->targets;
    if (named->level < LEVEL_WARN)
        named->level = LEVEL_WARN;
    own.targets = named;
    return own;
}


static void
put_message(struct json_text *t, const struct reload_message *m)
{
    json_open(t, NULL, '{');
    json_put(t, "level",
             m->level == LEVEL_STDERR ? STR_NONE
                                      : str_of(log_level_name(m->level)));
    json_put(t, "text", m->text);
    json_close(t, '}');
}


void
outcome_put(struct json_text *t, const char *name,
            const struct reload_outcome *o)
{
    if (o->number == 0) {
        json_put(t, name, STR_NONE);
        return;
    }
    json_open(t, name, '{');
    json_put_bool(t, "ok", o->is_good);
    json_put_number(t, "generation", o->number);
    json_put_bool(t, "refused", o->is_refused);
    json_put_bool(t, "syntax", o->is_read);
    json_put(t, "how", str_of(o->how));
    json_put(t, "directive", str_of(o->directive));
    json_put(t, "file", o->file);
    json_put_number(t, "time", (uint64_t) o->time);
    json_put_number(t, "ms", o->took);
    json_open(t, "messages", '[');
    VEC_EACH(&o->messages, m)
        put_message(t, m);
    json_close(t, ']');
    json_close(t, '}');
}
