/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image_filter: checks images, tells their sizes, and makes them smaller, cuts
 * and turns them.
 *
 *     image_filter resize 150 100;
 *     image_filter rotate 90;
 *     error_page 415 = /no_image.html;
 *
 * The head waits for the body, since what is no image gets 415.  Memory: the
 * image, up to image_filter_buffer; while it is worked on, four bytes for each
 * pixel of it and of what becomes of it.  For test, a few bytes.
 */
#include "http/types.h"
#include "modules/filter/image_work.h"
#include "modules/module.h"

enum image_what { OFF, TEST, TELL_SIZE, RESIZE, CROP, ROTATE };

struct image_job {
    enum image_what what;
    struct expr    *width, *height; /* NULL: "-"                             */
    struct expr    *angle;          /* NULL: none                            */
};

struct image_conf {
    struct image_job job;
    struct expr     *jpeg_quality, *webp_quality, *sharpen;
    size_t           buffer;
    bool             keeps_transparency, is_interlaced;
};

struct image_state {
    struct block *in; /* what has come; NULL: nothing                        */
    size_t        n;  /* bytes of it                                         */
    bool          is_passing; /* test: the rest goes through                 */
};

extern struct module image_filter_module;


/* --- configuration ------------------------------------------------------- */

static const struct {
    const char     *name;
    enum image_what what;
    unsigned        n_args;
} words[] = {
    { "off", OFF, 2 },       { "test", TEST, 2 }, { "size", TELL_SIZE, 2 },
    { "resize", RESIZE, 4 }, { "crop", CROP, 4 }, { "rotate", ROTATE, 3 },
};


static const char *
refuse(struct conf *cf, str_t word)
{
    return conf_error(cf, "invalid parameter \"" STR_F "\"", STR_A(word));
}


/* A number, or a text with variables. */
static const char *
read_value(struct conf *cf, str_t word, struct expr **e)
{
    const char *error = NULL;
    uint64_t    n;

    *e = expr_compile(cf, word, 0, &error);
    if (error != NULL)
        return error;
    if (expr_is_constant(*e) && (!number_parse(word, UINT32_MAX, &n) || n == 0))
        return refuse(cf, word);
    return NULL;
}


static const char *
read_side(struct conf *cf, str_t word, struct expr **e)
{
    *e = NULL;
    return str_is(word, "-") ? NULL : read_value(cf, word, e);
}


static const char *
read_angle(struct conf *cf, struct image_job *job)
{
    str_t       word = cf->args[2];
    const char *error = read_value(cf, word, &job->angle);

    if (error == NULL && expr_is_constant(job->angle) && !str_is(word, "90")
        && !str_is(word, "180") && !str_is(word, "270"))
        error = refuse(cf, word);
    if (job->what != RESIZE && job->what != CROP)
        job->what = ROTATE;
    return error;
}


static const char *
parse_job(struct conf *cf, void *field)
{
    struct image_job *job = field;
    const char       *error;
    unsigned          i;

    for (i = 0; i < countof(words); i++)
        if (str_eq(cf->args[1], str_of(words[i].name)))
            break;
    if (i == countof(words) || words[i].n_args != cf->n_args)
        return refuse(cf, cf->args[1]);
    if (words[i].what == ROTATE)
        return read_angle(cf, job);
    job->what = words[i].what;
    if (words[i].n_args != 4)
        return NULL;
    error = read_side(cf, cf->args[2], &job->width);
    return error != NULL ? error : read_side(cf, cf->args[3], &job->height);
}


static const struct conf_type job_type = {
    .name = "image work",
    .size = sizeof(struct image_job),
    .parse = parse_job,
    .unset = "off",
};


/* A number within limits, where it has no variables. */
static const char *
parse_level(struct conf *cf, void *field)
{
    const struct conf_range *range = cf->row->detail;
    struct expr            **e = field;
    const char              *error = NULL;
    uint64_t                 n;

    *e = expr_compile(cf, cf->args[1], 0, &error);
    if (error == NULL && expr_is_constant(*e)
        && (!number_parse(cf->args[1], range->max, &n) || n < range->min))
        return conf_error(cf, "invalid value \"" STR_F "\"",
                          STR_A(cf->args[1]));
    return error;
}


static const struct conf_type level_type = {
    .name = "number with variables",
    .size = sizeof(struct expr *),
    .parse = parse_level,
};

static const struct conf_range quality = { 1, 1000 }, sharpness = { 0, 10000 };

#define LEVEL(n, m, preset, range, syntax, says) \
    { \
        n, IN_WEB, ARGS_1, &level_type, \
            FIELD(struct image_conf, m, struct expr *), preset, range, syntax, \
            says \
    }

static const struct directive rows[] = {
    { "image_filter", IN_LOCATION | ROW_MANY, ARGS_1 | ARGS_2 | ARGS_3,
      &job_type, FIELD(struct image_conf, job, struct image_job), NULL, NULL,
      "off\ntest\nsize\nrotate 90 | 180 | 270\nresize width height\n"
      "crop width height",
      "Works on images: test answers 415 to what is no JPEG, GIF, PNG or WebP; size answers "
      "with JSON; resize makes images smaller, crop cuts what is too much of "
      "one side then; rotate turns them counter-clockwise, also beside one of "
      "these. \"-\" is no limit." },
    SIZE("image_filter_buffer", IN_WEB, struct image_conf, buffer, "1m",
         "The largest image, in bytes; others get 415."),
    FLAG("image_filter_interlace", IN_WEB, struct image_conf, is_interlaced,
         "off", "Makes interlaced images (JPEG: progressive ones)."),
    LEVEL("image_filter_jpeg_quality", jpeg_quality, "75", &quality, "quality",
          "The quality of JPEG, 1 to 100."),
    LEVEL("image_filter_webp_quality", webp_quality, "80", &quality, "quality",
          "The quality of WebP, 1 to 100."),
    LEVEL("image_filter_sharpen", sharpen, "0", &sharpness, "percent",
          "Sharpens images that were changed; may exceed 100."),
    FLAG("image_filter_transparency", IN_WEB, struct image_conf,
         keeps_transparency, "on",
         "Keeps what is transparent; off: colours come out as well as they "
         "can."),
    { .name = NULL },
};


/* The page about it is not looked at. */
static enum step
give_up(struct http_request *r)
{
    bool *is_over = http_state_of(r, &image_filter_module);

    *is_over = true;
    return http_refuse_body(r, 415);
}


/* --- collecting ---------------------------------------------------------- */

static void
abandon(void *arg)
{
    struct image_state *s = arg;

    block_put(s->in);
    s->in = NULL;
}


/* Room for more bytes.  False: there is no memory. */
static bool
make_room(struct image_state *s, size_t n, size_t most)
{
    size_t        size = s->in != NULL ? s->in->size : 0;
    struct block *b;

    if (s->n + n <= size)
        return true;
    size = 2 * size > s->n + n ? 2 * size : s->n + n;
    b = block_try(size < most ? size : most);
    if (b == NULL)
        return false;
    if (s->n != 0)
        memcpy(b->data, s->in->data, s->n);
    block_put(s->in);
    s->in = b;
    return true;
}


static bool
collect(struct http_request *r, struct image_state *s, struct chain *in)
{
    const struct image_conf *c = conf_of(&r->task, &image_filter_module);

    if (s->n + in->n > c->buffer) {
        log_error(r->task.log, "image filter: too big response");
        return false;
    }
    if (in->n == 0)
        return true;
    if (!make_room(s, (size_t) in->n, c->buffer))
        return false;
    s->n += chain_peek(in, s->in->data + s->n, (size_t) in->n);
    chain_clear(in);
    return true;
}


/* --- what becomes of it -------------------------------------------------- */

static const str_t type_names[] = {
    [IMAGE_NONE] = STR_INIT(""),     [IMAGE_JPEG] = STR_INIT("jpeg"),
    [IMAGE_GIF] = STR_INIT("gif"),   [IMAGE_PNG] = STR_INIT("png"),
    [IMAGE_WEBP] = STR_INIT("webp"),
};


/* A number of the configuration; 0: a variable has none. */
static unsigned
value_of(struct http_request *r, const struct expr *e, unsigned fallback)
{
    str_t    value;
    uint64_t n;

    if (e == NULL)
        return fallback;
    value = expr_eval(e, &r->task);
    if (str_is(value, "-"))
        return fallback;
    return number_parse(value, UINT32_MAX, &n) ? (unsigned) n : 0;
}


static enum step
send_text(struct http_request *r, struct chain *out, str_t text)
{
    http_renew_body(r, false);
    r->out.content_type = STR("application/json");
    r->out.type_tail = STR_NONE;
    r->out.length = (int64_t) text.n;
    r->out.status = 200;
    if (http_release_head(r) == STEP_FAIL)
        return STEP_FAIL;
    chain_add(out, text);
    return STEP_NEXT;
}


static enum step
tell_size(struct http_request *r, enum image_type type, str_t in,
          struct chain *out)
{
    unsigned w, h;

    if (!image_size_of(type, in, &w, &h))
        return send_text(r, out, STR("{}\r\n"));
    return send_text(r, out,
                     arena_printf(r->task.arena,
                                  "{ \"img\" : { \"width\": %u, \"height\": "
                                  "%u, \"type\": \"" STR_F "\" } }\r\n",
                                  w, h, STR_A(type_names[type])));
}


static enum step
send_image(struct http_request *r, enum image_type type, struct block *b,
           size_t n, struct chain *out)
{
    r->out.content_type
        = str_join(r->task.arena, STR("image/"), type_names[type]);
    r->out.type_tail = STR_NONE;
    r->out.length = (int64_t) n;
    if (http_release_head(r) == STEP_FAIL)
        return STEP_FAIL;
    chain_add_block(out, b, (str_t){ b->data, n });
    return STEP_NEXT;
}


static struct image_plan
plan_of(struct http_request *r, const struct image_conf *c)
{
    const struct image_job *job = &c->job;
    struct image_plan       plan = {
              .what = job->what == RESIZE ? IMAGE_RESIZE
                      : job->what == CROP ? IMAGE_CROP
                                          : IMAGE_ROTATE,
              .width = value_of(r, job->width, UINT32_MAX),
              .height = value_of(r, job->height, UINT32_MAX),
              .angle = value_of(r, job->angle, 0),
              .jpeg_quality = value_of(r, c->jpeg_quality, 75),
              .webp_quality = value_of(r, c->webp_quality, 80),
              .sharpen = value_of(r, c->sharpen, 0),
              .keeps_transparency = c->keeps_transparency,
              .is_interlaced = c->is_interlaced,
    };

    if (plan.angle % 90 != 0 || plan.angle > 270)
        plan.angle = 0;
    if (plan.sharpen > sharpness.max)
        plan.sharpen = sharpness.max;
    return plan;
}


static enum step
work(struct http_request *r, struct image_state *s, struct chain *out)
{
    const struct image_conf *c = conf_of(&r->task, &image_filter_module);
    str_t                    in = { s->in ? s->in->data : "", s->n };
    enum image_type          type = image_type_of(in);
    struct image_plan        plan;
    struct block            *b;
    enum step                step;
    unsigned                 w, h;

    if (c->job.what == TELL_SIZE)
        return tell_size(r, type, in, out);
    if (type == IMAGE_NONE || !image_size_of(type, in, &w, &h))
        return give_up(r);
    plan = plan_of(r, c);
    if (plan.width == 0 || plan.height == 0 || plan.jpeg_quality == 0
        || plan.webp_quality == 0 || (c->job.what == ROTATE && plan.angle == 0))
        return give_up(r);
    if (plan.angle == 0 && w <= plan.width && h <= plan.height)
        return send_image(r, type, s->in, s->n, out);
    b = image_work(&plan, type, in, r->task.log);
    if (b == NULL)
        return give_up(r);
    http_weaken_etag(r);
    step = send_image(r, type, b, b->size, out);
    block_put(b);
    return step;
}


/* As soon as the type is known, everything goes through. */
static enum step
test_type(struct http_request *r, struct image_state *s, struct chain *in,
          struct chain *out, bool last)
{
    char   head[IMAGE_MAGIC];
    size_t n;

    if (!s->is_passing) {
        if (!collect(r, s, in))
            return give_up(r);
        n = s->n < sizeof(head) ? s->n : sizeof(head);
        if (s->n != 0)
            memcpy(head, s->in->data, n);
        if (n < sizeof(head) && !last)
            return STEP_NEXT;
        if (image_type_of((str_t){ head, n }) == IMAGE_NONE)
            return give_up(r);
        if (http_release_head(r) == STEP_FAIL)
            return STEP_FAIL;
        s->is_passing = true;
        chain_add_block(out, s->in, (str_t){ s->in->data, s->n });
        abandon(s);
    }
    chain_move(out, in);
    return STEP_NEXT;
}


/* --- the filter ---------------------------------------------------------- */

static enum step
decide(struct http_request *r, void *state)
{
    const struct image_conf *c = conf_of(&r->task, &image_filter_module);

    if (c->job.what == OFF || r->out.status == 304
        || http_state_if(r, &image_filter_module) != NULL)
        return STEP_NEXT;
    if (str_istarts(r->out.content_type, STR("multipart/x-mixed-replace"))) {
        log_error(r->task.log,
                  "image filter: multipart/x-mixed-replace response");
        return give_up(r);
    }
    if (c->job.what != TEST && r->out.length != -1
        && (uint64_t) r->out.length > c->buffer)
    {
        log_error(r->task.log, "image filter: too big response: %jd",
                  (intmax_t) r->out.length);
        return give_up(r);
    }
    arena_defer(r->task.arena, abandon, state);
    r->out.allows_ranges = false;
    fields_hide(&r->out.fields, FIELD_ACCEPT_RANGES);
    return STEP_WAIT;
}


static enum step
take(struct http_request *r, void *state, struct chain *in, struct chain *out,
     bool last)
{
    const struct image_conf *c = conf_of(&r->task, &image_filter_module);
    struct image_state      *s = state;
    enum step                step;

    if (c->job.what == TEST)
        return test_type(r, s, in, out, last);
    if (!collect(r, s, in))
        return give_up(r);
    if (!last)
        return STEP_NEXT;
    step = work(r, s, out);
    abandon(s);
    return step;
}


static const struct http_filter filter
    = { .name = "image_filter",
        .state_size = sizeof(struct image_state),
        .needs_memory = true,
        .head = decide,
        .body = take };

struct module image_filter_module = {
    .name = "http_image_filter",
    .serves = FOR_HTTP,
    .directives = rows,
    .conf_size = sizeof(struct image_conf),
    .state_size = sizeof(bool),
    .filter = &filter,
};
